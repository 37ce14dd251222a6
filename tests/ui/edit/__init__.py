"""Tests of the Edit tab."""
