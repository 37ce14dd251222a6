"""What a result was made of: the picture before it, and whether that is an example of the studio.

Recipes say nothing of the photo, on purpose. An example is known by its file, byte for byte, or by its
result, which the studio has stored: the same recipe gives the same face of no other input.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from psp.errors import PspError
from psp.files.pins import hash_file
from psp.inference.examples import EXAMPLES, Example, rendered
from psp.pictures.images import degrade, load_picture
from psp.publish.gallery_results import Found
from psp.tasks import TASKS

# Mean difference in grey levels below which two pictures are one. WebP, as results are stored, takes 1 to 2;
# other machines round otherwise; the same recipe on another photo differs by 20 and more.
_SAME = 5.0
_CROP = 512  # pixels a side of what is shown of a photo; models see 256
_MODEL_SEES = 256


@dataclass(frozen=True, eq=False)
class Origin:
    """What is known of a result's input.

    Attributes:
        before: It, as the model saw it, square; None: it is not at hand, or no face was found in it.
        example: The example that it is; None: it is none.
    """

    before: Image.Image | None
    example: Example | None


def origin_of(found: Found, picture: Image.Image) -> Origin:
    """Return what a result was made of.

    Args:
        found: The result.
        picture: It, RGB.
    """
    example = _by_result(found, picture) or _by_file(found)
    if found.couple is not None:
        couple = load_picture(found.couple)
        return Origin(couple.crop((0, 0, couple.width // 2, couple.height)), example)
    path = found.input or (example.path if example else None)
    if path is None:
        return Origin(None, example)
    settings = found.recipe.settings
    try:
        before = _seen(
            path,
            TASKS[found.recipe.task].kind,
            bool(settings.get("align", True)),
            int(settings.get("face", 0)),
            int(settings.get("factor", 0)),
            found.recipe.task == "super_resolution",
        )
    except PspError:  # another file of that name, without a face or no map
        before = None
    return Origin(before, example)


@functools.lru_cache(maxsize=8)
def _seen(path: Path, kind: str, align: bool, face: int, factor: int, small: bool) -> Image.Image:
    """Return what the model saw of an input; kept for the next variant.

    Raises:
        PspError: It is no such input.
    """
    if kind == "sketch":
        from psp.pictures.papers import read_drawing  # noqa: PLC0415  (OpenCV is not needed before)
        from psp.pictures.sketches import normalize_sketch  # noqa: PLC0415  (as above)

        return normalize_sketch(read_drawing(path)).convert("RGB")
    if kind == "mask":
        from psp.maps.palette import map_to_picture, picture_to_map  # noqa: PLC0415  (as above)

        return map_to_picture(picture_to_map(load_picture(path, flat=False))[0])
    from psp.faces.alignment import align as crop_face  # noqa: PLC0415  (dlib is not needed before)
    from psp.faces.alignment import take_square  # noqa: PLC0415  (as above)
    from psp.inference.inputs import place_small_face  # noqa: PLC0415  (as above)

    photo = load_picture(path)
    if small:
        crop = place_small_face(photo, align, face).crop
        return degrade(crop, factor) if factor else crop
    return crop_face(photo, face, _CROP).crop if align else take_square(photo, _CROP).crop


def _by_file(found: Found) -> Example | None:
    """Return the example whose file the input is, one of the result's own task before others."""
    task = TASKS[found.recipe.task]
    if found.input is None or "style" in task.more:  # of a mixture the second picture is not known
        return None
    hashed = hash_file(found.input)
    same = [
        example
        for example in EXAMPLES
        if TASKS[example.task].kind == task.kind and _hash(example.path) == hashed
    ]
    return min(same, key=lambda example: example.task != task.name, default=None)


@functools.cache
def _hash(path: Path) -> str:
    return hash_file(path)


def _by_result(found: Found, picture: Image.Image) -> Example | None:
    """Return the example that the studio has stored this very result of."""
    settings = dict(found.recipe.settings)
    variant = int(settings.pop("variant", 0))
    for example in EXAMPLES:
        if example.task != found.recipe.task:
            continue
        try:
            stored = rendered(example)
            if stored.details["recipe"]["settings"] != settings or variant >= len(stored.pictures):
                continue
            if _is_same(load_picture(stored.pictures[variant]), picture):
                return example
        except (PspError, OSError, KeyError):  # stored results that are damaged tell nothing
            continue
    return None


def _is_same(stored: Image.Image, picture: Image.Image) -> bool:
    side = min(stored.width, picture.width, _MODEL_SEES)
    one, other = (
        np.asarray(each.convert("RGB").resize((side, side), Image.Resampling.BOX), dtype=np.float32)
        for each in (stored, picture)
    )
    return float(np.abs(one - other).mean()) < _SAME
