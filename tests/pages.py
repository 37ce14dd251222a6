"""The documentation: its pages, their blocks by language, commands, links and headings."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _names(*patterns: str) -> tuple[str, ...]:
    return tuple(
        path.relative_to(ROOT).as_posix() for pattern in patterns for path in sorted(ROOT.glob(pattern))
    )


PAGES = _names("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md")
"""The pages whose snippets are run as they stand."""

OTHERS = _names("benchmarks/*.md", "assets/*/*.md", "examples/*.md", "tests/golden/*.md")
"""Pages beside them: cards, licences, what was measured."""

# Programs that start modules by "-m".
_STARTERS = ("python", "accelerate", "torchrun")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A snippet.

    Attributes:
        page: Where it stands.
        language: What is written behind its fence; may be empty.
        body: The snippet.
    """

    page: str
    language: str
    body: str

    def __str__(self) -> str:
        return f"{self.page}: {self.body.splitlines()[0][:50]}"


def text_of(page: str) -> str:
    """Return the text of a page, without the card that a Space has at its top."""
    return _FRONT_MATTER.sub("", (ROOT / page).read_text(encoding="utf-8"))


def blocks(language: str | None = None, pages: tuple[str, ...] = PAGES) -> list[Block]:
    """Return the blocks of one language, or of all, in order."""
    found = [Block(page, *parts) for page in pages for parts in _BLOCK.findall(text_of(page))]
    return [block for block in found if language in (None, block.language)]


def prose(page: str) -> str:
    """Return the text of a page without its blocks."""
    return _BLOCK.sub("", text_of(page))


def spans(pages: tuple[str, ...] = PAGES) -> list[str]:
    """Return what stands between backticks in the text, outside of blocks, each once."""
    return list(dict.fromkeys(span for page in pages for span in re.findall(r"`([^`\n]+)`", prose(page))))


def lines(block: Block) -> list[str]:
    """Return the lines of a shell block; those that a backslash parts are one."""
    return [line for line in re.sub(r"\\\n\s*", "", block.body).splitlines() if line.strip()]


def words(line: str) -> list[str]:
    """Return the words of a line of shell, without its comment."""
    return shlex.split(line, comments=True)


def commands(line: str) -> list[list[str]]:
    """Return the arguments of each ``psp`` or ``python -m psp`` in a line of shell, comments left out."""
    found = []
    for part in re.sub(r"^… ", "python -m psp ", line).split("&&"):
        if not re.search(r"(-m |^ *)psp ", part):
            continue
        said = list(itertools.dropwhile(re.compile(r"[A-Z_]+=").match, words(part)))
        if said[0] == "psp":
            found.append(said[1:])
            continue
        starts = [i for i, pair in enumerate(itertools.pairwise(said)) if pair == ("-m", "psp")]
        if starts and said[0] in _STARTERS and "…" not in said:  # what is left out cannot be understood
            found.append(said[starts[0] + 2 :])
    return found


def promised(block: Block) -> list[str]:
    """Return what the comments of a Python block say that is printed."""
    return re.findall(r"^\s*print\(.*\)  # (.*)$", block.body, re.MULTILINE)


def links(page: str) -> list[str]:
    """Return where the links and pictures of a page lead."""
    return re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`\n]+`", "", prose(page)))


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(page), re.MULTILINE):
        seen = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        plain = re.sub(r"[^\w\- ]", "", seen.lower()).replace(" ", "-")
        number = next(n for n in itertools.count() if (f"{plain}-{n}" if n else plain) not in found)
        found.add(f"{plain}-{number}" if number else plain)
    return found
