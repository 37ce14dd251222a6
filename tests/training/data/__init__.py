"""Tests of what a run learns from."""
