"""Files as a language model can give them: a link, a data URL, or the path of an upload, as text."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote_to_bytes

from psp.errors import InputError
from psp.ranges import shown
from psp.ui.cache import cached
from psp.ui.gate.uploads import is_uploaded, is_url, own_file

HOW = (
    "A public http(s) link, a data URL (data:image/png;base64,…), "
    "or what POST /gradio_api/upload returned for an uploaded file."
)
"""What a file may be, for those who call a tool."""

HOW_IN_LISTS = (
    "Each a data URL (data:image/png;base64,…), the link of a result, "
    "or what POST /gradio_api/upload returned for its upload."
)
"""The same for each file of a list."""

_ENDINGS = {
    **dict.fromkeys(("photo", "style", "sketch", "mask"), "png"),
    **dict.fromkeys(("latents", "directions"), "safetensors"),
    "video": "mp4",
}


def file_from_text(given: object, name: str, *, listed: bool = False) -> dict[str, Any]:
    """Return a file as a request names it; links are followed later, where all of them are.

    Args:
        given: What the tool was called with.
        name: Name of the input.
        listed: It is one of a list: links are followed to the studio's own results alone.

    Raises:
        InputError: It is no file of those kinds.
    """
    how = HOW_IN_LISTS if listed else HOW
    if not isinstance(given, str) or not given.strip():
        raise InputError(f"The {name} is {shown(given)}.", f"Give one of these: {how}")
    text = given.strip()
    if text[:5].lower() == "data:":  # schemes know no capitals
        text = f"data:{text[5:]}"
        # Of several kinds in one list, pictures say that they are some.
        ending = _ENDINGS.get(name) or ("png" if text.startswith("data:image/") else "safetensors")
        return _file(cached(_decoded(text, name), f"{name}.{ending}"))
    path = own_file(text) or text
    if not is_uploaded(path) and (listed or not is_url(path)):
        raise InputError(f"The {name} is no file that may be read here.", f"Give one of these: {how}")
    return _file(path)


def _decoded(url: str, name: str) -> bytes:
    """Return what is within a data URL."""
    kind, comma, data = url.partition(",")
    try:
        if not comma:
            raise ValueError("no data")
        if kind.endswith(";base64"):
            return base64.b64decode(unquote_to_bytes(data), validate=True)
        return unquote_to_bytes(data)
    except (ValueError, binascii.Error) as error:
        raise InputError(
            f"The data URL of the {name} cannot be read.", "Write it as data:image/png;base64,…, in full."
        ) from error


def _file(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}
