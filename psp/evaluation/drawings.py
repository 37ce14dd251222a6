"""Do faces that were made from drawings (sketches or maps) follow them? More than they follow others'?"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from psp.evaluation.measures import Compared, Figures, variety
from psp.losses.lpips import LPIPS
from psp.pictures.images import to_pictures
from psp.training.data.pictures import to_batch

Drawing = NDArray[Any]

_TOLERANCE = 2 / 128
"""How far apart two lines may be and still be the same, as a share of the picture's side."""

_VARIED = 400
"""How many pictures variety is told from, the first: they have to be kept."""


@dataclass(frozen=True)
class Followed:
    """Faces made from drawings (sketches or maps) of photos.

    Attributes:
        agreement: Of a result's own drawing with the one that it was made from: F1 of the lines, or mean IoU.
        by_chance: The same, but for the results of other drawings.
        variety: Mean LPIPS between results of different drawings.
        real_variety: The same between the photos.
        figures: Results against the photos behind the drawings.
    """

    agreement: float
    by_chance: float
    variety: float
    real_variety: float
    figures: Figures


class Drawings:
    """Drawings beside those of what was made from them, batch by batch; kept packed, for pairs of others.

    Args:
        agreement: How far two drawings agree, 0 to 1.
    """

    def __init__(self, agreement: Callable[[Drawing, Drawing], float]) -> None:
        self._agree = agreement
        self._own: list[float] = []
        self._given: list[_Packed] = []
        self._out: list[_Packed] = []
        self._photos: list[Image.Image] = []
        self._made: list[Tensor] = []  # half precision: a tenth of what rounding to 8 bits would change

    def add(self, given: Sequence[Drawing], out: Sequence[Drawing], photos: Tensor, made: Tensor) -> None:
        """Add a batch.

        Args:
            given: Drawings of ``photos``, [S,S] each: what the results were made from.
            out: Drawings of the results, [S,S] each.
            photos: [N,3,S,S] in [−1,1].
            made: The results, [N,3,S,S] in [−1,1].
        """
        self._own += [self._agree(a, b) for a, b in zip(out, given, strict=True)]
        self._given += map(_Packed.of, given)
        self._out += map(_Packed.of, out)
        left = max(0, _VARIED - len(self._photos))
        self._photos += to_pictures(photos[:left])
        self._made.append(made[:left].half())

    def followed(self, compared: Compared, lpips: LPIPS) -> Followed:
        """Sum up all drawings; their results were ``compared`` with the photos."""
        chance = [
            self._agree(self._out[i].drawing(), self._given[j].drawing())
            for i, j in other_pairs(len(self._given))
        ]
        return Followed(
            agreement=float(np.mean(self._own)),
            by_chance=float(np.mean(chance)) if chance else float("nan"),
            variety=variety(torch.cat(self._made).float(), lpips),
            real_variety=variety(to_batch([np.asarray(picture) for picture in self._photos]), lpips),
            figures=compared.figures(),
        )


@dataclass(frozen=True)
class _Packed:
    """A drawing in a twentieth of its memory."""

    data: bytes
    kind: np.dtype[Any]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, drawing: Drawing) -> _Packed:
        return cls(zlib.compress(drawing.tobytes(), 1), drawing.dtype, drawing.shape)

    def drawing(self) -> Drawing:
        return np.frombuffer(zlib.decompress(self.data), self.kind).reshape(self.shape)


def other_pairs(count: int, shifts: int = 5) -> list[tuple[int, int]]:
    """Return pairs of different indices below ``count``: each with up to ``shifts`` others, far and near."""
    steps = sorted({step * count // (shifts + 1) for step in range(1, shifts + 1)} - {0})
    steps = steps or ([1] if count > 1 else [])
    return [(i, (i + step) % count) for step in steps for i in range(count)]


def lines_of(sketch: Image.Image) -> NDArray[np.bool_]:
    """Return where a sketch has lines: bool [H,W], more ink than paper."""
    return np.asarray(sketch.convert("L")) < 128


def line_agreement(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return F1 of two drawings' lines [S,S], where lines 2 px apart (at 128 px) count as the same: 0 to 1.

    Precision: the share of ``a`` that is near ``b``; recall: the share of ``b`` that is near ``a``. Two empty
    sheets agree.
    """
    if not a.any() or not b.any():
        return float(a.any() == b.any())
    reach = _TOLERANCE * a.shape[0] + 1e-3
    precision, recall = _share_near(a, b, reach), _share_near(b, a, reach)
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share_near(a: NDArray[np.bool_], b: NDArray[np.bool_], reach: float) -> float:
    distance = cv2.distanceTransform((~b).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[a] <= reach).mean())
