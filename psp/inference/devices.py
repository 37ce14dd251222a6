"""What the studio computes on: a name, checked, or the best there is."""

from __future__ import annotations

import platform

from psp.codes.made_with import MadeWith
from psp.config import check_device
from psp.errors import SettingsError
from psp.version import __version__


def pick_device(setting: str = "auto") -> str:
    """Return the device to compute on: ``setting``, or for "auto" the first there is of CUDA, MPS and CPU.

    Raises:
        SettingsError: The device asked for is unknown or not there.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    setting = check_device(setting)
    if setting == "auto":
        return next(name for name, usable in there.items() if usable)
    kind, _, index = setting.partition(":")
    if not there[kind] or (kind == "cuda" and int(index or 0) >= torch.cuda.device_count()):
        raise SettingsError(
            f"The device {setting!r} is not there.", "Set PSP_DEVICE to auto, cpu, cuda or mps."
        )
    return setting


def made_with(device: str, *, lent: bool = False) -> MadeWith:
    """Return what decides the bytes of what ``device`` computes, beside the request.

    Two machines of which the same is said may still differ by a level: it names kinds, never the machine.

    Args:
        device: As :func:`pick_device` returns it.
        lent: Whether the work is done by another process, which has the device (``psp.zerogpu``): its kind of
            GPU is not known here, and on a processor it has one thread (``psp.inference.loaded``).
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    kind, _, index = device.partition(":")
    if kind == "cpu":
        able = torch.backends.cpu.get_cpu_capability().lower().replace(" ", "-")
        threads = 1 if lent else torch.get_num_threads()
        return MadeWith(__version__, str(torch.__version__), f"cpu {platform.machine()} {able}", threads)
    if kind == "cuda" and not lent:
        high, low = torch.cuda.get_device_capability(int(index or 0))
        kind = f"cuda sm{high}{low}"
    return MadeWith(__version__, str(torch.__version__), kind)
