"""Tests of the Video tab."""
