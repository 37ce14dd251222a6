"""Tests of the pads to draw on."""
