"""What a video costs, told before it is worked on: how many frames, how long they will take here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from psp.inference.video.asked import Asked
from psp.pictures.video.source import Video

ENCODED = 10
"""Codes are found so many times a second, at most; for the frames between they are read off the curve."""

# Seconds a frame until this machine has made a video itself: 2.4 were measured on two cores that others used
# too. For a GPU it is a guess; there, too, the processor finds the faces and puts them back.
_ON_CPU, _ON_GPU = 2.0, 0.3
_ENOUGH = 5  # frames: fewer tell more of what comes before the first one
_EXACT, _BLENDED = 1.6, 1.6  # times as long


@dataclass(frozen=True)
class Cost:
    """What a video costs.

    Attributes:
        frames: How many there are.
        seconds: How long they will take here, about.
        warnings: What is cut off, in words.
    """

    frames: int
    seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How many frames and how long, for a person: "96 frames, about 2 minutes on this machine"."""
        frames = "1 frame" if self.frames == 1 else f"{self.frames} frames"
        return f"{frames}, about {_length(self.seconds)} on this machine"

    def details(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"frames": self.frames, "expected_seconds": round(self.seconds, 1)}


@dataclass
class Pace:
    """How fast this machine is: a guess until it has worked on a video, then what that took.

    Attributes:
        measured: Seconds a frame and what kind it was.
    """

    measured: dict[tuple[bool, bool], float] = field(default_factory=dict)

    def cost(self, video: Video, asked: Asked, device: str) -> Cost:
        """Return what a video will cost.

        Args:
            video: The video.
            asked: What is done to it.
            device: Where models run.
        """
        seconds = self.measured.get(_kind(asked)) or self._guess(asked, device)
        return Cost(video.frames, max(1.0, video.frames * seconds), video.warnings)

    def learn(self, asked: Asked, frames: int, seconds: float) -> None:
        """Keep how long a frame took, where there were enough of them to say."""
        if frames >= _ENOUGH:
            self.measured[_kind(asked)] = seconds

    @staticmethod
    def _guess(asked: Asked, device: str) -> float:
        exact, blended = _kind(asked)
        plain = _ON_CPU if device == "cpu" else _ON_GPU
        return plain * (_EXACT if exact else 1.0) * (_BLENDED if blended else 1.0)


def _kind(asked: Asked) -> tuple[bool, bool]:
    return asked.exact, asked.task == "toonify" and 0 < asked.strength < 1


def _length(seconds: float) -> str:
    if seconds < 50:
        rounded = max(1, 5 * round(seconds / 5)) if seconds > 5 else max(1, round(seconds))
        return "a second" if rounded == 1 else f"{rounded} seconds"
    minutes = max(1, math.floor(seconds / 60 + 0.5))
    return "a minute" if minutes == 1 else f"{minutes} minutes"
