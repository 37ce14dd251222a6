"""Hostile values: numbers, words, layers, edits, names of models, and too few or too many of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.hostile.case import ENDPOINTS, Case, parameters, share_of, values

_NUMBERS: dict[str, Any] = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "a number of 400 digits": 10**400,
    "1e300": 1e300,
    "minus 2 to the 63rd": -(2**63),
    "a number that is text": "1",
    "hexadecimal text": "0x10",
    "text": "abc",
    "no": False,
    "a list": [1],
    "lists in lists": [[[[]]]],
    "an object": {"a": 1},
    "half a character": "\ud800",
}
"""What no number of a request may be."""

_NO_TRUTHS: dict[str, Any] = {
    "the word": "true",
    "one": 1,
    "a list": [True],
    "an object": {},
    "NaN": float("nan"),
}
_NO_WORDS: dict[str, Any] = {
    "a word": "perfect",
    "a number": 5,
    "yes": True,
    "a list": ["quick"],
    "an object": {"value": "quick"},
    "a tag": "<img src=x onerror=alert(1)>",
    "NUL": "quick\0",
    "a line more": "quick\n",
    "a book": "q" * 9000,
    "half a character": "\udfff",
}
_EMPTY = ({}, "", None)

LAYERS = (
    "40-", "3-0", "-", "--", "0--3", "-1-", "0-3-5", "8-:2", "8-:-1", ":0.5", "8:", "8:NaN", "8:1e5",
    "8:0.5:0.5", "pose2", "pose:0.5;features", "0x3", "1e1", "³", "9" * 400, "0," * 199 + "99", ",", "0,,3",
    "all:1.5", "<b>all</b>", "all\0", "../../etc/passwd", "__import__('os')", "all all",
)  # fmt: skip
"""Choices of layers that are none."""

EDITS = (
    "smile", "smile:", ":1", "smile:9", "smile:-2.01", "smile:NaN", "smile:inf", "smile:1e1", "smile:0x1",
    "smile:1,age", "SMILE:1:1", "s m i l e=1", "<b>:1", "smile:1;age:1", "../x:1", "a" * 41 + ":1",
    "smile:" + "1" * 99, "x:1," * 300, "smile:1\0", "smile:½", "beauty:1",
)  # fmt: skip
"""Edits that are none."""

MODELS: dict[str, Any] = {
    "a path": "/etc/passwd",
    "up": "../../../../etc/passwd",
    "a file of weights": "/tmp/x.safetensors",
    "here": ".",
    "home": "~",
    "a home": "~root/x.pt",
    "an address": "http://127.0.0.1/x.pt",
    "a file's address": "file:///etc/passwd",
    "a repository": "me/psp-cats",
    "the Hub": "hf://me/psp-cats@main",
    "a pickle": "evil.pt",
    "a share": "\\\\server\\share\\x.pt",
    "a tag": "<script>alert(1)</script>",
    "NUL": "mobile-1024\0",
    "a line more": "mobile-1024\n",
    "a book": "m" * 150,
    "a number": 1024,
    "a list": ["mobile-1024"],
    "an object": {"value": "mobile-1024"},
    "yes": True,
    "half a character": "mobile\ud800",
    "Arabic digits": "mobile-١٠٢٤",
}
"""Models that there are not, or nobody may ask for."""


def cases() -> Iterator[Case]:
    """Yield wrong values for each parameter of each endpoint."""
    for turn, endpoint in enumerate(ENDPOINTS):
        for place, (name, default) in enumerate(parameters(endpoint)):
            for wrong, value in share_of(list(_wrong(name, default)), turn + place, 3):
                yield Case(
                    "numbers and words", f"{name} {wrong}", endpoint, values(endpoint, **{name: value})
                )
        yield from share_of(list(_counts(endpoint)), turn, 2)
        if "model" in dict(parameters(endpoint)):
            for name, value in share_of(list(MODELS.items()), turn, 3):
                said = "model|no Unicode"
                yield Case("models", name, endpoint, values(endpoint, model=value), said)
    for turn, endpoint in enumerate(("sketch_to_face", "segmentation_to_face", "style_mix")):
        for text in share_of(LAYERS, turn, 2):
            said = "ayers|no Unicode|too long"
            yield Case("layers", repr(text[:30]), endpoint, values(endpoint, layers=text), said)
    for turn, endpoint in enumerate(("edit", "move", "video")):
        more = {"task": "edit"} if endpoint == "video" else {}
        for text in share_of(EDITS, turn, 2):
            yield Case(
                "edits", repr(text[:30]), endpoint, values(endpoint, edits=text, **more), "edit|direction"
            )
    yield Case("numbers and words", "a seed and as many variants as end the seeds", "sketch_to_face",
               values("sketch_to_face", seed=2**32 - 1, variants=16), "seed")  # fmt: skip


def _wrong(name: str, default: object) -> Iterator[tuple[str, Any]]:
    if name in ("model", "layers", "edits"):
        return
    if isinstance(default, bool):
        yield from _NO_TRUTHS.items()
    elif isinstance(default, int | float):
        yield from _NUMBERS.items()
    else:
        yield from _NO_WORDS.items()


def _counts(endpoint: str) -> Iterator[Case]:
    good = values(endpoint)
    for name, data in {
        "nothing": (),
        "one too few": good[:-1],
        "three too many": (*good, None, None, None),
        "three too many, an upload": (*good, None, None, {"path": "/etc/passwd"}),
        "a hundred": good * 100,
    }.items():
        yield Case("counts", name, endpoint, data, "takes|given")
    for empty in _EMPTY:
        yield Case("counts", f"{empty!r} for its input", endpoint, (empty, *good[1:]), "There is no")
