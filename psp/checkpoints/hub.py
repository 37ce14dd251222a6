"""Downloads from the Hub: pinned, resumed where they stopped, verified before they get their name.

The Hub's own ``hf_hub_download`` discards a partial file when the process ends, and retries for half a minute
where there is no network. Files here are of 1.2 GB and people wait, so its session, token and addresses are
used, but the transfer is ours.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from psp.files.drafts import writing
from psp.files.pins import hash_file
from psp.registry.lookup import ModelEntry, is_commit, pin_note, pinned_revision

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes in all (None: not known)."""

CONFIG = "config.json"
"""What lies beside models, and what the Hub counts downloads by."""

_TIMEOUT = 10.0  # seconds to connect, and between two blocks
_BLOCK = 1 << 20
_MOST_BREAKS = 20
# How archives and bare pickles begin.
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"


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
        raise _unkept(entry, error) from error
    return target


def pin(entry: ModelEntry, settings: Settings) -> ModelEntry:
    """Return ``entry`` at the commit that its branch or tag is now, or was when it was first asked for.

    A branch moves, so without this the files of one model could come from different versions of it. One whose
    content is pinned by a hash stays as it is.

    Raises:
        ModelNotFoundError: There is no network, or the Hub knows no such repository or revision.
        CheckpointError: The commit cannot be noted on this machine.
    """
    revision = pinned_revision(entry, settings)
    if entry.sha256 is None and not is_commit(revision):
        revision = _ask_commit(entry)
        try:
            with writing(pin_note(entry, settings)) as note:
                note.write(revision.encode())
        except OSError as error:
            raise _unkept(entry, error) from error
    return dataclasses.replace(entry, revision=revision)


def endpoint() -> str:
    """Return the address of the Hub: ``HF_ENDPOINT`` as it is now; the library reads it at its import."""
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for the Hub only)

    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or huggingface_hub.constants.ENDPOINT


def network_errors() -> tuple[type[Exception], ...]:
    """Return what the Hub's library raises where there is no network.

    The client library of huggingface_hub 1 is httpx, of 2 httpx2: alike, but with exceptions of their own.
    ConnectionError is what the session raises when the Hub's own variables say that it is offline.
    """
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for the Hub only)

    client = huggingface_hub.get_session()
    return (sys.modules[type(client).__module__.partition(".")[0]].HTTPError, ConnectionError)


def answer_of(error: BaseException | None) -> tuple[int, str] | None:
    """Return status and words of the server, from ``error`` or what caused it; None: no answer came."""
    while error is not None:
        response: Any = getattr(error, "response", None)
        if response is not None:
            return int(response.status_code), str(getattr(error, "server_message", None) or "")
        error = error.__cause__
    return None


def _ask_commit(entry: ModelEntry) -> str:
    """Return the commit that the revision of ``entry`` is now."""
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for downloads only)

    client: Any = huggingface_hub.get_session()
    revision = quote(entry.revision or "main", safe="")
    url = f"{endpoint()}/api/models/{entry.source}/revision/{revision}"
    try:
        answer = client.get(url, headers=_headers(), timeout=_TIMEOUT, follow_redirects=True)
    except network_errors() as error:
        raise _unreachable(entry, error) from error
    try:
        if answer.status_code != 200:
            raise _RefusedError(_refusal(answer))
        commit = str(answer.json()["sha"])
        if not is_commit(commit):
            raise _RefusedError("the Hub did not name the commit")
    except (_RefusedError, ValueError, KeyError, TypeError) as error:
        why = error if isinstance(error, _RefusedError) else "the Hub's answer cannot be understood"
        raise ModelNotFoundError(
            f"{entry.source} at {entry.revision!r} cannot be downloaded: {why}.", entry.by_hand
        ) from error
    return commit


def _headers() -> dict[str, str]:
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for downloads only)

    token = huggingface_hub.get_token()
    return {"User-Agent": "psp-studio"} | ({"Authorization": f"Bearer {token}"} if token else {})


def _refusal(answer: Any) -> str:  # noqa: ANN401  (of httpx or httpx2, by the version of the Hub's library)
    said = f"the Hub answered {answer.status_code} for {answer.url.host}"
    if answer.status_code in (401, 403):  # what the Hub says of a missing repository too
        said += " (a private one needs `hf auth login`, or HF_TOKEN)"
    elif answer.status_code == 429 or answer.status_code >= 500:
        said += " (it is busy or out of order: what is here already is kept, try again in some minutes)"
    return said


def _unreachable(entry: ModelEntry, error: Exception) -> ModelNotFoundError:
    reason = str(error) or type(error).__name__
    return ModelNotFoundError(
        f"{entry.file} is not on this machine, and the Hub cannot be reached ({reason}).", entry.by_hand
    )


def _unkept(entry: ModelEntry, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"{entry.file} cannot be kept: {error.strerror or error}.",
        "Free some space, or set PSP_CACHE_DIR to a folder that can be written.",
    )


def _transfer(entry: ModelEntry, part: Path, progress: Progress | None) -> None:
    """Fill ``part``, however often the connection breaks, as long as each one brings something."""
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for downloads only)

    client: Any = huggingface_hub.get_session()
    url = huggingface_hub.hf_hub_url(
        str(entry.source), entry.file, revision=entry.revision or "main", endpoint=endpoint()
    )
    headers, errors = _headers(), network_errors()
    for _ in range(_MOST_BREAKS):
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch(client, url, headers, part, progress)
            return
        except _RefusedError as error:
            raise ModelNotFoundError(f"{entry.file} cannot be downloaded: {error}.", entry.by_hand) from error
        except errors as error:
            if (part.stat().st_size if part.exists() else 0) <= before:
                raise _unreachable(entry, error) from error
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
            raise _RefusedError(_refusal(answer))
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
    """Refuse, and delete, a download with another hash; where none is known, one that is visibly torn."""
    if entry.sha256 is None:
        if not _looks_whole(entry.file, part):
            size = part.stat().st_size
            part.unlink()
            raise CheckpointError(
                f"The download of {entry.file} is torn, or something else: {size} bytes came.", "Try again."
            )
        return
    actual = hash_file(part)
    if actual != entry.sha256:
        part.unlink()
        raise CheckpointError(
            f"The download of {entry.file} is not the file that it should be: its sha256 is {actual}, "
            f"not {entry.sha256}.",
            "Try again; if it stays so, the copy on the Hub has changed and should not be used.",
        )


def _looks_whole(name: str, part: Path) -> bool:
    """Whether a file that no hash is known of has the beginning and the end of its kind.

    A server may say a wrong length, and a page that wants a login comes with the status of success.
    """
    if name.endswith(".safetensors"):
        from psp.checkpoints.tensors import read_metadata  # noqa: PLC0415  (torch comes after the page)

        try:
            read_metadata(part)
        except CheckpointError:
            return False
        return True
    if not name.endswith((".pt", ".pth")):
        return True
    with part.open("rb") as file:
        start = file.read(len(_ZIP))
    # The list of what is in an archive stands at its end. A bare pickle, as of old, has no end to look for.
    return zipfile.is_zipfile(part) if start == _ZIP else start[:1] == _PICKLE
