"""The map of all modules in docs/architecture.md, made of their docstrings: ``python -m tests.file_map``."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.pages import ROOT

PAGE = ROOT / "docs" / "architecture.md"
_PLACE = re.compile(r"(<!-- the map of files -->\n).*(<!-- the end of the map -->\n)", re.DOTALL)


def file_map() -> str:
    """Return the map: a line a room, and below it one a module."""
    found = []
    for room in sorted({path.parent for path in (ROOT / "psp").rglob("*.py")}):
        names = [path for path in sorted(room.glob("*.py")) if path.name != "__init__.py"]
        width = max(len(path.name) for path in names) + 2
        found.append(f"{room.relative_to(ROOT).as_posix()}/: {_purpose(room / '__init__.py')}")
        found += [f"  {path.name:<{width}}{_purpose(path)}" for path in names]
        found.append("")
    return "```text\n" + "\n".join(found[:-1]) + "\n```\n"


def written() -> str:
    """Return the page with the map as it is now."""
    return _PLACE.sub(lambda place: place[1] + file_map() + place[2], PAGE.read_text(encoding="utf-8"))


def _purpose(path: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return said.partition("\n")[0].rstrip(".").replace("``", "")


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
