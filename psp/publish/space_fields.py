"""The fields of a Space's card: which there are, and what each may be, checked before an upload."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from psp.errors import DeployError
from psp.pictures.listing import is_picture
from psp.registry.hub_name import REPOSITORY

SDK = "gradio"
"""What the studio is on the Hub; the other kinds of Spaces are docker and static."""

_COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
_LONGEST = 60  # characters of a short description; the Hub cuts no more
# So: pictures; Sk, Mn, Me, Cf: what changes or joins them (skin tones, variants, keycaps, joiners).
_EMOJI = {"So", "Sk", "Mn", "Me", "Cf"}
_WORD = re.compile(r"[A-Za-z0-9][\w .+-]{0,59}")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_PYTHON = re.compile(r"3\.1[0-3](\.\d+)?")
_PRELOAD = re.compile(r"[\w.-]+/[\w.-]+( [^\s,]+(,[^\s,]+)*( [0-9a-f]{40})?)?")


@dataclass(frozen=True)
class Field:
    """One field of the card.

    Attributes:
        right: Whether a value will do.
        words: What will do, for the person who wrote something else.
        needed: Whether it must be there.
    """

    right: Callable[[object], bool]
    words: str
    needed: bool = False


def hardware_names() -> tuple[str, ...]:
    """Return the machines that a Space can ask for, by the Hub's names."""
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for a Space only)

    return tuple(str(hardware.value) for hardware in huggingface_hub.SpaceHardware)


def check_hardware(name: str) -> None:
    """Refuse a machine that the Hub does not have.

    Raises:
        DeployError: It has none of this name.
    """
    known = hardware_names()
    if name not in known:
        raise DeployError(f"{name[:40]!r} is no hardware of the Hub.", f"It has {', '.join(known)}.")


def check_fields(fields: Mapping[str, object], requirements: str, files: Collection[str]) -> None:
    """Refuse a card that the Hub would refuse, or would read as something else than what was meant.

    Args:
        fields: The front matter.
        requirements: The text of ``requirements.txt``.
        files: The names of all files that go.

    Raises:
        DeployError: A field is missing, unknown or wrong; all of them are told.
    """
    problems = [*_unknown(fields), *_wrong(fields), *_beside(fields, requirements, files)]
    if len(problems) == 1:
        raise problems[0]
    if problems:
        listed = " ".join(f"({number}) {each}" for number, each in enumerate(problems, 1))
        raise DeployError("The front matter of README.md has several faults.", listed)


def _unknown(fields: Mapping[str, object]) -> list[DeployError]:
    return [
        DeployError(f"The front matter has a field {name[:40]!r}, which Spaces do not know.", "Remove it.")
        for name in fields
        if name not in FIELDS
    ]


def _wrong(fields: Mapping[str, object]) -> list[DeployError]:
    """Return what is missing, or wrong by itself."""
    found = []
    for name, field in FIELDS.items():
        if name not in fields:
            if field.needed:
                found.append(DeployError(f"The front matter has no {name}.", f"Write {field.words}."))
        elif not field.right(fields[name]):
            said = str(fields[name])[:60]
            found.append(DeployError(f"{name} in the front matter is {said!r}.", f"Write {field.words}."))
    return found


def _beside(fields: Mapping[str, object], requirements: str, files: Collection[str]) -> list[DeployError]:
    """Return what does not fit to the other files."""
    found = []
    app, picture, version = (fields.get(name) for name in ("app_file", "thumbnail", "sdk_version"))
    if isinstance(app, str) and app not in files:
        found.append(DeployError(f"app_file is {app[:60]!r}, which is not there.", "Write app.py."))
    if isinstance(picture, str) and not _is_address(picture) and picture not in files:
        found.append(
            DeployError(f"thumbnail is {picture[:60]!r}, which is not there.", "Name a picture of Git.")
        )
    if isinstance(version, str) and _VERSION.fullmatch(version):
        found += _permitted(version, requirements)
    return found


def _permitted(version: str, requirements: str) -> list[DeployError]:
    """Return the error where ``requirements`` do not take Gradio in this version."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  (for a Space only)

    for line in requirements.splitlines():
        try:
            needs = Requirement(line.partition("#")[0].strip())
        except InvalidRequirement:  # empty, or an option of pip
            continue
        if needs.name.lower() == SDK:
            if needs.specifier.contains(version):
                return []
            return [
                DeployError(
                    f"sdk_version is {version}, and requirements.txt wants {needs}.",
                    "Write the version that the tests ran with.",
                )
            ]
    return [DeployError("requirements.txt does not name gradio.", "Add it, with its versions.")]


def _is_address(text: str) -> bool:
    return re.fullmatch(r"https://[\w.-]+/\S+", text) is not None


def _is_emoji(value: object) -> bool:
    kinds = [unicodedata.category(sign) for sign in value] if isinstance(value, str) else []
    return "So" in kinds and set(kinds) <= _EMOJI and len(kinds) <= 10


def _text(longest: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= longest


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _one_of(*words: str) -> Callable[[object], bool]:
    return lambda value: value in words


def _list_of(right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(map(right, value))


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_thumbnail(value: object) -> bool:
    return isinstance(value, str) and (_is_address(value) or is_picture(value))


def _is_hardware(value: object) -> bool:
    return value in hardware_names()


_COLOUR = Field(_one_of(*_COLOURS), f"one of {', '.join(_COLOURS)}", needed=True)
_REPOSITORIES = Field(_list_of(_matches(REPOSITORY)), "a list of repositories, owner/name")
_SWITCH = Field(_is_bool, "true or false, without quotes")
_ANY = Field(lambda value: value is not None, "a value")

FIELDS: dict[str, Field] = {
    "title": Field(_text(80), "a name of at most 80 characters", needed=True),
    "emoji": Field(_is_emoji, "one emoji", needed=True),
    "colorFrom": _COLOUR,
    "colorTo": _COLOUR,
    "sdk": Field(_one_of(SDK), SDK, needed=True),
    "sdk_version": Field(
        _matches(_VERSION), "a whole version of Gradio in quotes, such as 6.31.0", needed=True
    ),
    "app_file": Field(_text(200), "app.py", needed=True),
    # Without quotes YAML reads 3.10 as the number 3.1.
    "python_version": Field(_matches(_PYTHON), '"3.10" to "3.13", in quotes', needed=True),
    "license": Field(
        _matches(re.compile(r"[a-z0-9][a-z0-9.+-]*")), "the Hub's identifier, such as mit", needed=True
    ),
    "short_description": Field(_text(_LONGEST), f"at most {_LONGEST} characters in one line", needed=True),
    "suggested_hardware": Field(_is_hardware, "the Hub's name of a machine, such as zero-a10g or cpu-basic"),
    "suggested_storage": Field(_one_of("small", "medium", "large"), "small, medium or large"),
    "tags": Field(_list_of(_matches(_WORD)), "a list of words"),
    "models": _REPOSITORIES,
    "datasets": _REPOSITORIES,
    "thumbnail": Field(_is_thumbnail, "the address of a picture, or the path of one in Git"),
    "preload_from_hub": Field(_list_of(_matches(_PRELOAD)), 'a list like "owner/name file,file commit"'),
    "hf_oauth": _SWITCH,
    "hf_oauth_scopes": Field(_list_of(_matches(re.compile(r"[a-z-]+"))), "a list of scopes"),
    "hf_oauth_expiration_minutes": Field(lambda value: type(value) is int, "a number of minutes"),
    "pinned": _SWITCH,
    "fullWidth": _SWITCH,
    "disable_embedding": _SWITCH,
    "header": Field(_one_of("mini", "default"), "mini or default"),
    "startup_duration_timeout": Field(_matches(re.compile(r"\d+[smh]")), "a time like 30m or 1h"),
    "custom_headers": _ANY,
    "base_path": Field(_text(200), "a path that begins with /"),
}
"""Every field that a Gradio Space may have, in the Hub's reference for Spaces; in the order of the card."""
