"""Whole folders: alignment, what encoders see, and results, many pictures at a time."""
