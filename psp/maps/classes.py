"""The classes of a model's maps: how many, what they are called, and which colour stands for each.

Face models have the 19 of CelebAMask-HQ (``psp.maps.palette``); a model of one's own has as many as
``--label-nc`` said, with names and colours where its training was told them, else numbers and the colours of
PASCAL VOC, which annotation tools write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from psp.errors import SettingsError

Colour: TypeAlias = tuple[int, int, int]

FEWEST, MOST = 2, 256
"""How many classes a map can have: its values are 8-bit numbers."""

_NAMED = re.compile(r"(?P<name>.*?\S)(?:\s+#(?P<colour>[0-9a-fA-F]{6}))?")
_LONGEST = 60  # characters of a class's name


@dataclass(frozen=True)
class MapClasses:
    """The classes of maps, by their number.

    Attributes:
        names: What each is called.
        colours: One RGB colour each, all different.
    """

    names: tuple[str, ...]
    colours: tuple[Colour, ...]

    def __post_init__(self) -> None:
        assert len(self.names) == len(self.colours), "a colour for every class"

    def __len__(self) -> int:
        return len(self.names)

    def listed(self) -> str:
        """Return all of them in one line: "0 sky #000000, 1 tree #800000, …"."""
        both = zip(self.names, self.colours, strict=True)
        return ", ".join(f"{index} {name} {_hex(colour)}" for index, (name, colour) in enumerate(both))

    def to_json(self) -> str:
        """Return them as text for a model's file; :func:`classes_from_json` reads it."""
        return json.dumps(
            [f"{name} {_hex(colour)}" for name, colour in zip(self.names, self.colours, strict=True)]
        )


def numbered_classes(count: int) -> MapClasses:
    """Return ``count`` classes that nobody has named, in the colours of PASCAL VOC.

    Raises:
        SettingsError: There are no maps of so many classes.
    """
    if not FEWEST <= count <= MOST:
        raise SettingsError(
            f"There are no maps of {count} {'class' if count == 1 else 'classes'}.",
            f"Take {FEWEST} to {MOST}; for sketches, the task sketch_to_face.",
        )
    return MapClasses(tuple(f"class {i}" for i in range(count)), tuple(_voc(i) for i in range(count)))


def named_classes(texts: Sequence[str]) -> MapClasses:
    """Return the classes that ``texts`` name, one each: "sky", or "sky #87ceeb" with its colour.

    One without a colour has that of its number in PASCAL VOC.

    Raises:
        SettingsError: There are too few or too many, or two have one name or one colour.
    """
    plain = numbered_classes(len(texts))
    names, colours = [], []
    for text, usual in zip(texts, plain.colours, strict=True):
        found = _NAMED.fullmatch(text.strip())
        if found is None or len(found["name"]) > _LONGEST or not found["name"].isprintable():
            raise SettingsError(f"{text[:80]!r} names no class.", 'Write "sky", or "sky #87ceeb".')
        names.append(found["name"])
        colours.append(_colour(found["colour"]) if found["colour"] else usual)
    for index, (name, colour) in enumerate(zip(names, colours, strict=True)):
        if name in names[:index]:
            raise SettingsError(f"Two classes are called {name!r}.", "Give each a name of its own.")
        if colour in colours[:index]:
            other = names[colours.index(colour)]
            raise SettingsError(
                f"The classes {other!r} and {name!r} have one colour, {_hex(colour)}.",
                'Give each a colour of its own: "sky #87ceeb".',
            )
    return MapClasses(tuple(names), tuple(colours))


def classes_from_json(text: str) -> MapClasses:
    """Return the classes that :meth:`MapClasses.to_json` wrote.

    Raises:
        SettingsError: It is something else.
    """
    try:
        texts = json.loads(text)
    except (ValueError, RecursionError):
        texts = None
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise SettingsError("The classes that the model names cannot be read.", "Save the model again.")
    return named_classes(texts)


def _hex(colour: Colour) -> str:
    return f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}"


def _colour(text: str) -> Colour:
    return int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16)


def _voc(index: int) -> Colour:
    """Return colour ``index`` of PASCAL VOC: its bits, three by three, from the highest of each channel."""
    red = green = blue = 0
    for place in range(8):
        red |= (index & 1) << 7 - place
        green |= (index >> 1 & 1) << 7 - place
        blue |= (index >> 2 & 1) << 7 - place
        index >>= 3
    return red, green, blue
