"""How the process keeps and returns memory: what a network uses again stays, what a large photo took goes.

glibc asks the system for large blocks one by one and hands these back at once. Fresh pages are dear: a
picture of 1024 px, whose features are tens of megabytes, takes three times as long to make from them. So
blocks of up to 128 MB come from the heap, which keeps half a gigabyte; larger ones, as of photos of many
megapixels, go back once they are freed. One heap for all threads: those of others hold 64 MB at most, and
each would keep its own. Other systems' allocators decide by themselves.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

# Of mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# Bytes.
_LARGE, _SPARE = 128 << 20, 512 << 20


def keep_memory() -> bool:
    """Keep up to 512 MB for the next request; return whether that can be set here.

    For the whole process; to be called once, at start: a thread that is there already keeps a heap of its
    own, and Gradio has some as soon as it is imported.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none
        return False
    return all(
        mallopt(name, value)
        for name, value in ((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _SPARE), (_M_ARENA_MAX, 1))
    )


def resident_bytes() -> int | None:
    """Return how much memory the process has now; None where the system does not tell (beyond Linux)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None
