"""Tests of the training of generators."""
