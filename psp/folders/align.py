"""Alignment of a whole folder: the FFHQ crop of every picture, in parallel processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from psp.codes.recipe import Recipe, picture_to_png
from psp.errors import FaceNotFoundError, InputError
from psp.faces.alignment import align, align_all
from psp.faces.suitability import photo_warnings
from psp.files.saving import made_by, require_own
from psp.folders.batch import Folders, run_errands
from psp.folders.files import find_pictures, made_already, write_file
from psp.folders.ledger import FAILED, Ledger, Row
from psp.folders.processes import check_workers
from psp.pictures.images import limit_pillow, load_picture

__all__ = ["align_folder"]

_COMMAND, _DONE = "align", "aligned"
# Pixels a side of the crop.
_SMALLEST, _LARGEST = 32, 4096


@dataclass(frozen=True)
class _Alignment:
    """One picture on its way to be aligned.

    Attributes:
        name: ``Found.name``.
        source: The picture.
        target: The crop, a PNG; with all faces, the name before their numbers are put in.
        face: Which face; None for all.
        size: Side of the crop in pixels.
        max_pixels: ``Settings.max_pixels``.
    """

    name: str
    source: Path
    target: Path
    face: int | None
    size: int
    max_pixels: int

    def crop(self, face: int) -> Path:
        """Return where the crop of a face belongs."""
        if self.face is not None:
            return self.target
        return self.target.with_name(f"{self.target.stem}-face-{face}.png")


def align_folder(folders: Folders, face: int | None = 0, size: int = 256) -> None:
    """Crop a face of every picture as FFHQ does, and report what failed in ``align-report.csv``.

    Args:
        folders: Where from and where to. "a/b.jpg" becomes "a/b.png".
        face: Which face, 0 is the largest; None for all: "a/b-face-0.png", "a/b-face-1.png", …
        size: Side of the crops in pixels, 32 to 4096.

    Raises:
        InputError: There is no picture, or not one could be aligned.
        SettingsError: The folder of the results or the number of workers cannot be used.
    """
    check_workers(folders.workers)
    if not _SMALLEST <= size <= _LARGEST:
        raise InputError(f"The size is {size}.", f"Take {_SMALLEST} to {_LARGEST} pixels.")
    found = find_pictures(folders.pictures, folders.out, folders.report)
    columns = ("faces", "face", "side", "warnings")
    ledger = Ledger(_COMMAND, _DONE, columns, folders.out, found, folders.report, folders.place)
    errands = []
    for each in ledger.mine:
        target = folders.out / each.target
        errand = _Alignment(each.name, each.path, target, face, size, folders.settings.max_pixels)
        # The largest face of all is written last: where it is, the others are.
        if not folders.again and made_already(errand.crop(face or 0), _recipe(face or 0), size):
            ledger.keep(each.name)
        else:
            errands.append(errand)
    run_errands(ledger, align_file, errands, folders.workers)


def align_file(errand: _Alignment) -> tuple[Row, ...]:
    """Align one picture, in whichever process.

    Returns:
        A row for each face that was cropped, or one that says why there is none.

    Raises:
        PspError: The picture cannot be used, or something else has the name of its crop.
    """
    own = made_by({_COMMAND})
    require_own(errand.crop(errand.face or 0), own)  # before the work
    limit_pillow(errand.max_pixels)
    photo = load_picture(errand.source, errand.max_pixels)
    try:
        places = (
            align_all(photo, 0, errand.size)
            if errand.face is None
            else (align(photo, errand.face, errand.size),)
        )
    except FaceNotFoundError as error:
        return (Row(errand.name, FAILED, str(error), {"faces": 0}),)
    for place in reversed(places):
        png = picture_to_png(place.crop, _recipe(place.face), synthetic=False)
        write_file(errand.crop(place.face), png, own)
    return tuple(
        Row(
            errand.name,
            _DONE,
            more={
                "faces": place.faces,
                "face": place.face,
                "side": f"{place.side:.1f}",
                "warnings": " ".join(photo_warnings(place.crop, place.side, place.sure)),
            },
        )
        for place in places
    )


def _recipe(face: int) -> Recipe:
    """Return what a crop says of itself: the same as that of a single photo."""
    return Recipe(_COMMAND, "", "", {"face": face})
