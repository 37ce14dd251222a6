"""Tests of what the page is to programs."""
