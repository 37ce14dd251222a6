"""What a Space would get: its files, its card as it stands there, its machine, its variables. No network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from psp.errors import DeployError
from psp.pictures.listing import is_picture
from psp.publish.checkout import Checkout, read_checkout, require_harmless
from psp.publish.front_matter import pictures_of, read_front_matter, with_fields, without_dead_links
from psp.publish.space_fields import check_fields, check_hardware
from psp.registry.hub_name import REPOSITORY
from psp.registry.table import AUXILIARY, MODELS, ModelEntry

CARD, ATTRIBUTES, PACKAGES = "README.md", ".gitattributes", "packages.txt"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?")
_CREDENTIAL = re.compile(r"\b(?:hf|api_org)_[A-Za-z0-9]{8,}")
# How Git keeps binaries on the Hub. The checkout must not say so of itself: its own files are no pointers.
_LARGE_FILES = "filter=lfs diff=lfs merge=lfs -text"
_BINARY = (".safetensors", ".jpg", ".jpeg", ".png", ".webp", ".mp4", ".ico", ".ttf", ".woff2")


@dataclass(frozen=True)
class SpacePlan:
    """What would be uploaded.

    Attributes:
        repo: The Space, "owner/name".
        files: Files as they are, by their names there.
        texts: Files that are other there than here: the card, and Git's attributes.
        hardware: What to ask the Hub for; None: as it is, and the free CPU for a new Space.
        private: Whether only its owner may see it.
        secrets: Names of environment variables whose values the Space gets as secrets.
        variables: What everybody may read, by name.
        notes: What the user should know before, one sentence each.
    """

    repo: str
    files: dict[str, Path]
    texts: dict[str, str]
    hardware: str | None
    private: bool
    secrets: tuple[str, ...]
    variables: dict[str, str]
    notes: tuple[str, ...]

    def sizes(self) -> dict[str, int]:
        """Return the size of every file in bytes, by name."""
        sizes = {name: path.stat().st_size for name, path in self.files.items()}
        sizes |= {name: len(text.encode()) for name, text in self.texts.items()}
        return dict(sorted(sizes.items()))


def plan_space(
    root: Path,
    repo: str,
    *,
    hardware: str | None = None,
    private: bool = False,
    secrets: Sequence[str] = (),
    variables: Sequence[str] = (),
    preload: Sequence[str] = (),
) -> SpacePlan:
    """Gather the files of the checkout at ``root``, check them and the card; no network.

    Args:
        root: The folder of the checkout.
        repo: The Space, "owner/name".
        hardware: The Hub's name of a machine.
        private: Whether only its owner may see it.
        secrets: Names of environment variables.
        variables: "NAME=VALUE" each.
        preload: Families of models that the Space has from its start on.

    Raises:
        DeployError: The card, a file, or one of these cannot be used.
    """
    if not REPOSITORY.fullmatch(repo):
        raise DeployError(f"{repo[:80]!r} is no name of a Space.", "Write OWNER/NAME.")
    if hardware is not None:
        check_hardware(hardware)
    _check_names(secrets)
    told = _variables(variables)
    if twice := sorted(set(secrets) & set(told)):
        raise DeployError(f"{twice[0]} is both a secret and a variable.", "Give it once.")
    checkout = read_checkout(root)
    text = _read(root / CARD)
    fields = read_front_matter(text)
    files = {**checkout.files, **_shown(checkout, text, fields.get("thumbnail"))}
    check_fields(fields, _read(root / "requirements.txt"), files)
    _check_packages(checkout)
    notes = (*checkout.notes, *_doubts(fields, hardware))
    texts = {CARD: _card(text, fields, repo, files, preload), ATTRIBUTES: _attributes(files)}
    kept = {name: path for name, path in sorted(files.items()) if name not in texts}
    return SpacePlan(repo, kept, texts, hardware, private, tuple(dict.fromkeys(secrets)), told, notes)


def preload_lines(families: Iterable[str]) -> list[str]:
    """Return what ``preload_from_hub`` is for families of models: repository, files, commit.

    Raises:
        DeployError: Nothing of a family is on the Hub.
    """
    every = (*MODELS, *AUXILIARY.values())
    there = [entry for entry in every if entry.source]
    lines: dict[tuple[str, str], list[str]] = {}
    for family in families:
        chosen = [entry for entry in there if family in (entry.family, entry.task) and family != "auxiliary"]
        if not chosen or family in {entry.task for entry in MODELS}:
            known = dict.fromkeys(map(_family, there))
            raise DeployError(f"Nothing on the Hub is called {family[:40]!r}.", f"Take {', '.join(known)}.")
        for entry in chosen:
            lines.setdefault((str(entry.source), entry.revision or "main"), []).append(entry.file)
    return [
        f"{source} {','.join(dict.fromkeys(names))}" + (f" {revision}" if revision != "main" else "")
        for (source, revision), names in lines.items()
    ]


def _family(entry: ModelEntry) -> str:
    return entry.task if entry.family == "auxiliary" else entry.family


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeployError(f"{path.name} cannot be read.", f"Restore it: git checkout {path.name}.") from error


def _shown(checkout: Checkout, text: str, thumbnail: object) -> dict[str, Path]:
    """Return the pictures that the card shows and that would stay behind otherwise."""
    wanted = [*pictures_of(text), *([thumbnail] if isinstance(thumbnail, str) else [])]
    shown = {
        name: checkout.pictures[name] for name in wanted if name in checkout.pictures and is_picture(name)
    }
    for name, path in shown.items():
        require_harmless(name, path)
    return shown


def _card(
    text: str, fields: dict[str, object], repo: str, files: dict[str, Path], preload: Sequence[str]
) -> str:
    """Return the card as the Space has it."""
    changed: dict[str, str | list[str]] = {}
    thumbnail = fields.get("thumbnail")
    if isinstance(thumbnail, str) and thumbnail in files:  # link previews want a whole address
        changed["thumbnail"] = f"https://huggingface.co/spaces/{repo}/resolve/main/{thumbnail}"
    if preload:
        changed["preload_from_hub"] = preload_lines(preload)
    text = with_fields(text, changed) if changed else text
    return without_dead_links(text, files)


def _attributes(files: Iterable[str]) -> str:
    """Return Git's attributes for the Space, where binaries are kept as large files."""
    endings = dict.fromkeys(Path(name).suffix for name in sorted(files) if name.endswith(_BINARY))
    return "".join(f"*{ending} {_LARGE_FILES}\n" for ending in sorted(endings))


def _check_packages(checkout: Checkout) -> None:
    """Refuse a list of packages that would break the Space's build.

    Raises:
        DeployError: It holds more than names: Spaces hand every word to apt-get, those of comments as well.
    """
    path = checkout.files.get(PACKAGES)
    words = _read(path).split() if path else []
    wrong = [word for word in words if not _PACKAGE.fullmatch(word)]
    if wrong:
        raise DeployError(
            f"{PACKAGES} holds {wrong[0][:40]!r}, which is no Debian package.",
            "Spaces hand every word to apt-get, those of comments as well: write names alone, or nothing.",
        )


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if "=" in name:  # not repeated: what follows may be the secret
            raise DeployError(
                "A secret is given by its name alone.",
                "Put the value into the environment, and write --secret NAME.",
            )
        if not _NAME.fullmatch(name):
            raise DeployError(f"{name[:40]!r} is no name of a variable.", "Write --secret NAME.")


def _variables(given: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not _NAME.fullmatch(name):
            raise DeployError("A variable is given with its value.", "Write --variable NAME=VALUE.")
        if _CREDENTIAL.search(value):
            raise DeployError(f"The value of {name} seems to be a credential.", f"Use --secret {name}.")
        found[name] = value
    return found


def _doubts(fields: dict[str, object], hardware: str | None) -> Iterable[str]:
    """Yield what the Hub allows and what may still be a surprise."""
    wanted = hardware or fields.get("suggested_hardware")
    if wanted == "zero-a10g" and not re.match(r"3\.1[02]", str(fields.get("python_version"))):
        yield "ZeroGPU has Python 3.10 and 3.12; the front matter asks for another."
    if hardware == "zero-a10g":
        yield "ZeroGPU is for PRO accounts and teams; the Hub refuses it to others (402)."
