"""What decides the bytes of a result beside its task, model and settings, and whether that is so here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Versions and kinds of devices: a recipe may come from anybody.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_ -]{0,39}")
_MOST_THREADS = 4096


@dataclass(frozen=True)
class MadeWith:
    """What a result was computed with.

    Attributes:
        studio: Version of the studio.
        torch: Version of torch.
        backend: Kind of device, and what it can do: "cpu x86_64 avx2", "cuda sm90", "mps".
        threads: Threads of torch on a processor; 0 on other devices, where they decide nothing.
    """

    studio: str
    torch: str
    backend: str
    threads: int = 0

    def to_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        told: dict[str, object] = {"studio": self.studio, "torch": self.torch, "backend": self.backend}
        return {**told, "threads": self.threads} if self.threads else told


def made_with_from(data: object) -> MadeWith | None:
    """Read it from plain data that came from outside; None where that is none, or makes no sense."""
    if not isinstance(data, Mapping):
        return None
    studio, torch, backend = (str(data.get(name, "")) for name in ("studio", "torch", "backend"))
    threads = data.get("threads", 0)
    if not all(_WORD.fullmatch(word) for word in (studio, torch, backend)):
        return None
    if not isinstance(threads, int) or isinstance(threads, bool) or not 0 <= threads <= _MOST_THREADS:
        return None
    return MadeWith(studio, torch, backend, threads)


def differences(then: MadeWith | None, now: MadeWith) -> str:
    """Return in a sentence why a picture may not come out equal, byte for byte; empty where nothing says so.

    Args:
        then: What it was made with; None: its recipe does not say, as those of older versions.
        now: What there is here.
    """
    if then is None:
        return (
            "The file does not say what it was made with, so the picture may not be equal to the one that it "
            "was saved with, byte for byte."
        )
    pairs = {
        "pSp Studio {}": (then.studio, now.studio),
        "torch {}": (then.torch, now.torch),
        "the device {}": (then.backend, now.backend),
    }
    if then.backend == now.backend and then.threads and now.threads:
        pairs["threads: {}"] = (str(then.threads), str(now.threads))
    apart = [(words.format(old), words.format(new)) for words, (old, new) in pairs.items() if old != new]
    if not apart:
        return ""
    before, here = (_listed(side) for side in zip(*apart, strict=True))
    return (
        f"This was made with {before}, and here it is {here}: single values of the picture may differ, so it "
        "cannot be promised equal byte for byte."
    )


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
