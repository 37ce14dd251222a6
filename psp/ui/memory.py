"""Memory of large photos goes back to the system as soon as they are done with.

glibc asks the system for large blocks one by one and hands these back at once, but learns from every block
that is freed: after the first photo it cuts blocks of up to 32 MB out of its own heap, where small ones that
live on keep all of it. Other systems' allocators hand back by themselves.
"""

from __future__ import annotations

import ctypes
import sys

# Of mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# Bytes. Pillow keeps pictures in blocks of 16 MB; most of what networks need is smaller.
_LARGE, _SPARE = 4 << 20, 64 << 20


def give_back_memory() -> bool:
    """Give every block of 4 MB or more back once it is freed; return whether that can be set here.

    For the whole process; to be called once, at start.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none, and needs none
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGE) and mallopt(_M_TRIM_THRESHOLD, _SPARE))
