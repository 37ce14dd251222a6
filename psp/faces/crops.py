"""Crops that were made before: another task, or the same with another seed, asks for that of the same photo.

A crop is kept by the content of the file that it comes from, so that equal questions get equal answers, and
nothing but the time tells whether somebody asked before.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from PIL import Image

from psp.faces.alignment import Alignment, align, align_all

_BYTES = 32_000_000
# Of an alignment besides its crop: quad, map and what holds them.
_BESIDES = 2_000


@dataclass(frozen=True)
class _Asked:
    """What was asked for: the file's hash, the face, the size, and whether the other faces were too."""

    content: str
    face: int
    size: int
    every: bool


class Crops:
    """The crops that were made last, within a budget; safe to use from several threads.

    Args:
        most: Bytes that they may take: of 256 px, 32 MB are 160.
    """

    def __init__(self, most: int = _BYTES) -> None:
        self._most = most
        self._taken = 0
        self._kept: OrderedDict[_Asked, tuple[Alignment, ...]] = OrderedDict()
        self._contents: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Bytes that they take."""
        return self._taken

    def knows(self, content: str) -> bool:
        """Return whether there is a crop of a file: it could be opened, and there was a face."""
        return content in self._contents

    def get(self, asked: _Asked, make: Callable[[], tuple[Alignment, ...]]) -> tuple[Alignment, ...]:
        """Return what was asked for, made now if it is not there; it belongs to the caller."""
        with self._lock:
            found = self._kept.get(asked)
            if found is not None:
                self._kept.move_to_end(asked)
        if found is None:
            found = make()  # two at once may both make it: it is the same
            self._keep(asked, tuple(map(_copy, found)))
        return tuple(map(_copy, found))

    def one_of(self, asked: _Asked) -> Alignment | None:
        """Return a face out of all faces that were asked for with it, if they are there."""
        with self._lock:
            found = self._kept.get(replace(asked, every=True))
        return None if found is None else _copy(found[asked.face])

    def _keep(self, asked: _Asked, made: tuple[Alignment, ...]) -> None:
        with self._lock:
            if asked in self._kept or _size(made) > self._most:
                return
            self._kept[asked] = made
            self._taken += _size(made)
            self._contents[asked.content] = self._contents.get(asked.content, 0) + 1
            while self._taken > self._most:
                old, gone = self._kept.popitem(last=False)
                self._taken -= _size(gone)
                self._contents[old.content] -= 1
                if not self._contents[old.content]:
                    del self._contents[old.content]


@dataclass(frozen=True, eq=False)
class PhotoFile:
    """A photo in a file, which is opened when it is needed, with the crops that are known of it.

    Attributes:
        content: Hash of the file.
        read: Opens it; raises ``PictureError`` where that cannot be done.
        crops: The crops that are known, of all photos.
    """

    content: str
    read: Callable[[], Image.Image]
    crops: Crops

    @cached_property
    def photo(self) -> Image.Image:
        """The photo, RGB."""
        return self.read()

    def align(self, face: int, size: int) -> Alignment:
        """Do what ``psp.faces.alignment.align`` does with the photo."""
        asked = _Asked(self.content, face, size, every=False)
        found = self.crops.one_of(asked)
        return found or self.crops.get(asked, lambda: (align(self.photo, face, size),))[0]

    def align_all(self, face: int, size: int) -> tuple[Alignment, ...]:
        """Do what ``psp.faces.alignment.align_all`` does with the photo."""
        asked = _Asked(self.content, face, size, every=True)
        return self.crops.get(asked, lambda: align_all(self.photo, face, size))


def _copy(place: Alignment) -> Alignment:
    """Return the same, for somebody who may draw on it."""
    return replace(place, crop=place.crop.copy(), quad=place.quad.copy(), to_photo=place.to_photo.copy())


def _size(made: tuple[Alignment, ...]) -> int:
    return sum(place.crop.width * place.crop.height * 4 + _BESIDES for place in made)  # Pillow pads RGB
