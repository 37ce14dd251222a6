"""Hostile requests below the endpoints: paths, links, private functions, names of uploads, routes, bodies."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from tests.hostile.case import ENDPOINTS, Case, File, Sent, first_of, share_of, values
from tests.hostile.damaged import chunk, plain_rows, png, sound
from tests.hostile.files import RECIPES
from tests.hostile.pictures import BOMBS, CLOTHES
from tests.ui.raw_http import META

PATHS: dict[str, str] = {
    "a system file": "/etc/passwd",
    "itself": "/proc/self/environ",
    "its own files": "/proc/self/fd/0",
    "a device that never ends": "/dev/zero",
    "a device that waits": "/dev/stdin",
    "a folder": "/",
    "up": "../../../../etc/passwd",
    "up from the uploads": "{uploads}/../../../etc/passwd",
    "the uploads": "{uploads}",
    "nothing in the uploads": "{uploads}/0123456789abcdef/me.png",
    "a link in the uploads": "{uploads}/link.png",
    "a folder beside the uploads": "{uploads}x/me.png",
    "a file's address": "file:///etc/passwd",
    "a file's address, relative": "file:etc/passwd",
    "this machine": "http://127.0.0.1:7860/config",
    "this machine in another way": "http://[::ffff:127.0.0.1]/",
    "this machine as a number": "http://2130706433/",
    "the cloud's own address": "http://169.254.169.254/latest/meta-data/",
    "an address with a name before it": "http://example.org@127.0.0.1/",
    "no address": "http://",
    "ftp": "ftp://127.0.0.1/x.png",
    "gopher": "gopher://127.0.0.1:25/x",
    "data": "data:text/html;base64,PHNjcmlwdD4=",
    "a share": "\\\\127.0.0.1\\c$\\x.png",
    "NUL": "{uploads}/me.png\0.jpg",
    "a book": "/a" * 4000,
    "percent signs": "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "half a character": "/tmp/\ud800.png",
    "nothing": "",
    "blanks": "   ",
}
"""Paths of files that were not uploaded; {uploads} is where uploads are."""

LINKS: dict[str, dict[str, str]] = {
    "a task that there is not": {"task": "format-disk"},
    "a script for a task": {"task": "<script>alert(1)</script>"},
    "a book for a task": {"task": "x" * 5000},
    "a book for a model": {"task": "encode", "model": "m" * 5000},
    "NUL in a model": {"task": "encode", "model": "a\0b"},
    "a line in a model": {"task": "encode", "model": "a\nb"},
    "a path for an example": {"task": "encode", "example": "../../../etc/passwd"},
    "an example of another kind": {"task": "segmentation_to_face", "example": "encode-1"},
    "a face that is NaN": {"task": "encode", "face": "NaN"},
    "a face of 5000 digits": {"task": "encode", "face": "9" * 5000},
    "a face below 0": {"task": "encode", "face": "-1"},
    "1e400 for an alpha": {"task": "style_mix", "alpha": "1e400"},
    "layers that are none": {"task": "style_mix", "layers": "some"},
    "edits that are none": {"task": "edit", "edits": "smile:9"},
    "an align that is none": {"task": "encode", "align": "maybe"},
    "a likeness that is none": {"task": "encode", "likeness": "perfect"},
    "17 variants": {"task": "sketch_to_face", "variants": "17"},
}
"""Queries of links whose recipe cannot be used."""

NAMES: dict[str, str] = {
    "up": "../../../../etc/cron.d/evil.png",
    "up, for Windows": "..\\..\\evil.png",
    "from the root": "/etc/passwd",
    "a drive": "C:\\Windows\\evil.png",
    "NUL": "me\0.png",
    "a line": "me\nSet-Cookie: a=b.png",
    "dots": "..",
    "a dot": ".",
    "nothing": "",
    "hidden": ".htaccess",
    "a book": "m" * 5000 + ".png",
    "a book of four bytes a letter": "😀" * 200 + ".png",
    "a tag": "<img src=x onerror=alert(1)>.png",
    "an option": "--help.png",
    "a device": "CON.png",
    "percent signs": "%2e%2e%2fevil.png",
    "blanks": "   .png",
    "a command": "$(reboot).png",
    "right to left": "me\u202egnp.exe",
    "a program": "evil.exe",
}
"""Names of uploads; the file behind each is a sound picture."""

_FILES = (
    ("encode", "photo"), ("decode", "latents"), ("style_mix", "style"), ("edit", "directions"),
    ("video", "video"), ("move", "through"), ("sketch_to_face", "sketch"), ("segmentation_to_face", "mask"),
    ("refine", "latents"),
)  # fmt: skip
_NO_FILES: dict[str, Any] = {
    "text": "/etc/passwd",
    "a list": ["/etc/passwd"],
    "a list of files": [{"path": "/etc/passwd"}],
    "its url": {"url": "http://127.0.0.1/"},
    "its url, a file": {"url": "file:///etc/passwd"},
    "a path of numbers": {"path": 5},
    "a path of paths": {"path": {"path": "/etc/passwd"}},
}


def cases() -> Iterator[Case]:
    """Yield requests to functions: public ones with foreign files, and private ones with anything."""
    for turn, (endpoint, parameter) in enumerate(_FILES):
        for name, path in share_of(list(PATHS.items()), turn, 2):
            file = {"path": path, "orig_name": "me.png", **({"meta": META} if turn % 3 else {})}
            value = [file, file] if parameter == "through" else file
            none = name == "nothing"  # where no file is needed, an empty path is none
            given = values(endpoint, **{parameter: value})
            yield Case("paths", f"{name} for {parameter}", endpoint, given, served=none)
    for turn, endpoint in enumerate(ENDPOINTS):
        for name, value in share_of(list(_NO_FILES.items()), turn, 2):
            yield Case(
                "paths", f"{name} for a file", endpoint, values(endpoint, **{first_of(endpoint): value})
            )
    for name, query in LINKS.items():
        yield Case("links", name, "from_link", (), query=urlencode(query, errors="replace"))
    for name, recipe in RECIPES.items():
        text = recipe if isinstance(recipe, str) else json.dumps(recipe)
        made = functools.partial(_with_text, text.encode())
        yield Case(
            "recipes in PNGs", name, "from_file", (File("me.png", made),), served=name == "a path for a model"
        )
    for name in ("HTML", "PDF", "nothing", "NUL"):
        yield Case("recipes in PNGs", name, "from_file", (File("me.png", lambda name=name: CLOTHES[name]),))
    yield Case("recipes in PNGs", "a bomb", "from_file", (File("me.png", BOMBS["PNG of 400 megapixels"]),))
    yield Case("recipes in PNGs", "no recipe", "from_file", (File("me.png", sound),))
    yield Case("recipes in PNGs", "JPEG", "from_file", (File("me.png", lambda: sound("JPEG")),))


def private_cases(functions: list[dict[str, Any]]) -> Iterator[Case]:
    """Yield requests to every private function of the page.

    Args:
        functions: As the page's own configuration tells them.
    """
    click = {"index": 10**9, "value": {"image": {"path": "/etc/passwd"}}}
    wrong: dict[str, Any] = {
        "text": "x",
        "lists in lists": [[[]]],
        "an object": {"a": {"b": []}},
        "a path": {"path": "/etc/passwd"},
        "NaN": float("nan"),
        "a number of 400 digits": 10**400,
        "a picture that is none": File("me.png", lambda: CLOTHES["HTML"]),
        "a bomb": File("me.png", BOMBS["PNG of 400 megapixels"]),
    }
    for turn, each in enumerate(functions):
        count, name = len(each["inputs"]), each["api_name"]
        if each["api_visibility"] == "public" or not each["backend_fn"] or each["queue"] is False:
            continue
        for what, value in share_of(list(wrong.items()), turn, 3) if count else ():
            yield Case("private functions", what, name, (value,) * count, served=True, click=click)
        many = (None,) * (count + (3 if turn % 2 or not count else -1))
        yield Case("private functions", f"{len(many)} values, not {count}", name, many, click=click)


def _with_text(text: bytes) -> bytes:
    return png(
        64, 64, before=chunk(b"iTXt", b"psp-recipe\0\0\0\0\0" + text), rows=plain_rows(64, 64, b"\1\2\3")
    )


_ROUTES = (
    "file=/etc/passwd", "file=../../etc/passwd", "file=%2Fetc%2Fpasswd", "file=http://127.0.0.1/",
    "file=file:///etc/passwd", "file=/proc/self/environ", "file/etc/passwd", "proxy=http://127.0.0.1/",
    "stream/x/y/z/playlist.m3u8", "deep_link?session_hash=x", "upload_progress?upload_id=../../x",
    "dev/reload", "vibe-code", "runs", "custom_component/x/y/z/../../../etc/passwd",
)  # fmt: skip
_PAGES = (
    "/static/../../etc/passwd", "/assets/..%2f..%2f..%2fetc/passwd", "/monitoring", "/.git/config",
    "/svelte/../x", "/theme.css/../x",
)  # fmt: skip
_NO_NAMES = (
    "show", "preview", "from_link", "warm", "nothing", "__init__", "../encode", "%00", "encode/../../config",
    "x" * 3000,
)  # fmt: skip
_NO_NUMBERS: dict[str, object] = {
    "below 0": -1, "far": 10**30, "NaN": float("nan"), "text": "one", "half": 0.5, "a list": [1], "yes": True,
}  # fmt: skip
_BODIES: dict[str, object] = {
    "nothing": b"",
    "a bracket": b"{",
    "no Unicode": b"\xff\xfe\xff",
    "brackets": b"[" * 40_000,
    "a list": [],
    "text": "x",
    "null": b"null",
    "60000 values": {"data": [0] * 60_000},
    "data that are text": {"data": "x"},
    "data that are an object": {"data": {}},
    "a session of numbers": {"data": [], "session_hash": 5},
    "a session of half a character": {"data": [], "session_hash": "\ud800"},
    "a session like a book": {"data": [], "session_hash": "x" * 9000},
    "a trigger of text": {"data": [], "trigger_id": "x"},
    "keys 20000 deep": b'{"data":' * 20_000,
    "NaN alone": b"NaN",
    "a number of 9000 digits": b'{"data": [' + b"9" * 9000 + b"]}",
}


def sent() -> Iterator[Sent]:
    """Yield requests over plain HTTP that are no calls of a function that there is."""
    for name in _NO_NAMES:
        for route in ("call/{}", "call/v2/{}", "run/{}", "api/{}"):
            yield Sent("routes", f"name {name[:20]}", f"/gradio_api/{route.format(name)}", {"data": []})
    for name, number in _NO_NUMBERS.items():
        for route in ("queue/join", "run/predict"):
            body = {"data": [], "fn_index": number, "session_hash": "x"}
            yield Sent("routes", f"function {name}", f"/gradio_api/{route}", body)
    for path in (*(f"/gradio_api/{route}" for route in _ROUTES), *_PAGES):
        yield Sent("routes", "a file or a closed route", path)
    for name, body in _BODIES.items():
        for route in ("call/encode", "call/v2/encode", "run/encode", "queue/join"):
            yield Sent("bodies", name, f"/gradio_api/{route}", body)
    for host in ("evil.example", "127.0.0.1.evil.example", "", "x" * 3000, "127.0.0.1@evil.example"):
        yield Sent("hosts", f"host {host[:30]!r}", "/config", headers={"Host": host})
    for origin in ("http://evil.example", "null", "file://", "http://127.0.0.1.evil.example"):
        yield Sent(
            "hosts", f"origin {origin}", "/gradio_api/call/encode", {"data": []}, headers={"Origin": origin}
        )
