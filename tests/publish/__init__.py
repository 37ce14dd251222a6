"""Tests of what leaves the checkout."""
