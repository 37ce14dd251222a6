"""Pictures and zip files that somebody hands in become a folder, and a folder of results one zip file.

Their names come from strangers: they say nothing about where a file is written but its place within.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from psp.errors import InputError
from psp.folders.files import Found
from psp.folders.saver import COUPLES, LATENTS
from psp.pictures.listing import Listing, archive_reader, is_archive, is_hidden, is_picture, list_archive

# Of a zip file: how many files it may list, each of which costs memory before it is looked at; and how much
# more than itself it may unpack to: pictures are compressed already.
_MOST_LISTED, _MORE, _AT_LEAST = 20_000, 20, 64 << 20
# How each file is listed (APPNOTE 4.3.12). Counted wherever it stands: other records can be forged.
_LISTED = b"PK\x01\x02"
_LONGEST_PART, _DEEPEST = 80, 6


@dataclass(frozen=True)
class Unpacked:
    """What was handed in, as a folder.

    Attributes:
        digests: The names of the pictures below the folder, each with the sha256 of what is in it.
        passed_over: What is none of them, in words, a phrase a file; empty: nothing is.
    """

    digests: Mapping[str, str]
    passed_over: tuple[str, ...]


def unpack(given: Sequence[Path], folder: Path, most: int) -> Unpacked:
    """Copy pictures, those in zip files as well, into ``folder``; what was there before goes, if all can be.

    Args:
        given: Pictures and zip files. What is neither, and what is hidden in a zip file, is passed over.
        folder: Where to.
        most: How many pictures.

    Raises:
        InputError: There is no picture, or there are too many; or a zip file cannot be used.
    """
    given = [*dict.fromkeys(given)]  # one that is named twice is one
    listings = {path: _listing(path) for path in given if is_archive(path)}
    count = sum(is_picture(path.name) for path in given)
    count += sum(len(listing.pictures) for listing in listings.values())
    if not count:
        raise InputError("There is no picture in what was given.", "Give photos, or a zip file of them.")
    if count > most:
        raise InputError(
            f"These are {count} pictures.", f"Give up to {most} at once, and the rest afterwards."
        )
    draft = folder.with_name(f"{folder.name}-new")  # what was there stays until all is here
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    digests: dict[str, str] = {}
    for name, data in _pictures(given):
        free = _free(_plain(name), digests)
        path = draft / free
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digests[free] = hashlib.sha256(data).hexdigest()
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    loose = (path for path in given if path not in listings and not is_picture(path.name))
    over = [f"{_shown(path)} is no picture" for path in loose]
    over += [f"in {_shown(path)} {said}" for path, each in listings.items() if (said := each.passed_over())]
    return Unpacked(digests, tuple(over))


def keep_results(out: Path, before: Mapping[str, Path], now: Mapping[str, Path]) -> None:
    """Keep of a folder of results what still belongs to a picture that is there, and nothing else.

    Args:
        out: The folder.
        before: Digests of the pictures that it has results of, each with its result's place below ``out``.
        now: The same of the pictures that are there now.
    """
    if not out.is_dir():
        return
    aside = out.with_name(f"{out.name}-before")
    shutil.rmtree(aside, ignore_errors=True)
    out.rename(aside)
    for digest, place in now.items():
        if digest in before:
            for old, new in zip(_files(before[digest]), _files(place), strict=True):
                if (aside / old).is_file():
                    (out / new).parent.mkdir(parents=True, exist_ok=True)
                    (aside / old).rename(out / new)
    shutil.rmtree(aside)


def places(found: Iterable[Found], digests: Mapping[str, str]) -> dict[str, Path]:
    """Return the digest of each picture with the place of its result."""
    return {digests[each.name]: each.target for each in found if each.name in digests}


def pack(folder: Path, into: Path) -> None:
    """Write all files below a folder into one zip file, whole or not at all; nothing is compressed.

    Args:
        folder: The folder; hidden files are left out. Files of before 1980, when the clock was wrong say,
            are of 1980 in there.
        into: The zip file.
    """
    draft = into.with_name(f".{into.name}.part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
            for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                name = path.relative_to(folder).as_posix()
                if not is_hidden(name):
                    archive.write(path, name)
        draft.replace(into)
    finally:
        draft.unlink(missing_ok=True)


def _files(target: Path) -> tuple[Path, Path, Path]:
    """Return where the files of one result are."""
    return target, COUPLES / target, LATENTS / target.with_suffix(".safetensors")


def _pictures(given: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every picture.

    Raises:
        TrainingError: An entry of a zip file cannot be unpacked.
    """
    for path in given:
        if is_archive(path):
            read = archive_reader(path)
            for name in list_archive(path).pictures:
                yield name, read(name)
        elif is_picture(path.name):
            yield path.name, path.read_bytes()


def _listing(path: Path) -> Listing:
    """Return what is in a zip file that can be unpacked.

    Raises:
        InputError: It cannot be.
        TrainingError: It is none.
    """
    size = path.stat().st_size
    if path.read_bytes().count(_LISTED) > _MOST_LISTED:
        raise InputError(f"{_shown(path)} holds too many files.", "Split it.")
    listing = list_archive(path)
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > max(_AT_LEAST, _MORE * size):
        raise InputError(
            f"{_shown(path)} would unpack to {unpacked >> 20} MB, many times its size.",
            "Pack the photos as they are, as JPEG or PNG.",
        )
    return listing


def _plain(name: str) -> PurePosixPath:
    """Return a name that can be written anywhere, with the folders that it lies in."""
    *above, last = PurePosixPath(name).parts[-_DEEPEST:]
    # Without dots: no folder has the name of a picture, of a result or of the report. Nor is one hidden.
    folders = [_printable(part.replace(".", "_")).replace("__MACOSX", "MACOSX") for part in above]
    parts = [*folders, _printable(last)]
    if len(parts) > 1 and parts[0].casefold() in (COUPLES, LATENTS):
        parts[0] = f"{parts[0]}-given"  # beside the results there may be folders of these names
    return PurePosixPath(*parts)


def _printable(part: str) -> str:
    """Return a part of a name, short and of signs that can be shown; the ending stays."""
    part = "".join(sign if sign.isprintable() and sign not in '<>:"|?*\\/' else "_" for sign in part)
    part = part.encode("utf-8", "replace").decode()
    ending = PurePosixPath(part).suffix[-8:]
    stem = part.removesuffix(ending)
    while len(stem.encode()) > _LONGEST_PART:
        stem = stem[:-1]
    return f"{stem.lstrip('.') or '_'}{ending}"


def _free(name: PurePosixPath, taken: Mapping[str, str]) -> str:
    """Return the name, with a number where another picture has it."""
    free, number = name, 1
    bearers = {each.casefold() for each in taken}
    while str(free).casefold() in bearers:
        number += 1
        free = name.with_name(f"{name.stem} ({number}){name.suffix}")
    return str(free)


def _shown(path: Path) -> str:
    return _printable(path.name)
