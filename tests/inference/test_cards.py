"""Cards of examples: two halves, an arrow between them, and a second picture where one went in."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from psp.inference.cards import SIDE, example_card

RED, BLUE, GREEN = (200, 20, 20), (20, 20, 200), (20, 200, 20)


def made(second: Image.Image | None = None) -> np.ndarray:
    before, after = Image.new("RGB", (256, 256), RED), Image.new("RGB", (1024, 1024), BLUE)
    with Image.open(io.BytesIO(example_card(before, after, second))) as card:
        assert card.size == (2 * SIDE, SIDE) and b"trainedAlgorithmicMedia" in card.info["xmp"]
        return np.asarray(card.convert("RGB"), np.float32)


def near(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel - np.array(colour)).max() < 24)


def test_input_and_result_stand_side_by_side() -> None:
    card = made()
    assert near(card[20, 40], RED) and near(card[20, SIDE + 100], BLUE)
    assert near(card[130, 36], RED)
    assert card[10, SIDE].min() > 170  # the line between them
    assert not near(card[SIDE // 2, SIDE], RED) and not near(card[SIDE // 2, SIDE], BLUE)  # the arrow


def test_a_second_picture_is_shown_in_the_corner() -> None:
    card = made(Image.new("RGB", (300, 400), GREEN))
    assert near(card[SIDE - 36, 36], GREEN) and near(card[20, 40], RED)
