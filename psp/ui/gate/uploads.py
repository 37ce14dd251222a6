"""Which files a request may name: those that were uploaded, and addresses on the web; no others.

Gradio 6.31 has a hole here. It checks that a file lies in its upload folder only where a request marks it as
one (``meta``); a picture given as ``{"path": "/any/file"}`` is passed on unchecked, to every gr.Image and
gr.Gallery of every function, private ones included. See "A known hole of Gradio" in docs/security.md: when
Gradio has mended it, :func:`check_files` may go.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import safehttpx
from gradio.utils import get_upload_folder

from psp.errors import InputError
from psp.ui.cache import cached

# Levels of lists and objects in a request, and values altogether.
_DEEPEST, _MOST = 32, 50_000
_LONGEST_TEXT = 10_000
_LONGEST_URL = 2_000
_REDIRECTS = 3
_SECONDS = 10.0
# In an address of the page, before the path of a file.
_SERVED = "/gradio_api/file="
_KEYS = ("path", "url", "orig_name", "mime_type")
_META = {"_type": "gradio.FileData"}


def not_uploaded() -> InputError:
    """Return the one error for every file that may not be read, whether it is there or not."""
    return InputError(
        "A file of the request was not uploaded to this studio.",
        "Upload it first: handle_file(…) in the Gradio client, POST /gradio_api/upload over HTTP.",
    )


def check_files(data: object, *, web: bool = False) -> None:
    """Hold every file that a request names, however deep in it, against the upload folder.

    Args:
        data: A value of a request, as plain data.
        web: Whether it may be a file on the web itself; none within it may.

    Raises:
        InputError: A file is none that was uploaded; or the data are too deep, too many, or no text.
    """
    for value in _walk(data):
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict) and value.get("path") not in (None, ""):
            path = value["path"]
            if web and value is data and isinstance(path, str) and is_url(path):
                continue
            if not isinstance(path, str) or not is_uploaded(path):
                raise not_uploaded()


def is_uploaded(path: str) -> bool:
    """Return whether a path is a file in Gradio's upload folder; of all others nothing is told.

    Names are compared before the disk is asked, so that no path outside is so much as looked up.
    """
    folder = get_upload_folder()
    try:
        here = os.path.abspath(path)  # noqa: PTH100  (Path.resolve would ask the disk)
        homes = {os.path.abspath(folder), os.path.realpath(folder)}  # noqa: PTH100
        if "\0" in path or not any(here.startswith(home + os.sep) for home in homes):
            return False
        real = Path(os.path.realpath(here))
        return real.is_file() and real.is_relative_to(os.path.realpath(folder))
    except (OSError, ValueError):
        return False


def is_url(path: str) -> bool:
    """Return whether a path is an address on the web."""
    return path.startswith(("http://", "https://"))


def own_file(url: str) -> str | None:
    """Return the path of an uploaded file, or of a result, whose address on this page is ``url``.

    Whose page the address names is not asked: files are found by what is in them, and who knows where one
    lies here may read it anyway.
    """
    path = unquote(urlsplit(url).path).partition(_SERVED)[2]
    return path if path and is_uploaded(path) else None


def file_of(value: object, name: str) -> dict[str, Any] | None:
    """Return the file that a request gives for a picture or a file, with the keys that Gradio knows.

    Args:
        value: What the request has there.
        name: Name of the setting, for messages.

    Raises:
        InputError: It is something else.
    """
    if value is None or value in ("", {}):
        return None
    how = (
        "Give an uploaded file: handle_file(…) in the Gradio client, or what POST /gradio_api/upload returns."
    )
    if not isinstance(value, dict):
        raise InputError(f"The {name} is no file, but {_kind(value)}.", how)
    kept = {key: value[key] for key in _KEYS if value.get(key) is not None}
    if not all(isinstance(text, str) for text in kept.values()):
        raise InputError(f"The {name} is no file that can be read.", how)
    if not kept.get("path") and not str(kept.get("url", "")).startswith("data:"):
        if is_url(kept.get("url", "")):
            return {"path": kept["url"], "meta": _META}
        return None
    # With a path, the address says nothing more; Gradio would take it for the picture itself.
    if kept.get("path"):
        kept.pop("url", None)
    return {**kept, "meta": _META}


async def fetch(url: str, most: int) -> str:
    """Download a file from the web into the upload folder and return its path.

    Only public addresses are asked, as Gradio does it, but no more than ``most`` bytes are taken, within some
    seconds.

    Raises:
        InputError: There is nothing there, or too much, or the address is not public.
    """
    try:
        data = await asyncio.wait_for(_download(url, most), _SECONDS)
        return cached(data, Path(urlsplit(url).path).name[-100:] or "file")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, asyncio.TimeoutError) as error:
        raise InputError(
            "The web address cannot be read.",
            f"Give the address of a public file of up to {most >> 20} MB, or upload the file.",
        ) from error


async def _download(url: str, most: int) -> bytes:
    """Return what is at a public address.

    Raises:
        ValueError: The address is none, or not public; or there is more than ``most`` bytes.
        httpx.HTTPError: There is nothing.
    """
    for _ in range(_REDIRECTS + 1):
        host = httpx.URL(url).host
        if len(url) > _LONGEST_URL or not is_url(url) or not host:
            raise ValueError("no address")
        transport = safehttpx.AsyncSecureTransport(await safehttpx.async_validate_url(host))
        async with httpx.AsyncClient(transport=transport) as web, web.stream("GET", url) as answer:
            if answer.has_redirect_location:
                url = str(httpx.URL(url).join(answer.headers["Location"]))
                continue
            answer.raise_for_status()
            data = bytearray()
            async for part in answer.aiter_bytes():
                data += part
                if len(data) > most:
                    raise ValueError("too large")
            return bytes(data)
    raise ValueError("too many redirects")


def _walk(data: object) -> Iterator[object]:
    """Yield every value in plain data, without recursion.

    Raises:
        InputError: There are too many, or they are too deep.
    """
    waiting, count = [(data, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST or count > _MOST:
            raise InputError(
                "The request holds too many values, or too deep ones.", "Send what the API describes."
            )
        yield value
        if isinstance(value, dict):
            waiting += [(key, depth + 1) for key in value] + [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list | tuple):
            waiting += [(each, depth + 1) for each in value]


def _check_text(text: str) -> None:
    """Refuse text that cannot be sent back, or is a book.

    Raises:
        InputError: It is.
    """
    if len(text) > _LONGEST_TEXT and not text.startswith("data:"):
        raise InputError("A text of the request is too long.", "Send what the API describes.")
    with contextlib.suppress(UnicodeEncodeError):
        text.encode()
        return
    raise InputError("A text of the request is no Unicode.", "Send it as UTF-8.")


def _kind(value: object) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "something else")
