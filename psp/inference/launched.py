"""Which one this process is, of those that ``accelerate launch`` or ``torchrun`` started together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from psp.errors import SettingsError

__all__ = ["ALONE", "Place"]

# More digits than any number of processes has.
_LONGEST = 6
_HOW = "Start it by accelerate launch or torchrun, which set RANK and WORLD_SIZE; or unset both."


@dataclass(frozen=True)
class Place:
    """One of several processes, on one machine or many, that do the same command.

    Attributes:
        number: Which one, from 0: ``RANK``.
        count: How many there are: ``WORLD_SIZE``.
        local: Which one of its machine, from 0: ``LOCAL_RANK``; where it is not said, as ``number``.
        beside: How many there are on its machine: ``LOCAL_WORLD_SIZE``; where it is not said, 1.
    """

    number: int = 0
    count: int = 1
    local: int = 0
    beside: int = 1

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Place:
        """Return what a launcher said (default: the process environment); one alone where it said nothing.

        Raises:
            SettingsError: What is said cannot be, or the number of this process is missing.
        """
        env = os.environ if env is None else env
        count = _whole(env, "WORLD_SIZE")
        number = _whole(env, "RANK")
        if count is None:
            if number:
                raise SettingsError(f"RANK is {number}, and WORLD_SIZE is not set.", _HOW)
            count = 1
        if count < 1:
            raise SettingsError("WORLD_SIZE is 0: no process at all.", _HOW)
        if number is None:
            if count > 1:
                raise SettingsError(f"WORLD_SIZE is {count}, and RANK is not set.", _HOW)
            number = 0
        if number >= count:
            raise SettingsError(
                f"RANK is {number}, but WORLD_SIZE is {count}: the ranks are 0 to {count - 1}.", _HOW
            )
        local, beside = _whole(env, "LOCAL_RANK"), _whole(env, "LOCAL_WORLD_SIZE")
        return cls(number, count, number if local is None else local, max(1, min(beside or 1, count)))

    @property
    def alone(self) -> bool:
        """Whether there is no other."""
        return self.count == 1

    @property
    def words(self) -> str:
        """Which one, as people count: "2of3"; also in names of files."""
        return f"{self.number + 1}of{self.count}"

    def device(self, setting: str) -> str:
        """Return the device of this process, where ``setting`` leaves open which one.

        Each process of a machine takes a CUDA device of its own; more processes than devices share them. One
        that the setting names by its number, and one process alone, stay with the setting.

        Args:
            setting: "auto", "cpu", "cuda", "cuda:1", "mps".
        """
        if self.alone or setting not in ("auto", "cuda"):
            return setting
        import torch  # noqa: PLC0415  (torch comes after the page)

        devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return f"cuda:{self.local % devices}" if devices else setting


ALONE = Place()
"""A process that no launcher started."""


def _whole(env: Mapping[str, str], name: str) -> int | None:
    """Return a number from 0, or None where it is not set.

    Raises:
        SettingsError: It is something else.
    """
    value = env.get(name, "").strip()
    if not value:
        return None
    if not (value.isascii() and value.isdecimal()) or len(value) > _LONGEST:
        raise SettingsError(f"{name}={value[:40]!r} is not a whole number from 0 on.", _HOW)
    return int(value)
