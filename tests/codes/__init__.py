"""Tests of codes, their layers and recipes."""
