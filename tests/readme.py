"""The README's examples: its blocks by language, its commands, and what stands in text."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PSP = ("python", "-m", "psp")

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(language: str, text: str = TEXT) -> list[str]:
    """Return the blocks of one language, in order."""
    return [body for found, body in _BLOCK.findall(text) if found == language]


def languages(text: str = TEXT) -> set[str]:
    """Return the languages of all blocks."""
    return {found for found, _ in _BLOCK.findall(text)}


def spans(text: str = TEXT) -> list[str]:
    """Return what stands between backticks in the text, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", _BLOCK.sub("", text))


def lines(block: str) -> list[str]:
    """Return the lines of a shell block."""
    return [line for line in block.splitlines() if line.strip()]


def commands(line: str) -> list[list[str]]:
    """Return the arguments of each ``python -m psp`` in a line of shell, comments and variables left out."""
    found = []
    for part in line.replace("…", "python -m psp", 1).split("&&"):
        words = shlex.split(part, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            del words[0]
        if tuple(words[:3]) == PSP:
            found.append(words[3:])
    return found
