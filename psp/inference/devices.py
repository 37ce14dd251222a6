"""What the studio computes on: a name, checked, or the best there is."""

from __future__ import annotations

from psp.config import check_device
from psp.errors import SettingsError


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
