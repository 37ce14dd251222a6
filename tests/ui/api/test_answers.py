"""The answers of tools: small enough to be shown, and marked as synthetic."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from psp.codes.recipe import Recipe, picture_to_png
from psp.ui.api.answers import answer_of

RECIPE = Recipe("encode", "mobile-1024", "", {})


def as_file(folder: Path, side: int, name: str = "made.png") -> dict[str, Any]:
    noise = np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)
    path = folder / name
    path.write_bytes(picture_to_png(Image.fromarray(noise), RECIPE))
    return {"path": str(path), "url": f"http://127.0.0.1/{name}"}


def test_a_small_picture_is_shown_byte_for_byte(tmp_path: Path) -> None:
    file = as_file(tmp_path, 64)
    answer = answer_of([file, None, {}])
    assert base64.b64decode(answer.picture) == Path(file["path"]).read_bytes()
    assert answer.mime == "image/png"


def test_a_large_picture_keeps_its_size_and_its_mark_of_being_synthetic(tmp_path: Path) -> None:
    answer = answer_of([as_file(tmp_path, 512), {"url": "http://127.0.0.1/codes"}, {}])
    data = base64.b64decode(answer.picture)
    assert answer.mime == "image/webp"
    assert b"trainedAlgorithmicMedia" in data
    assert '"latents": "http://127.0.0.1/codes"' in answer.words


def test_a_sheet_holds_the_variants_in_their_order(tmp_path: Path) -> None:
    first = [{"image": as_file(tmp_path, 32, f"{index}.png")} for index in range(5)]
    answer = answer_of([first, None, {}])
    assert all(f"/{index}.png" in answer.words for index in range(5))
    assert answer.mime == "image/webp"
