"""Tests of what is around the tabs."""
