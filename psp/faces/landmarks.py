"""What 68 landmarks say of a face: which way it looks, where its axes and its outline are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from psp.faces.detection import Points


@dataclass(frozen=True, eq=False)
class FaceShape:
    """Axes and heights of a face.

    Attributes:
        points: The 68 landmarks, [68,2] as (x, y).
        up: Unit vector from the mouth to the eyes.
        right: Unit vector across, to the picture's right.
        middle: Between the two ends of the jaw line.
        half: From there to the right end.
        brow: Middle of the brows.
        hairline: Height of the expected hairline above ``middle``, along ``up``.
    """

    points: Points
    up: Points
    right: Points
    middle: Points
    half: Points
    brow: Points
    hairline: float

    @classmethod
    def of(cls, points: Points) -> FaceShape:
        """Measure a face."""
        eyes, mouth = points[36:48].mean(axis=0), points[48:60].mean(axis=0)
        up = (eyes - mouth) / max(float(np.hypot(*(eyes - mouth))), 1.0)
        middle, half = (points[0] + points[16]) / 2, (points[16] - points[0]) / 2
        brow = points[17:27].mean(axis=0)
        # The old rule of thirds: as far from brows to hairline as from nose to brows; a little less is safer.
        hairline = float((brow - middle) @ up) + 0.92 * float((brow - points[33]) @ up)
        return cls(points, up, np.array([-up[1], up[0]]), middle, half, brow, hairline)

    @property
    def outline(self) -> Points:
        """The face's outline [N,2]: the jaw, and an arch to where the hairline should be."""
        # A turned head leans the way that its brows do.
        lean = float((self.brow - self.middle) @ self.right) * 0.5
        top = self.up * self.hairline + self.right * lean
        turn = np.linspace(0, np.pi, 25)[1:-1, None]
        arch = self.middle + self.half * np.cos(turn) + top * np.sin(turn) ** 0.8
        return np.concatenate([self.points[:17], arch])


def yaw(points: Points) -> float:
    """Return how far a face is turned: about −1 (to the picture's left) to 1 (to its right).

    Where the tip of the nose lies between the two ends of the jaw line: 0 in the middle, ±1 at an end. No
    angle, but it grows with it. Within 0.02 of its negative for the mirror image.

    Args:
        points: The 68 landmarks of the face, upright, [68,2].
    """
    left, right, nose = points[0], points[16], points[30]
    across = (right - left) / 2.0
    return float(np.clip((nose - (left + right) / 2.0) @ across / max(float(across @ across), 1e-9), -1, 1))
