"""What Gradio's pad takes from a browser, within limits: it has none of its own.

While somebody draws, the page sends the layers ahead (``accept_blobs``), and names them when the drawing is
used. Gradio makes room for as many layers as a request says, keeps what nobody asks for, and opens whatever
picture is in it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components.image_editor import EditorData
from gradio.data_classes import DataWithFiles, FileData
from PIL import Image

from psp.errors import InputError
from psp.pictures.images import load_picture
from psp.ui.words import in_words

MAX_LAYERS = 8
"""Layers of a drawing: the pad has one."""

MAX_PIXELS = 2048 * 2048
"""Of a layer: the pad has 512 pixels a side."""

# Bytes of a layer, and of all drawings that are on their way; and how many these may be.
_LARGEST, _ALL, _MOST = 4 << 20, 64 << 20, 1024
_LONGEST_ID = 64
_KINDS = ("layer", "background", "composite")


@dataclass
class _Drawing:
    """Layers that came ahead.

    Attributes:
        background: The picture below.
        layers: What was drawn, by the layer's number.
    """

    background: bytes = b""
    layers: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.background) + sum(map(len, self.layers.values()))


class Drawings:
    """What came ahead of drawings; when it becomes too much, the oldest goes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Drawing] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(drawing.size for drawing in self._kept.values())

    def put(self, name: str, kind: str, index: int | None, data: bytes) -> None:
        """Keep a layer, or the background, of the drawing ``name``."""
        with self._lock:
            drawing = self._kept.setdefault(name, _Drawing())
            if kind == "background":
                drawing.background = data
            elif kind == "layer" and index is not None:
                drawing.layers[index] = data
            self._kept.move_to_end(name)
            while self.size > _ALL or len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def take(self, name: str) -> _Drawing:
        """Return a drawing and forget it; one that is not known is empty."""
        with self._lock:
            return self._kept.pop(name, _Drawing())


def limited(pad: gr.ImageEditor) -> gr.ImageEditor:
    """Let a pad take drawings of its own size and no others; return it."""
    drawings = Drawings()

    def accept_blobs(data: DataWithFiles) -> None:
        fields = data.data if isinstance(data, DataWithFiles) and isinstance(data.data, dict) else {}
        name, kind, index = (fields.get(key) for key in ("id", "type", "index"))
        number = _layer_number(index)
        known = isinstance(name, str) and len(name) <= _LONGEST_ID and kind in _KINDS
        if not known or (kind == "layer" and number is None) or len(data.files) != 1:
            raise InputError("This is no drawing of the pad.", "Draw again, or upload the picture.")
        content = data.files[0][1]
        if len(content) > _LARGEST:
            raise InputError("The drawing is too large.", "Upload it as a picture instead.")
        drawings.put(str(name), str(kind), number, content)

    def preprocess(payload: EditorData | None) -> dict[str, Any] | None:
        if payload is None:
            return None
        if payload.id is not None:
            ahead = drawings.take(payload.id)
            background: bytes | str | None = ahead.background or None
            layers: list[bytes | str] = [ahead.layers[index] for index in sorted(ahead.layers)]
        else:
            background = _path(payload.background)
            layers = [path for path in map(_path, payload.layers[:MAX_LAYERS]) if path]
        return {
            "background": _open(background) if background else None,
            "layers": [_open(layer) for layer in layers],
            "composite": None,  # the page makes its own of the two
        }

    accept_blobs._is_server_fn = True  # type: ignore[attr-defined]  # what @server does
    # A subclass would make Gradio write a stub file beside this module.
    pad.accept_blobs = accept_blobs  # type: ignore[method-assign, assignment]  # see above
    pad.preprocess = in_words(preprocess)  # type: ignore[method-assign, assignment, arg-type]  # see above
    return pad


def _layer_number(index: object) -> int | None:
    """Return the number of a layer that there can be."""
    text = str(index)
    return int(text) if len(text) <= 2 and text.isdecimal() and int(text) < MAX_LAYERS else None


def _path(file: FileData | None) -> str | None:
    return file.path if file else None


def _open(source: bytes | str) -> Image.Image:
    return load_picture(source, MAX_PIXELS, flat=False).convert("RGBA")
