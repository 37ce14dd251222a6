"""Tests of faces: found, aligned, compared."""
