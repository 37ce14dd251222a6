"""Where the face is in each frame: found, filled in where it is missed for a moment, steadied over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psp.errors import FaceNotFoundError
from psp.faces.alignment import quad_side
from psp.faces.detection import Points
from psp.faces.following import Follower
from psp.faces.steady import steadied
from psp.pictures.video.frames import frames_in
from psp.pictures.video.source import Video

SIGMA = 0.12
"""Seconds: how far the neighbours of a moment count for its place, by a parabola through them."""
HOLD = 0.4
"""Seconds for which a face that is not found stays where it was; then the frames pass unchanged."""
FADE = 0.2
"""Seconds over which the change fades where a face goes or comes."""

# Of the crop's side: a jump from one frame to the next is a cut, over which nothing is averaged.
_CUT = 0.6


@dataclass(frozen=True, eq=False)
class Places:
    """Where the face is.

    Attributes:
        times: Of the frames, seconds [f].
        quads: Corners of the crop in each frame, [f,4,2].
        shares: How much of the change is shown, 0 to 1, [f].
        shots: Which shot each frame belongs to, [f]; between two of them there is a cut.
        faces: How many faces there were where this one was found first.
        missed: In how many frames it is not found.
        told: How many frames the file was said to have.
    """

    times: NDArray[np.float64]
    quads: NDArray[np.float64]
    shares: NDArray[np.float64]
    shots: NDArray[np.int64]
    faces: int
    missed: int
    told: int

    @property
    def side(self) -> float:
        """The crop's side in pixels, the middle one of all frames."""
        return float(np.median([quad_side(quad) for quad in self.quads]))

    def warnings(self) -> list[str]:
        """Return what was missing, in words."""
        frames, unchanged = len(self.times), int((self.shares == 0).sum())
        told = []
        if unchanged:
            were = "frame shows" if unchanged == 1 else "frames show"
            told.append(f"{unchanged} of {frames} {were} no face that was found, and stayed unchanged.")
        elif self.missed:
            were = "1 frame" if self.missed == 1 else f"{self.missed} frames"
            told.append(f"The face was not found in {were} of {frames}; it was taken for where it had been.")
        if frames < self.told - max(2, self.told // 20):
            told.append(f"The video breaks off after {frames} frames, of {self.told}.")
        return told


def find_places(video: Video, face: int, step: Callable[[int], None]) -> Places:
    """Find one face in all frames of a video.

    Args:
        video: The video.
        face: Which face, of the first frame in which one is found.
        step: Told of each frame before it is looked at; may raise to stop the work.

    Raises:
        FaceNotFoundError: No frame shows a face.
        FaceIndexError: The first frame with a face has fewer than ``face`` asks for.
        VideoError: There are no frames.
    """
    follower, found = Follower(face), []
    for index, frame in enumerate(frames_in(video)):
        step(index)
        found.append(follower.quad(frame))
    times = np.arange(len(found)) / float(video.rate)
    known = np.array([index for index, quad in enumerate(found) if quad is not None], dtype=np.int64)
    if not len(known):
        raise FaceNotFoundError(
            "No face was found in the video.", "Use one in which a face is larger, or seen from the front."
        )
    quads = np.stack([quad for quad in found if quad is not None])
    shots = shots_of(known, quads, len(found))
    filled = np.empty((len(found), 4, 2))
    for shot in np.unique(shots):
        inside, of_shot = shots == shot, shots[known] == shot
        filled[inside] = _smooth(times[inside], times[known[of_shot]], quads[of_shot])
    shares = _shares(times, times[known])
    return Places(times, filled, shares, shots, follower.faces, len(found) - len(known), video.frames)


def shots_of(known: NDArray[np.int64], quads: Points, count: int) -> NDArray[np.int64]:
    """Return to which shot each of ``count`` frames belongs, [count].

    Args:
        known: The frames in which the face was found.
        quads: Where, [k,4,2].
        count: How many frames there are.
    """
    shots = np.zeros(count, dtype=np.int64)
    for index in range(1, len(known)):
        moved = np.hypot(*(quads[index].mean(axis=0) - quads[index - 1].mean(axis=0)))
        if moved > _CUT * quad_side(quads[index - 1]):
            shots[known[index] :] += 1
    return shots


def _smooth(times: Points, known: Points, quads: Points) -> Points:
    """Return the quads [f,4,2] at ``times``: between frames with a face on a line, beyond them held."""
    flat = quads.reshape(len(quads), -1)
    filled = np.stack([np.interp(times, known, column) for column in flat.T], axis=1)
    return steadied(times, filled, times, SIGMA, 2).reshape(-1, 4, 2)


def _shares(times: Points, known: Points) -> Points:
    """Return how much of the change is shown at each moment: all near a found face, nothing far from one."""
    apart = np.abs(times[:, None] - known[None, :]).min(axis=1)
    return np.asarray(np.clip((HOLD + FADE - apart) / FADE, 0.0, 1.0))
