"""What a refusal must be: the problem, the next step, and nothing about the server."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.pages import ROOT

# Words of programs that the studio is made of; "Gradio" and ".safetensors" are what visitors know.
INSIDES = re.compile(
    r"Traceback|File \"|site-packages|\.py\b|\bline \d+\b|0x[0-9a-f]{6,}|\[Errno|"
    r"\b(PIL|[Pp]illow|numpy|np|torch|pydantic|starlette|uvicorn|fastapi|cv2|dlib|orjson|ffmpeg|\w+Error|\w+Exception)\b"
)
"""What answers must not say."""

HOMES = (str(ROOT), sys.prefix, str(Path.home()), f"{tempfile.gettempdir()}/pytest")
"""Folders of this machine."""


def judge(said: str, wanted: str, homes: Iterable[str]) -> str:
    """Return what is wrong with a refusal; nothing where all is well.

    Args:
        said: The refusal.
        wanted: Pattern that it must have.
        homes: Folders of the server, which it must not name.
    """
    sentences = [part for part in re.split(r"(?<=[.!?:])\s+", said) if part.strip(" .")]
    if "went wrong" in said or not said:
        return "no words of ours"
    if len(said) > 700:
        return "a book"
    if len(sentences) < 2:
        return "no next step"
    if found := INSIDES.search(said):
        return f"tells of the insides: {found[0]}"
    if any(home in said for home in homes):
        return "tells where the server has its files"
    return "" if re.search(wanted, said) else f"not the words that are due: {wanted}"
