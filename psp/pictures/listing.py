r"""What lies in a folder or a zip file: its pictures, and what is passed over. Nothing is decoded.

Zip files come from macOS (``__MACOSX/._a.png`` beside ``a.png``), from Windows (``faces\val\a.png``),
and from strangers (names that lead elsewhere, one name twice, entries that unpack to gigabytes).
"""

from __future__ import annotations

import os
import re
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from psp.errors import TrainingError
from psp.pictures.formats import ENDINGS
from psp.pictures.images import MAX_BYTES

_DRIVE = re.compile(r"^[A-Za-z]:")
_SHOWN = 6


@dataclass(frozen=True)
class Listing:
    """The files of one folder or zip file.

    Attributes:
        pictures: Names inside, with "/" between folders, sorted; each once.
        hidden: How many hidden files there are, or files in hidden folders.
        twice: How many names stand in a zip file more than once.
        others: Endings of what is no picture, with their numbers.
    """

    pictures: tuple[str, ...]
    hidden: int
    twice: int
    others: Counter[str]

    def passed_over(self) -> str:
        """Return in words what is passed over; empty: nothing is."""
        endings = [ending or "no ending" for ending, _ in self.others.most_common(_SHOWN)]
        endings += ["…"] if len(self.others) > _SHOWN else []
        count = sum(self.others.values())
        parts = []
        if count:
            what = "is no picture" if count == 1 else "are no pictures"
            parts.append(f"{count} that {what} ({', '.join(endings)})")
        if self.hidden:
            parts.append(f"{self.hidden} hidden")
        if self.twice:
            parts.append(f"{self.twice} with a name that is there already")
        return ", ".join(parts).encode("utf-8", "backslashreplace").decode()  # names need not be text


def is_hidden(name: str) -> bool:
    """Whether a file is hidden, or in a hidden folder: those of macOS's copies count as hidden."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def is_picture(name: str) -> bool:
    """Whether the name is that of a picture."""
    return name.lower().endswith(ENDINGS)


def is_archive(path: Path) -> bool:
    """Whether ``path`` is a zip file by its name."""
    return path.suffix.lower() == ".zip" and path.is_file()


def list_folder(folder: Path) -> Listing:
    """List a folder and all folders below it."""
    names = (
        (Path(place) / file).relative_to(folder).as_posix()
        for place, _, files in os.walk(folder)
        for file in files
    )
    return list_names(names)


def list_archive(path: Path) -> Listing:
    """List a zip file.

    Raises:
        TrainingError: It is none, or damaged.
    """
    with _open(path) as archive:
        return list_names(clean_name(entry.filename) for entry in archive.infolist() if not _is_folder(entry))


def list_names(names: Iterable[str]) -> Listing:
    """Sort names into pictures and what is passed over."""
    counts = Counter(names)
    hidden = [name for name in counts if is_hidden(name)]
    seen = [name for name in counts if not is_hidden(name)]
    pictures = sorted(name for name in seen if is_picture(name))
    others = Counter(PurePosixPath(name).suffix.lower()[:12] for name in seen if not is_picture(name))
    return Listing(tuple(pictures), len(hidden), sum(counts[name] - 1 for name in pictures), others)


def clean_name(name: str) -> str:
    """Return an entry's name with "/" between its folders, without drive, root and steps upward."""
    parts = _DRIVE.sub("", name.replace("\\", "/")).split("/")
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def folder_reader(folder: Path) -> Callable[[str], bytes]:
    """Return a function from a name, as ``list_folder`` gives it, to the file's bytes; for any thread.

    It raises a ``TrainingError`` where a file cannot be read, or is too large for a picture.
    """

    def read(name: str) -> bytes:
        path = folder / name
        try:
            size = path.stat().st_size
            if size <= MAX_BYTES:
                return path.read_bytes()
        except OSError as error:
            raise TrainingError(f"{name} cannot be opened: {error.strerror}.", "Remove it.") from error
        raise TrainingError(f"{name} has {size / 1e6:.0f} MB: too much for a picture.", "Remove it.")

    return read


def archive_reader(path: Path) -> Callable[[str], bytes]:
    """Return a function from a name, as ``list_archive`` gives it, to the file's bytes; for any thread.

    It raises a ``TrainingError`` where an entry is damaged, encrypted, not there, or too large for a picture.

    Raises:
        TrainingError: The archive cannot be read.
    """
    archive, lock = _open(path), threading.Lock()
    entries = {clean_name(entry.filename): entry for entry in archive.infolist() if not _is_folder(entry)}

    def read(name: str) -> bytes:
        entry = entries.get(name)
        if entry is None:
            raise TrainingError(f"{name} is not in {path.name} any more.", "Start again.")
        if entry.file_size > MAX_BYTES:  # never more is unpacked than is said here
            raise TrainingError(
                f"{name} in {path.name} unpacks to {entry.file_size / 1e6:.0f} MB: too much for a picture.",
                "Remove it.",
            )
        if entry.flag_bits & 1:
            raise TrainingError(f"{name} in {path.name} is encrypted.", "Pack the pictures without password.")
        try:
            with lock:  # an archive counts its open files without one, and closes itself on a wrong count
                return archive.read(entry)
        except Exception as error:  # the modules of the compressions have no common class
            raise TrainingError(
                f"{name} cannot be unpacked from {path.name}: {error or type(error).__name__}.",
                "Pack or copy the zip file again.",
            ) from error

    return read


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # broken directories raise anything
        raise TrainingError(f"{path.name} is not a readable zip file.", "Copy it again.") from error


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith(("/", "\\"))
