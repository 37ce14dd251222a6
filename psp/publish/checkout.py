"""The files of a checkout that a Space gets: those in Git, without tests, benchmarks and what is hidden."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from psp.errors import DeployError

LARGEST = 10_000_000
"""Bytes of a file, at most: what the house bundles is smaller."""

_NEEDED = ("README.md", "app.py", "requirements.txt", "psp/__init__.py")
_STAY = frozenset({"tests", "benchmarks", "runs", "out", "__pycache__", "node_modules"})
# Without Git: these folders and the files beside them, by their endings.
_FOLDERS = ("psp", "assets", "examples", "docs")
_ENDINGS = frozenset(
    {".py", ".md", ".txt", ".toml", ".json", ".css", ".js", ".html", ".svg", ".ttf", ".woff2"}
    | {".jpg", ".jpeg", ".png", ".webp", ".ico", ".safetensors", ".typed"}
)
_NAMES = frozenset({"LICENSE", "SHA256SUMS"})
_SECRET_NAME = re.compile(
    r"(?i)(^|.*[._-])(id_(rsa|dsa|ecdsa|ed25519)|secrets?|tokens?|credentials?|passwords?)(\.(toml|json|ya?ml|txt|ini|cfg))?"
    r"|.*\.(pem|key|p12|pfx|keystore|env)"
)
_SECRET = re.compile(
    r"\b(?:hf|api_org)_[A-Za-z0-9]{20,}|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bsk-[A-Za-z0-9_-]{32,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_LONGEST_TEXT = 2_000_000  # bytes; texts of the house are far shorter


@dataclass(frozen=True)
class Checkout:
    """What may go.

    Attributes:
        root: The folder.
        files: The files by their names, "/" between folders, sorted.
        pictures: Pictures that stay unless a page shows them, such as those of the benchmarks.
        notes: What the user should know before, one sentence each.
    """

    root: Path
    files: dict[str, Path]
    pictures: dict[str, Path]
    notes: tuple[str, ...]


def checkout_root() -> Path:
    """Return the folder of the checkout that this package is in.

    Raises:
        DeployError: The package was installed, so that there is none.
    """
    root = Path(__file__).resolve().parent.parent.parent
    if not all((root / name).is_file() for name in _NEEDED):
        raise DeployError(
            "This is an installed package, and a Space is made of a checkout.",
            "Clone the repository, and run python -m psp space deploy in its folder.",
        )
    return root


def read_checkout(root: Path) -> Checkout:
    """Return the files that may go: of those in Git where there is Git, else by their places and endings.

    Raises:
        DeployError: A file is too large or no file, or seems to hold a credential; or one is missing.
    """
    tracked = _tracked(root)
    names = sorted(_by_rules(root) if tracked is None else tracked)
    notes = [] if tracked is not None else ["There is no Git here, so files are taken by their endings."]
    files = {name: root / name for name in names if _goes(name)}
    hidden = [name for name in files if _is_secret(name)]
    if hidden:
        notes.append(f"Left out, because of their names: {', '.join(hidden)}.")
    files = {name: path for name, path in files.items() if name not in hidden and _exists(path)}
    for name in _NEEDED:
        if name not in files:
            raise DeployError(f"{name} is not there, or not in Git.", f"Restore it: git checkout {name}.")
    for name, path in files.items():
        require_harmless(name, path)
    if tracked is not None:
        notes += _unsaid(root)
    pictures = {name: root / name for name in names if name not in files and not _hidden(name)}
    return Checkout(root, files, pictures, tuple(notes))


def require_harmless(name: str, path: Path) -> None:
    """Refuse a file that must not go.

    Raises:
        DeployError: It is a link, is too large, or seems to hold a credential.
    """
    if path.is_symlink() or not path.is_file():
        raise DeployError(f"{name} is a link, and could lead anywhere.", "Put the file itself in its place.")
    size = path.stat().st_size
    if size > LARGEST:
        raise DeployError(
            f"{name} has {size / 1e6:.1f} MB, and a file may have {LARGEST // 10**6}.",
            "Put it into a repository of models on the Hub, and let the Space download it.",
        )
    if size <= _LONGEST_TEXT and _SECRET.search(path.read_bytes().decode("utf-8", "ignore")):
        raise DeployError(
            f"{name} seems to hold a credential.",
            "Take it out, have a new one made, and hand it over with --secret NAME.",
        )


def _goes(name: str) -> bool:
    return (
        not _hidden(name) and not _STAY.intersection(PurePosixPath(name).parts) and not name.endswith(".pyc")
    )


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _is_secret(name: str) -> bool:
    """Whether a name is one that secrets have; Python's own files are read by people."""
    path = PurePosixPath(name)
    return path.suffix != ".py" and _SECRET_NAME.fullmatch(path.name) is not None


def _exists(path: Path) -> bool:
    """Whether a file of Git is there; one that was deleted and not committed yet is not."""
    return path.is_symlink() or path.is_file()


def _git(root: Path, *command: str) -> list[str] | None:
    """Return the names that Git tells; None where there is no Git for this folder."""
    # Variables that point elsewhere are set inside of hooks.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        told = subprocess.run(
            ["git", "-C", str(root), *command], capture_output=True, check=True, env=environment
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [name for name in told.decode("utf-8", "surrogateescape").split("\0") if name]


def _tracked(root: Path) -> list[str] | None:
    # A checkout without a Git of its own may lie in the folder of another one.
    return _git(root, "ls-files", "-z") if (root / ".git").exists() else None


def _unsaid(root: Path) -> Iterator[str]:
    """Yield what Git says of files that go, or do not, unlike what may be meant."""
    new = [
        name for name in _git(root, "ls-files", "-z", "--others", "--exclude-standard") or () if _goes(name)
    ]
    if new:
        yield f"Left out, because not in Git: {_few(new)}."
    changed = _git(root, "diff", "HEAD", "--name-only", "-z") or ()
    if changed := [name for name in changed if _goes(name)]:
        yield f"Goes as it is here, not as committed: {_few(changed)}."


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def _by_rules(root: Path) -> Iterator[str]:
    """Yield the names of files as a download of the repository has them; nothing that a run has left."""
    places = [path for path in root.iterdir() if path.is_file()]
    for folder in _FOLDERS:
        for place, folders, files in os.walk(root / folder):
            folders[:] = [name for name in folders if _goes(name)]
            places += [Path(place) / name for name in files]
    for folder in ("benchmarks",):  # its pictures, for pages that show them
        places += (root / folder).rglob("*.jpg")
    for path in places:
        own = path.suffix == ".mp4" and path.is_relative_to(root / "examples")  # elsewhere it is somebody's
        if path.suffix.lower() in _ENDINGS or path.name in _NAMES or own:
            yield path.relative_to(root).as_posix()
