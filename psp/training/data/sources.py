"""Where training pictures are: folders and zip files, their names, and how one is decoded."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from PIL import Image

from psp.config import Settings
from psp.errors import PictureError, TrainingError
from psp.pictures.formats import ENDINGS
from psp.pictures.images import limit_pillow, load_picture
from psp.pictures.listing import (
    Listing,
    archive_reader,
    folder_reader,
    is_archive,
    is_hidden,
    is_picture,
    list_archive,
    list_folder,
    list_names,
)

_VAL = "val"


@dataclass(frozen=True)
class Source:
    """The pictures of one zip file or folder.

    Attributes:
        name: That of the folder, or of the zip file without its ending.
        path: Where it is.
        train: Names inside, for training, sorted.
        val: Names inside with a folder called ``val``, never trained on, sorted.
        inputs: Where what the encoder sees lies ready; None: it is made of the pictures.
        input_names: The name there of each picture.
    """

    name: str
    path: Path
    train: tuple[str, ...]
    val: tuple[str, ...]
    inputs: Source | None = None
    input_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> tuple[str, ...]:
        """All names inside, sorted."""
        return tuple(sorted(self.train + self.val))

    def reader(self) -> Callable[[str], bytes]:
        """Return a function from a name to the file's bytes; any thread may use it."""
        if self.path.is_dir():
            return folder_reader(self.path)
        return archive_reader(self.path)


def open_sources(data: Path, tell: Callable[[str], None] = lambda line: None) -> tuple[Source, ...]:
    """List the pictures under ``data``: each zip file and folder in it is a source, or ``data`` itself is.

    Whatever lies in a folder called ``val`` is held out, and so is a zip file or folder of that name.

    Args:
        data: Where they are.
        tell: Called with a line for each place where files are passed over.

    Raises:
        TrainingError: There is no such folder, or no picture in it.
    """
    if not data.exists():
        raise TrainingError(f"There is no data at {data}.", "Give a folder of pictures or of zip files.")
    inside = sorted(path for path in data.iterdir() if not is_hidden(path.name)) if data.is_dir() else []
    parts = [path for path in inside if is_archive(path) or path.is_dir()]
    loose = [path.name for path in inside if path not in parts]
    if any(map(is_picture, loose)) or {path.name.casefold() for path in parts} <= {"train", _VAL}:
        parts, loose = [data], []  # also where there are none
    beside = list_names(loose).passed_over()
    said = [f"{data.name}: passed over {beside}."] if beside else []
    sources = tuple(_source(path, said, within=path is not data) for path in parts)
    return _named(_some(sources, data, said, tell))


def open_source(path: Path, tell: Callable[[str], None] = lambda line: None) -> Source:
    """List the pictures of one folder, with all that is below it, or of one zip file.

    Args:
        path: Where they are.
        tell: Called with a line where files are passed over.

    Raises:
        TrainingError: There is no such folder, or no picture in it.
    """
    if not path.exists():
        raise TrainingError(f"There is no data at {path}.", "Give a folder of pictures or a zip file.")
    said: list[str] = []
    return _some((_source(path, said),), path, said, tell)[0]


def _some(
    sources: tuple[Source, ...], data: Path, said: list[str], tell: Callable[[str], None]
) -> tuple[Source, ...]:
    """Return the sources that have pictures, once all that was passed over is told."""
    for line in said:
        tell(line)
    found = tuple(source for source in sources if source.all)
    if not found:
        over = f" {' '.join(said)}" if said else ""
        raise TrainingError(
            f"No picture was found under {data}.{over}", f"Known endings: {', '.join(ENDINGS)}."
        )
    return found


def _named(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """Give a zip file its whole name where a folder has the same without its ending."""
    bearers = Counter(source.name for source in sources)
    return tuple(
        source if bearers[source.name] == 1 else dataclasses.replace(source, name=source.path.name)
        for source in sources
    )


def _source(path: Path, said: list[str], *, within: bool = False) -> Source:
    """List one folder or zip file; what is passed over is added to ``said``.

    Args:
        path: The folder or zip file.
        said: Gets a line.
        within: Whether it lies in the folder of the data: then its own name may be ``val``.
    """
    folder = path.is_dir()
    listing: Listing = list_folder(path) if folder else list_archive(path)
    name = path.name if folder else path.stem
    if over := listing.passed_over():
        said.append(f"{path.name}: passed over {over}.")
    whole = within and name.casefold() == _VAL
    val = tuple(each for each in listing.pictures if whole or _is_held_out(each))
    held = set(val)
    return Source(name, path, tuple(each for each in listing.pictures if each not in held), val)


def _is_held_out(name: str) -> bool:
    return any(part.casefold() == _VAL for part in PurePosixPath(name).parts[:-1])


def read_picture(data: bytes, name: str, *, flat: bool = True, smallest: int = 1) -> Image.Image:
    """Decode a picture as the studio does everywhere: upright, sRGB, RGB on white, within the limits.

    Only that it may be small: networks of 16 pixels are trained too, and the check of the data names tiny
    pictures.

    Args:
        data: The file.
        name: What errors call it.
        flat: False keeps the mode and the numbers of a map.
        smallest: Pixels that the shorter side needs.

    Raises:
        TrainingError: The picture cannot be used; says which, and why.
    """
    max_pixels = Settings.from_env().max_pixels
    limit_pillow(max_pixels)  # each process that reads has its own limit
    try:
        return load_picture(data, max_pixels, flat=flat, name=name, smallest=smallest)
    except PictureError as error:
        raise TrainingError(error.problem, "Remove it or replace it.") from error


def read_square(data: bytes, name: str, smallest: int = 1) -> Image.Image:
    """Decode a square picture to RGB, of its own size, a side of at least ``smallest`` pixels.

    Raises:
        TrainingError: The picture is broken or not square; says which.
    """
    picture = read_picture(data, name, smallest=smallest)
    if picture.width != picture.height:
        raise TrainingError(
            f"{name} is {picture.width}×{picture.height}, not square.", "Align the faces first."
        )
    return picture


def decode_picture(data: bytes, name: str, size: int) -> Image.Image:
    """Decode a training picture to RGB, ``size``×``size``.

    Raises:
        TrainingError: The picture is broken or not square; says which.
    """
    picture = read_square(data, name)
    if picture.width != size:
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return picture
