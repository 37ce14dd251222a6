"""What an encoder sees, made ahead of training: sketches or maps of a folder of aligned faces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image

from psp.codes.recipe import Recipe, picture_to_png
from psp.config import Settings
from psp.errors import InputError, PictureError
from psp.faces.alignment import take_square
from psp.files.saving import made_by, require_own
from psp.folders.batch import Folders, run_errands
from psp.folders.files import find_pictures, made_already, write_file
from psp.folders.ledger import Ledger, Row
from psp.folders.processes import check_workers
from psp.inference.face_parser import FaceParser
from psp.inference.inputs import CROP_SIZE
from psp.parameters import Setting
from psp.pictures.images import limit_pillow, load_picture
from psp.pictures.sketches import photo_to_sketch
from psp.tasks import TASKS

PREPARED = {name: task.tracer for name, task in TASKS.items() if task.tracer}
"""Tasks whose encoders see something else than photos, and what turns a photo into that."""

_DONE = "prepared"
# Pixels a side that sketches and maps are made for.
_SMALLEST, _LARGEST = 64, 1024


@dataclass(frozen=True)
class _Preparation:
    """One aligned face on its way.

    Attributes:
        name: ``Found.name``.
        source: The picture.
        target: What is made of it, a PNG.
        size: Its side in pixels.
        recipe: How it is made.
        settings: Which parser makes maps, and how large a picture may be.
    """

    name: str
    source: Path
    target: Path
    size: int
    recipe: Recipe
    settings: Settings


def prepare_folder(folders: Folders, task: str, size: int = CROP_SIZE) -> None:
    """Make of every aligned face what the encoder of ``task`` sees; failures go to ``prepare-report.csv``.

    Sketches are grey, 255 is paper. Maps are grey as well and hold the numbers of the classes, 0 to 18, as
    ``psp.maps.palette`` and the official training code read them.

    Args:
        folders: Where from and where to. "a/b.jpg" becomes "a/b.png".
        task: One of ``PREPARED``.
        size: Side in pixels, 64 to 1024; faces are resized to it first.

    Raises:
        InputError: There is no picture, or not one could be used.
        SettingsError: The folder of the results, the number of workers or the parser cannot be used.
    """
    check_workers(folders.workers)
    if not _SMALLEST <= size <= _LARGEST:
        raise InputError(f"The size is {size}.", f"Take {_SMALLEST} to {_LARGEST} pixels.")
    recipe = _recipe(task, folders.settings)
    found = find_pictures(folders.pictures, folders.out, folders.report)
    ledger = Ledger("prepare", _DONE, (), folders.out, found, folders.report, folders.place)
    errands = []
    for each in ledger.mine:
        target = folders.out / each.target
        if not folders.again and made_already(target, recipe, size):
            ledger.keep(each.name)
        else:
            errands.append(_Preparation(each.name, each.path, target, size, recipe, folders.settings))
    run_errands(ledger, prepare_file, errands, folders.workers)


def prepare_file(errand: _Preparation) -> tuple[Row, ...]:
    """Make one sketch or map, in whichever process.

    Raises:
        PspError: The picture cannot be used, or something else has the name of its result.
    """
    own = made_by(PREPARED.values())
    require_own(errand.target, own)  # before the work
    limit_pillow(errand.settings.max_pixels)
    picture = load_picture(errand.source, errand.settings.max_pixels)
    if picture.width != picture.height:
        raise PictureError(
            f"The picture is {picture.width}×{picture.height}, not square.",
            "Align the faces first: python -m psp align DIR OUT.",
        )
    crop = take_square(picture, errand.size).crop
    if errand.recipe.task == "photo_to_sketch":
        made = photo_to_sketch(crop)
    else:
        made = Image.fromarray(_parser(errand.settings).map(crop)[0])
    write_file(errand.target, picture_to_png(made, errand.recipe, synthetic=False), own)
    return (Row(errand.name, _DONE),)


@cache
def _parser(settings: Settings) -> FaceParser:
    """Return this process's parser, which may be a network that takes long to load."""
    return FaceParser(settings)


def _recipe(task: str, settings: Settings) -> Recipe:
    """Return what a sketch or a map says of itself: the same as that of a single photo."""
    said: dict[str, Setting] = {"align": False, "face": 0}
    if task == "segmentation_to_face":
        said["parser"] = FaceParser(settings).choose()
    return Recipe(PREPARED[task], "", "", said)
