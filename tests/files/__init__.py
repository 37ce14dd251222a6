"""Tests of files: whole or not at all, and known by their hash."""
