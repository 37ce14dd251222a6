"""Tests of whole folders."""
