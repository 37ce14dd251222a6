"""Tests of the tasks in Python, from a picture to a result."""
