"""The measures of results beside what they should look like: L2, LPIPS, identity (pSp paper, section 4).

Pictures are measured batch by batch and let go; what is kept of each is a few numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from psp.evaluation.crops import recogniser_face
from psp.evaluation.independent import IndependentJudge
from psp.inference.descriptors import describe_faces
from psp.losses.lpips import LPIPS
from psp.models.irse import FaceNetwork
from psp.pictures.images import to_pictures

Numbers = NDArray[np.float64]

_BATCH = 16
_ROWS = 256  # of the table of all pairs that is in memory at a time


@dataclass(frozen=True)
class Figures:
    """Means over pictures; distances, so lower is better, but for ``wrong_pairs``.

    Attributes:
        pictures: How many.
        lpips: Perceptual distance (AlexNet) at the size of the evaluation.
        mse: Mean squared error in [−1,1].
        identity: Distance of dlib's face descriptors of each input and its own result.
        wrong_pairs: The same distance between each result and all other inputs.
        nearest: Fraction of results whose nearest input is their own.
    """

    pictures: int
    lpips: float
    mse: float
    identity: float
    wrong_pairs: float
    nearest: float


@dataclass(frozen=True, eq=False)
class Seen:
    """What face networks say of N pictures.

    Attributes:
        descriptors: dlib's, [N,128].
        vectors: Those of another face network, [N,D], of length 1; None without one.
    """

    descriptors: Numbers
    vectors: Numbers | None


@dataclass(frozen=True, eq=False)
class Compared:
    """Results beside what they should look like, picture by picture.

    Attributes:
        l2: Mean squared error in [−1,1], [N].
        lpips: Perceptual distance (AlexNet), [N].
        identity: Distance of dlib's face descriptors, [N].
        similarity: Cosine of the vectors of a face network, [N]; None without one.
        given: dlib's descriptors of the inputs, [N,128].
        made: Those of the results, [N,128].
    """

    l2: Numbers
    lpips: Numbers
    identity: Numbers
    similarity: Numbers | None
    given: Numbers
    made: Numbers

    @classmethod
    def join(cls, parts: Sequence[Compared]) -> Compared:
        """Return all ``parts`` (one at least, all with or all without similarity) as one."""
        likeness = [part.similarity for part in parts if part.similarity is not None]
        return cls(
            l2=np.concatenate([part.l2 for part in parts]),
            lpips=np.concatenate([part.lpips for part in parts]),
            identity=np.concatenate([part.identity for part in parts]),
            similarity=np.concatenate(likeness) if likeness else None,
            given=np.concatenate([part.given for part in parts]),
            made=np.concatenate([part.made for part in parts]),
        )

    def figures(self) -> Figures:
        """Return the means, and how the results stand to the inputs of others."""
        wrong, nearest = _among_others(self.given, self.made)
        return Figures(
            pictures=len(self.l2),
            lpips=float(self.lpips.mean()),
            mse=float(self.l2.mean()),
            identity=float(self.identity.mean()),
            wrong_pairs=wrong,
            nearest=nearest,
        )


@dataclass(frozen=True, eq=False)
class Ruler:
    """What pictures are compared with.

    Attributes:
        lpips: The perceptual distance, on the CPU.
        network: ArcFace or CurricularFace, on any device, or an independent judge; None: no cosines.
    """

    lpips: LPIPS
    network: FaceNetwork | IndependentJudge | None = None

    def look(self, images: Tensor) -> Seen:
        """Show ``images`` [N,3,S,S] in [−1,1], aligned faces, to the face networks."""
        return Seen(describe(images), None if self.network is None else embed(images, self.network))

    @torch.inference_mode()
    def compare(self, images: Tensor, made: Tensor, given: Seen | None = None) -> Compared:
        """Compare results with what they should look like, both [N,3,S,S] in [−1,1].

        Args:
            images: What they should look like.
            made: The results, clipped to the range here.
            given: What ``look`` says of ``images``, where it is known already.
        """
        made = made.clamp(-1.0, 1.0)
        a, b = given or self.look(images), self.look(made)
        likeness = None if a.vectors is None or b.vectors is None else (a.vectors * b.vectors).sum(axis=1)
        return Compared(
            l2=(images - made).square().mean(dim=(1, 2, 3)).double().numpy(),
            lpips=each_lpips(images, made, self.lpips).double().numpy(),
            identity=np.linalg.norm(a.descriptors - b.descriptors, axis=1),
            similarity=likeness,
            given=a.descriptors,
            made=b.descriptors,
        )


def mean_lpips(a: Tensor, b: Tensor, lpips: LPIPS) -> float:
    """Return the mean perceptual distance of each of ``a`` and its counterpart in ``b``, [N,3,S,S]."""
    return float(each_lpips(a, b, lpips).mean())


@torch.inference_mode()
def each_lpips(a: Tensor, b: Tensor, lpips: LPIPS) -> Tensor:
    """Return the perceptual distances [N] of ``a`` and ``b``, both [N,3,S,S], clipped to [−1,1]."""
    parts = zip(a.split(_BATCH), b.split(_BATCH), strict=True)
    return torch.cat([lpips(x.clamp(-1.0, 1.0), y.clamp(-1.0, 1.0)) for x, y in parts])


def variety(images: Tensor, lpips: LPIPS) -> float:
    """Return the mean LPIPS between different ``images`` [N,3,S,S]; NaN for one alone."""
    count = len(images)
    if count < 2:
        return float("nan")
    return mean_lpips(images, images.roll(max(1, count // 3), dims=0), lpips)


@torch.inference_mode()
def describe(images: Tensor) -> Numbers:
    """Return dlib's descriptors [N,128] of aligned faces [N,3,S,S] in [−1,1]."""
    return np.concatenate([describe_faces(to_pictures(part)) for part in images.split(_BATCH)])


@torch.inference_mode()
def embed(images: Tensor, network: FaceNetwork | IndependentJudge) -> Numbers:
    """Return the vectors [N,D], of length 1, that ``network`` gives aligned faces [N,3,S,S] in [−1,1]."""
    if isinstance(network, IndependentJudge):
        return network.embed(images)
    device, out = next(network.parameters()).device, []
    for part in images.split(_BATCH):
        faces = _stack([recogniser_face(picture) for picture in to_pictures(part)])
        out.append(network(faces.to(device)).cpu())
    return torch.cat(out).double().numpy()


def _stack(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Return pictures [S,S,3] as a tensor [N,3,S,S] in [−1,1]."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def _among_others(given: Numbers, made: Numbers) -> tuple[float, float]:
    """Return the mean distance of results [N,128] to the inputs [N,128] of others (NaN: there are none).

    And the fraction of results that have no input nearer than their own. The table of all pairs would not fit
    into memory for a large set, so it is made a few lines at a time.
    """
    count, wrong, nearest = len(given), 0.0, 0
    lengths = np.square(given).sum(axis=1)
    for start in range(0, count, _ROWS):
        rows = made[start : start + _ROWS]
        squares = np.square(rows).sum(axis=1)[:, None] + lengths - 2.0 * rows @ given.T
        distance = np.sqrt(np.maximum(squares, 0.0))  # rounding can go below
        own = np.arange(start, start + len(rows))
        wrong += float(distance.sum() - distance[own - start, own].sum())
        nearest += int((distance.argmin(axis=1) == own).sum())
    return wrong / (count * (count - 1)) if count > 1 else float("nan"), nearest / count
