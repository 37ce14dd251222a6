"""Hostile files that are no pictures: codes, directions, videos; maps and drawings that are pictures."""

from __future__ import annotations

import functools
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save

from tests.hostile.case import PHOTO, Case, File, values
from tests.hostile.damaged import bits, sound

_Make = Callable[[], bytes]


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        import os

        return os.mkdir, ("evil-was-here",)


def tensor_file(entries: dict[str, Any], data: bytes = b"", length: int | None = None) -> bytes:
    """Return a safetensors file of any claim."""
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def _entry(kind: str, shape: list[Any], *ends: int) -> dict[str, Any]:
    return {"codes": {"dtype": kind, "shape": shape, "data_offsets": list(ends)}}


def _codes(shape: tuple[int, ...], value: float = 0.1, kind: Any = np.float32) -> bytes:
    return save({"codes": np.full(shape, value, kind)})


def _told(recipe: object) -> bytes:
    text = recipe if isinstance(recipe, str) else json.dumps(recipe)
    return save({"codes": np.full((14, 512), 0.1, np.float32)}, {"recipe": text})


def _npz(**arrays: Any) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def _pickled_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("x/data.pkl", pickle.dumps(_Evil()))
        packed.writestr("x/version", "3")
    return out.getvalue()


CODES: dict[str, _Make] = {
    "nothing": bytes,
    "7 bytes": lambda: b"\0" * 7,
    "a header of 2 GB": lambda: tensor_file({}, length=2 << 30),
    "a header of all bytes there are": lambda: tensor_file({}, length=2**64 - 1),
    "a header of nothing": lambda: tensor_file({}, length=0),
    "no codes": lambda: tensor_file({}),
    "a header that is a list": lambda: struct.pack("<Q", 8) + b"[1,2]   ",
    "brackets": lambda: struct.pack("<Q", 50_000) + b'{"a":' * 10_000,
    "a shape that lies": lambda: tensor_file(_entry("F32", [14, 512], 0, 4), bytes(4)),
    "a shape of 2 to the 62nd": lambda: tensor_file(_entry("F32", [2**31, 2**31], 0, 4), bytes(4)),
    "a shape below 0": lambda: tensor_file(_entry("F32", [-1, 4], 0, 4), bytes(4)),
    "a shape of text": lambda: tensor_file(_entry("F32", ["1"], 0, 4), bytes(4)),
    "a place outside": lambda: tensor_file(_entry("F32", [1, 1], 10**9, 10**9 + 4), bytes(4)),
    "a place that ends before it begins": lambda: tensor_file(_entry("F32", [1, 1], 4, 0), bytes(4)),
    "bytes that belong to nothing": lambda: _codes((14, 512)) + b"x" * 99,
    "half of its bytes": lambda: _codes((14, 512))[:9000],
    "more than 4 MB": lambda: _codes((200, 14, 512)),
    "float8": lambda: tensor_file(_entry("F8_E4M3", [14, 512], 0, 7168), b"\x38" * 7168),
    "the other float8": lambda: tensor_file(_entry("F8_E5M2", [14, 512], 0, 7168), b"\x38" * 7168),
    "bfloat16": lambda: tensor_file(_entry("BF16", [14, 512], 0, 14336), b"\x38" * 14336),
    "an unknown type": lambda: tensor_file(_entry("F128", [1, 1], 0, 16), bytes(16)),
    "whole numbers": lambda: _codes((14, 512), 1, np.int64),
    "yes and no": lambda: _codes((14, 512), 1, np.bool_),
    "complex numbers": lambda: tensor_file(_entry("C64", [14, 512], 0, 57344), bytes(57344)),
    "NaN": lambda: _codes((14, 512), float("nan")),
    "infinity": lambda: _codes((14, 512), float("inf")),
    "numbers of 1e300": lambda: _codes((14, 512), 1e300, np.float64),
    "numbers of 3e38": lambda: _codes((14, 512), 3e38),
    "one code too few": lambda: _codes((13, 512)),
    "18 codes": lambda: _codes((18, 512)),
    "short codes": lambda: _codes((14, 511)),
    "turned codes": lambda: _codes((512, 14)),
    "one dimension": lambda: _codes((7168,)),
    "five dimensions": lambda: _codes((1, 1, 1, 14, 512)),
    "no variants": lambda: _codes((0, 14, 512)),
    "another name": lambda: save({"w": np.full((14, 512), 0.1, np.float32)}),
    "half of the details": lambda: save(
        {"codes": np.zeros((14, 512), np.float32), "coarse": np.zeros((1, 2, 2), np.int8)}
    ),
    "details of another size": lambda: save(
        {
            "codes": np.zeros((14, 512), np.float32),
            **{name: np.zeros((3, 5, 7), np.int8) for name in ("coarse", "fine")},
            **{f"{name}.scale": np.ones(3, np.float32) for name in ("coarse", "fine")},
        }
    ),
    "a pickle": lambda: pickle.dumps(_Evil()),
    "an archive with a pickle": _pickled_zip,
    "npz": lambda: _npz(codes=np.zeros((14, 512), np.float32)),
    "npz with a pickle": lambda: _npz(codes=np.array([_Evil()], object)),
    "npy": lambda: b"\x93NUMPY\x01\0v\0{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
    "a picture": sound,
    "a web page": lambda: b"<!DOCTYPE html><html>",
}  # fmt: skip
"""Files of codes that are none, or of no model here."""

RECIPES: dict[str, object] = {
    "no JSON": "{",
    "brackets": "[" * 3000,
    "a number": "5",
    "a script": {"task": "<script>alert(1)</script>", "model": "auto", "model_sha256": "", "settings": {}},
    "another task": {"task": "rm -rf", "model": "auto", "model_sha256": "", "settings": {}},
    "a path for a model": {"task": "encode", "model": "/etc/passwd", "model_sha256": "", "settings": {}},
    "NaN": '{"task": "encode", "model": "auto", "model_sha256": "", "settings": {"alpha": NaN}}',
    "99 variants": {"task": "encode", "model": "auto", "model_sha256": "", "settings": {"variants": 99}},
    "a list of settings": {"task": "encode", "model": "auto", "model_sha256": "", "settings": [1]},
    "a book": {"task": "encode" * 5000, "model": "auto", "model_sha256": "", "settings": {}},
    "a number of 5000 digits": '{"task": "encode", "settings": {"seed": ' + "9" * 5000 + "}}",
    "half a character": '{"task": "\\ud800", "model": "auto", "model_sha256": "", "settings": {}}',
}
"""What may stand where a recipe should."""

DIRECTIONS: dict[str, _Make] = {
    "of nothing": lambda: save({}),
    "of 65": lambda: save({f"d{index}": np.ones(512, np.float32) for index in range(65)}),
    "of another length": lambda: save({"smile": np.ones(511, np.float32)}),
    "of too many layers": lambda: save({"smile": np.ones((18, 512), np.float32)}),
    "of zeros": lambda: save({"smile": np.zeros(512, np.float32)}),
    "of NaN": lambda: save({"smile": np.full(512, np.nan, np.float32)}),
    "of 1e300": lambda: save({"smile": np.full(512, 1e300, np.float64)}),
    "of whole numbers": lambda: save({"smile": np.ones(512, np.int64)}),
    "with a tag for a name": lambda: save({"<b>": np.ones(512, np.float32)}),
    "with a path for a name": lambda: save({"../../x": np.ones(512, np.float32)}),
    "with layers that there are not": lambda: _named('{"smile": {"layers": [0, 99]}}'),
    "with layers of text": lambda: _named('{"smile": {"layers": "all"}}'),
    "with layers upside down": lambda: _named('{"smile": {"layers": [5, 2]}}'),
    "with brackets beside it": lambda: _named("[" * 3000),
    "that are a pickle": lambda: pickle.dumps(_Evil()),
}
"""Files of directions that no model here can use."""


def _named(said: str) -> bytes:
    return save({"smile": np.ones(512, np.float32)}, {"directions": said})


_FTYP = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)

VIDEOS: dict[str, _Make] = {
    "a playlist": lambda: b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "a list to join": lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a session": lambda: b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "MPEG-DASH": lambda: b'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1/</BaseURL></MPD>',
    "AVI": lambda: b"RIFF\0\0\0\0AVI LIST" + bytes(200),
    "a moving GIF": lambda: sound("GIF"),
    "a head alone": lambda: _FTYP,
    "a box of 2 to the 63rd": lambda: _FTYP + struct.pack(">I4sQ", 1, b"moov", 2**63),
    "boxes in boxes": lambda: _FTYP
    + b"".join(struct.pack(">I4s", 9000 - 8 * index, b"moov") for index in range(1000)),
    "WebM of nothing": lambda: b"\x1a\x45\xdf\xa3" + bytes(99),
    "Ogg": lambda: b"OggS" + bytes(99),
    "a sound": lambda: b"ID3\x03" + bytes(99),
    "text with the name of an option": lambda: b"-i /etc/passwd -f rawvideo",
}  # fmt: skip
"""Videos that are none."""


def _picture(mode: str, size: tuple[int, int], value: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, value).save(out, "PNG")
    return out.getvalue()


MAPS: dict[str, tuple[_Make, str]] = {
    "not square": (lambda: _picture("L", (64, 65), 1), "not square"),
    "a strip": (lambda: bits(3200, 64), "too thin"),
    "too small": (lambda: _picture("L", (31, 31), 1), "too small"),
    "class 19": (lambda: _picture("L", (64, 64), 19), ""),
    "class 254": (lambda: _picture("L", (64, 64), 254), ""),
    "class 255, ignored": (lambda: _picture("L", (64, 64), 255), ""),
    "one class": (lambda: _picture("L", (64, 64), 1), ""),
    "all background": (lambda: _picture("L", (64, 64), 0), ""),
    "class 18 in 16 bits": (lambda: _picture("I;16", (64, 64), 18), ""),
    "class 65535": (lambda: _picture("I;16", (64, 64), 65535), ""),
    "a colour that no class has": (lambda: _picture("RGB", (64, 64), (123, 45, 67)), ""),
    "transparent": (lambda: _picture("RGBA", (64, 64), (0, 0, 0, 0)), ""),
    "white": (lambda: _picture("RGB", (64, 64), (255, 255, 255)), ""),
    "a photo": (sound, ""),
}
"""Maps that are odd, and what the refusal says of those that are none."""

SKETCHES: dict[str, tuple[_Make, str]] = {
    "white paper": (lambda: _picture("L", (64, 64), 255), "empty"),
    "black paper": (lambda: _picture("L", (64, 64), 0), "empty|no lines"),
    "transparent paper": (lambda: _picture("RGBA", (64, 64), (0, 0, 0, 0)), "empty"),
    "a strip": (lambda: bits(3200, 64), "too thin"),
    "a speck": (lambda: _picture("L", (8, 8), 0), "too small"),
    "shades": (sound, ""),
}
"""Drawings that are none."""


def cases() -> Iterator[Case]:
    """Yield each of these files to every endpoint that takes its kind."""
    for turn, (name, make) in enumerate(CODES.items()):
        file = File("me.safetensors", make)
        yield Case("codes", name, "decode", values("decode", latents=file))
        if turn % 2:
            # What is close needs no details: those of a file are not looked at.
            more = name.startswith("details")
            yield Case("codes", name, "refine", values("refine", latents=file), served=more)
        else:
            yield Case("codes", f"{name} to go through", "move", values("move", through=[file, file]))
    for ending in (".npz", ".pt", ".pkl", ".ckpt", ".safetensors.exe"):
        file = File(f"me{ending}", functools.partial(pickle.dumps, _Evil()))
        yield Case(
            "codes", f"a pickle called {ending}", "decode", values("decode", latents=file), "safetensors"
        )
    for name, recipe in RECIPES.items():
        file = File("me.safetensors", functools.partial(_told, recipe))
        yield Case("codes", f"with a recipe: {name}", "decode", values("decode", latents=file), served=True)
    for name, make in DIRECTIONS.items():
        for endpoint in ("edit",):
            given = values(endpoint, photo=PHOTO, directions=File("d.safetensors", make), edits="smile:1")
            yield Case("directions", name, endpoint, given)
    for name, make in VIDEOS.items():
        yield Case("videos", name, "video", values("video", video=File("me.mp4", make)), "video")
    for name, (make, said) in MAPS.items():
        given = values("segmentation_to_face", mask=File("map.png", make))
        yield Case("maps", name, "segmentation_to_face", given, said, served=not said)
    for name, (make, said) in SKETCHES.items():
        given = values("sketch_to_face", sketch=File("map.png", make))
        yield Case("sketches", name, "sketch_to_face", given, said, served=not said)
