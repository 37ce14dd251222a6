"""Ramps rise and fall, CIE Lab goes there and back, outlines are filled."""

from __future__ import annotations

import numpy as np
import pytest

from psp.pictures.raster import fill_outline, from_lab, smoothstep, to_lab


def test_a_ramp_is_flat_outside_and_half_in_the_middle() -> None:
    values = np.array([-1.0, 2.0, 3.0, 4.0, 9.0], np.float32)
    assert smoothstep(values, 2.0, 4.0).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert smoothstep(values, 4.0, 2.0).tolist() == [1.0, 1.0, 0.5, 0.0, 0.0]


def test_lab_of_known_colours_and_back() -> None:
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], np.uint8)
    lab = to_lab(colours)
    assert lab[0, :2].ravel().tolist() == pytest.approx([0, 0, 0, 100, 0, 0], abs=0.01)
    assert lab[0, 2].tolist() == pytest.approx([53.24, 80.09, 67.20], abs=0.05)  # CIE 1976, D65
    assert np.abs(from_lab(lab) - colours).max() < 0.5


def test_an_outline_is_filled_with_its_edge() -> None:
    filled = fill_outline(np.array([[1.0, 1.0], [1.0, 4.0], [3.0, 4.0], [3.0, 1.0]]), 6)
    assert filled.shape == (6, 6) and filled.sum() == 12 and filled[1:5, 1:4].all()
