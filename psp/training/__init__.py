"""Training: presets, data, the loop, and the measures of what came out."""
