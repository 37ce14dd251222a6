"""Tests of which models there are, by name and folder."""
