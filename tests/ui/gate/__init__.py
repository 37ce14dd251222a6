"""Tests of what stands between a request and the page."""
