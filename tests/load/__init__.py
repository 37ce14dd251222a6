"""Many clients at once: what the studio promises under load, measured and held."""
