"""The front matter of a Space's README: read, and written anew where the uploaded one differs."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from psp.errors import DeployError

_PLACE = re.compile(r"\A---\n(?P<fields>.*?)^---\n", re.DOTALL | re.MULTILINE)
_LINK = re.compile(
    r"(?P<picture>!?)\[(?P<label>(?:!\[[^\]]*\]\([^()\s]*\)|[^\]])*)\]\((?P<target>[^()\s]+)\)"
)
_ON_THE_WEB = re.compile(r"[a-z]+:|#|/")
_FENCED = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)


def read_front_matter(text: str) -> dict[str, object]:
    """Return the fields at the top of a README.

    Raises:
        DeployError: There are none, or they are no YAML.
    """
    import yaml  # noqa: PLC0415  (a dependency of Gradio and the Hub's library, needed for a Space only)

    place = _PLACE.match(text)
    if place is None:
        raise DeployError(
            "README.md does not begin with the card of a Space.",
            "Put it between two lines of ---, at the top.",
        )
    try:
        fields = yaml.safe_load(place["fields"])
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 2})" if where is not None else ""
        raise DeployError(
            f"The front matter of README.md is no YAML{line}.", "Mend it; quote texts with a colon."
        ) from error
    if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields):
        raise DeployError("The front matter of README.md is no list of fields.", "Write name: value.")
    return fields


def with_fields(text: str, fields: Mapping[str, str | Sequence[str]]) -> str:
    """Return a README with fields put into its front matter, in place of those of the same name.

    Args:
        text: The README; its front matter can be read.
        fields: Texts, or lists of them.
    """
    place = _PLACE.match(text)
    assert place is not None, "read before"
    kept = place["fields"]
    for name in fields:
        kept = re.sub(rf"^{re.escape(name)}:.*\n(?:[ \t-].*\n)*", "", kept, flags=re.MULTILINE)
    return f"---\n{kept}{''.join(_written(*field) for field in fields.items())}---\n{text[place.end() :]}"


def pictures_of(text: str) -> list[str]:
    """Return the files that a README shows as pictures, by their paths beside it."""
    return [link["target"] for link in _LINK.finditer(text) if link["picture"] and _is_file(link["target"])]


def without_dead_links(text: str, files: Collection[str]) -> str:
    """Return a README in which links to files that are not among ``files`` are plain words."""
    folders = {parent.as_posix() for name in files for parent in PurePosixPath(name).parents}

    def mend(link: re.Match[str]) -> str:
        name = link["target"].partition("#")[0].rstrip("/")
        alive = link["picture"] or not _is_file(link["target"]) or name in files or name in folders
        return link[0] if alive else link["label"]

    parts = _FENCED.split(text)
    return "".join(part if index % 2 else _LINK.sub(mend, part) for index, part in enumerate(parts))


def _is_file(target: str) -> bool:
    return _ON_THE_WEB.match(target) is None


def _written(name: str, value: str | Sequence[str]) -> str:
    """Return one field as YAML; every text is quoted as JSON, which YAML reads."""
    if isinstance(value, str):
        return f"{name}: {_quoted(value)}\n"
    return f"{name}:\n" + "".join(f"- {_quoted(each)}\n" for each in value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
