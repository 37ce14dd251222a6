"""Where training pictures are: folders and zip files, their names, and how one is decoded."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from psp.errors import TrainingError

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


@dataclass(frozen=True)
class Source:
    """The pictures of one zip file or folder.

    Attributes:
        name: Stem of the file or folder.
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
            return lambda name: (self.path / name).read_bytes()
        archive, lock = zipfile.ZipFile(self.path), threading.Lock()

        def read(name: str) -> bytes:
            with lock:  # an archive counts its open files without one, and closes itself on a wrong count
                return archive.read(name)

        return read


def open_sources(data: Path) -> tuple[Source, ...]:
    """List the pictures under ``data``: each zip file and folder in it is a source, or ``data`` itself is.

    Raises:
        TrainingError: There is no such folder, or no picture in it.
    """
    if not data.exists():
        raise TrainingError(f"There is no data at {data}.", "Give a folder of pictures or of zip files.")
    inside = sorted(data.iterdir()) if data.is_dir() else []
    parts = [p for p in inside if p.suffix == ".zip" or p.is_dir()]
    pictures = any(_is_picture(p.name) for p in inside if p.is_file())
    if pictures or {p.name for p in parts} <= {"train", "val"}:  # or there are none
        parts = [data]
    sources = tuple(source for source in map(_source, parts) if source.all)
    if not sources:
        raise _no_pictures(data)
    return sources


def open_source(path: Path) -> Source:
    """List the pictures of one folder, with all that is below it, or of one zip file.

    Raises:
        TrainingError: There is no such folder, or no picture in it.
    """
    if not path.exists():
        raise TrainingError(f"There is no data at {path}.", "Give a folder of pictures or a zip file.")
    source = _source(path)
    if not source.all:
        raise _no_pictures(path)
    return source


def _no_pictures(data: Path) -> TrainingError:
    return TrainingError(f"No picture was found under {data}.", f"Known endings: {', '.join(_ENDINGS)}.")


def _is_picture(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def _source(path: Path) -> Source:
    if path.is_dir():
        names = [str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()]
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError) as error:
            raise TrainingError(f"{path.name} is not a readable zip file.", "Copy it again.") from error
    names = sorted(name for name in names if _is_picture(name))
    held_out = tuple(name for name in names if "val" in Path(name).parts)
    train = tuple(name for name in names if "val" not in Path(name).parts)
    return Source(path.stem, path, train, held_out)


def read_square(data: bytes, name: str) -> Image.Image:
    """Decode a square picture to RGB, of its own size.

    Raises:
        TrainingError: The picture is broken or not square; says which.
    """
    try:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise TrainingError(f"{name} cannot be read as a picture.", "Remove it or replace it.") from error
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
