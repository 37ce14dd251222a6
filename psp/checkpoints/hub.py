"""Downloads from the Hub: pinned, resumed where they stopped, verified before they get their name.

The Hub's own ``hf_hub_download`` discards a partial file when the process ends, and retries for half a minute
where there is no network. Files here are of 1.2 GB and people wait, so its session, token and addresses are
used, but the transfer is ours.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from psp.errors import CheckpointError, ModelNotFoundError
from psp.registry import ModelEntry

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes in all (None: not known)."""

_TIMEOUT = 10.0  # seconds to connect, and between two blocks
_BLOCK = 1 << 20
_MOST_BREAKS = 20


class _RefusedError(Exception):
    """The server answered, but not with the file."""


def download(entry: ModelEntry, target: Path, progress: Progress | None = None) -> Path:
    """Download the file of ``entry`` to ``target``, and return it; a partial one goes on where it stopped.

    ``HF_ENDPOINT`` and ``HF_TOKEN`` are honoured, as the Hub's own client does.

    Raises:
        ModelNotFoundError: There is no network, or the Hub does not give the file.
        CheckpointError: What came has another hash, or cannot be kept on this machine.
    """
    from filelock import FileLock  # noqa: PLC0415  (needed for downloads only; a dependency of torch and the Hub)

    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(part.with_name(part.name + ".lock")):  # two processes may want the same file
            if not target.is_file():
                _transfer(entry, part, progress)
                _verify(entry, part)
                part.replace(target)
    except OSError as error:
        raise CheckpointError(
            f"{entry.file} cannot be kept: {error.strerror or error}.",
            "Free some space, or set PSP_CACHE_DIR to a folder that can be written.",
        ) from error
    return target


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, in lower-case hex, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _transfer(entry: ModelEntry, part: Path, progress: Progress | None) -> None:
    """Fill ``part``, however often the connection breaks, as long as each one brings something."""
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for downloads only)

    client: Any = huggingface_hub.get_session()
    endpoint = (
        os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
    )  # read now: the library does at its import
    url = huggingface_hub.hf_hub_url(
        str(entry.source), entry.file, revision=entry.revision or "main", endpoint=endpoint
    )
    token = huggingface_hub.get_token()
    headers = {"User-Agent": "psp-studio"} | ({"Authorization": f"Bearer {token}"} if token else {})
    # The client library of huggingface_hub 1 is httpx, of 2 httpx2: alike, but with exceptions of their own.
    # ConnectionError is what the session raises when the Hub's own variables say that it is offline.
    network_errors = (sys.modules[type(client).__module__.partition(".")[0]].HTTPError, ConnectionError)
    for _ in range(_MOST_BREAKS):
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch(client, url, headers, part, progress)
            return
        except _RefusedError as error:
            raise ModelNotFoundError(f"{entry.file} cannot be downloaded: {error}.", entry.by_hand) from error
        except network_errors as error:
            if (part.stat().st_size if part.exists() else 0) <= before:
                reason = str(error) or type(error).__name__
                raise ModelNotFoundError(
                    f"{entry.file} is not on this machine, and the Hub cannot be reached ({reason}).",
                    entry.by_hand,
                ) from error
    raise ModelNotFoundError(
        f"The connection broke {_MOST_BREAKS} times.", "Try again: the download goes on."
    )


def _fetch(
    client: Any,  # noqa: ANN401  (of httpx or httpx2, by the version of the Hub's library)
    url: str,
    headers: dict[str, str],
    part: Path,
    progress: Progress | None,
) -> None:
    """Ask for what ``part`` lacks, and append it."""
    have = part.stat().st_size if part.exists() else 0
    # Compressed transfers would make byte positions meaningless.
    asked = {**headers, "Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=asked, timeout=_TIMEOUT, follow_redirects=True) as answer:
        span = re.match(r"bytes (?:(\d+)-\d+|\*)/(\d+)", answer.headers.get("Content-Range", ""))
        if answer.status_code == 416 and span and int(span[2]) == have:
            return  # all of it was here
        if answer.status_code == 416:
            part.unlink()
            raise _RefusedError(
                "what was left of an earlier download does not fit; it was deleted, try again"
            )
        if answer.status_code not in (200, 206):
            raise _RefusedError(f"the Hub answered {answer.status_code} for {answer.url.host}")
        if answer.status_code == 206 and not (span and span[1] and int(span[1]) == have):
            raise _RefusedError("the Hub sent another part of the file than was asked for")
        if answer.status_code == 200:
            have = 0  # the server does not resume
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        with part.open("ab" if have else "wb") as file:
            for block in answer.iter_bytes(_BLOCK):
                file.write(block)
                have += len(block)
                if progress is not None:
                    progress(have, total)


def _verify(entry: ModelEntry, part: Path) -> None:
    """Refuse, and delete, a download with another hash."""
    if entry.sha256 is None:
        return
    actual = hash_file(part)
    if actual != entry.sha256:
        part.unlink()
        raise CheckpointError(
            f"The download of {entry.file} is not the file that it should be: its sha256 is {actual}, "
            f"not {entry.sha256}.",
            "Try again; if it stays so, the copy on the Hub has changed and should not be used.",
        )
