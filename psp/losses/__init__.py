"""The terms of the training objective; each is also a measure of its own."""
