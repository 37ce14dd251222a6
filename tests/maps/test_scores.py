"""Scores to maps: left and right by place, specks and small hats gone, outlines smooth at any size."""

from __future__ import annotations

import numpy as np

from psp.maps.palette import CLASSES, Labels
from psp.maps.scores import Scores, map_of_scores

SIDE = 64
BACK, SKIN, HAIR, HAT = (CLASSES.index(name) for name in ("background", "skin", "hair", "hat"))
LEFT, RIGHT = CLASSES.index("left eye"), CLASSES.index("right eye")


def scores_of(labels: Labels, second: int = BACK) -> Scores:
    """Return scores that speak for ``labels``, and next for the class ``second``."""
    scores = np.zeros((len(CLASSES), *labels.shape), np.float32)
    scores[second] = 1.0
    np.put_along_axis(scores, labels[None].astype(np.int64), 2.0, axis=0)
    return scores


def plain(value: int = SKIN) -> Labels:
    return np.full((SIDE, SIDE), value, np.uint8)


def test_a_map_is_what_scores_highest() -> None:
    labels = plain()
    labels[:20] = HAIR
    assert np.array_equal(map_of_scores(scores_of(labels), SIDE), labels)


def test_left_and_right_are_where_the_alignment_has_them() -> None:
    labels, wanted = plain(), plain()
    for columns, said, right in ((slice(10, 20), LEFT, RIGHT), (slice(44, 54), RIGHT, LEFT)):
        labels[28:34, columns], wanted[28:34, columns] = said, right
    assert np.array_equal(map_of_scores(scores_of(labels), SIDE), wanted)
    assert np.array_equal(map_of_scores(scores_of(wanted), SIDE), wanted)


def test_a_speck_goes_to_what_is_next_there_and_a_small_part_alone_stays() -> None:
    labels, wanted = plain(), plain()
    labels[:20] = wanted[:20] = HAIR
    labels[40:42, 40:42] = HAIR
    labels[30:32, 10:12] = wanted[30:32, 10:12] = RIGHT  # small, and all that there is of it
    assert np.array_equal(map_of_scores(scores_of(labels, SKIN), SIDE), wanted)


def test_a_hat_is_no_small_thing() -> None:
    labels = plain(HAIR)
    labels[10:17, 10:17] = HAT
    assert (map_of_scores(scores_of(labels, HAIR), SIDE) == HAIR).all()
    labels[:20] = HAT
    assert np.array_equal(map_of_scores(scores_of(labels, HAIR), SIDE), labels)


def test_outlines_are_smooth_at_any_size() -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    scores = np.full((len(CLASSES), SIDE, SIDE), -99.0, np.float32)
    scores[SKIN], scores[HAIR] = 0.0, (y - x) / 4.0  # a straight border from corner to corner
    made = map_of_scores(scores, 8 * SIDE)
    rows, columns = np.mgrid[: 8 * SIDE, : 8 * SIDE]
    inside = (rows > 8) & (rows < 8 * SIDE - 8) & (columns > 8) & (columns < 8 * SIDE - 8)
    assert made.dtype == np.uint8 and made.shape == (8 * SIDE, 8 * SIDE)
    assert (made == HAIR)[inside & (rows > columns + 2)].all()
    assert not (made == HAIR)[inside & (rows < columns - 2)].any()


def test_scores_are_left_as_they_are() -> None:
    scores = scores_of(plain())
    before = scores.copy()
    map_of_scores(scores, 32)
    assert np.array_equal(scores, before)
