"""Tests of the parts of the Style mixing tab."""
