"""Tests of psp.ui.session."""
