"""The sum of the losses, with its terms (pSp paper, equation 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from psp.errors import TrainingError
from psp.losses.identity import DescriptorLoss, IdentityLoss, face_crop
from psp.losses.lpips import LPIPS
from psp.losses.similarity import SimilarityLoss


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts; a term of weight 0 is not computed. The defaults are the paper's for faces.

    Attributes:
        l2: Mean squared error of the pixels.
        l1: Mean absolute error of the pixels (not in the paper).
        lpips: Perceptual distance.
        l2_crop: As ``l2``, for the face alone (frontalisation: what is around it need not stay).
        lpips_crop: As ``lpips``, for the face alone.
        identity: What the identity network says: 1 − cosine (ArcFace) or distance (dlib's descriptor).
        similarity: 1 − cosine of the features of a network that learned without labels (MoCo): what identity
            is for domains without faces.
        w_norm: Distance of the codes from the average code.
        code: Distance of the codes of synthetic pictures from the true ones, as a fraction of how far codes
            differ (not in the paper).
        identity_share: Share of the pictures of a batch that the identity term looks at, to save time.
        focus: How much more the middle of the face counts than the border, in the terms of pixels and LPIPS;
            0: all places alike (the paper).
    """

    l2: float = 1.0
    l1: float = 0.0
    lpips: float = 0.8
    l2_crop: float = 0.0
    lpips_crop: float = 0.0
    identity: float = 0.1
    similarity: float = 0.0
    w_norm: float = 0.005
    code: float = 0.0
    identity_share: float = 1.0
    focus: float = 0.0


# Middle and width of the face in an FFHQ crop, as fractions of its height and width.
_FACE_ROW, _FACE_COLUMN, _FACE_WIDTH = 0.55, 0.5, 0.2


def face_focus(height: int, width: int, strength: float) -> Tensor:
    """Return how much each place [height,width] of an aligned face counts, with a mean of 1.

    The middle of the face counts 1 + ``strength`` times as much as the border.
    """
    rows = (torch.arange(height) + 0.5) / height - _FACE_ROW
    columns = (torch.arange(width) + 0.5) / width - _FACE_COLUMN
    squares = rows[:, None].square() + columns[None].square()
    weights = 1.0 + strength * torch.exp(-squares / (2 * _FACE_WIDTH**2))
    return weights / weights.mean()


class Objective(nn.Module):
    """Weighted sum of the terms.

    Args:
        weights: The weight of each term.
        lpips: The perceptual distance; needed where its weight is not 0.
        identity: The identity loss; needed where its weight is not 0.
        similarity: The similarity loss; needed where its weight is not 0.
    """

    def __init__(
        self,
        weights: LossWeights,
        lpips: LPIPS | None = None,
        identity: IdentityLoss | DescriptorLoss | None = None,
        similarity: SimilarityLoss | None = None,
    ) -> None:
        super().__init__()
        for name, weight, network in (
            ("LPIPS", weights.lpips or weights.lpips_crop, lpips),
            ("identity", weights.identity, identity),
            ("similarity", weights.similarity, similarity),
        ):
            if weight and network is None:
                raise TrainingError(
                    f"The {name} term has a weight but no network.", "Set its weight to 0 or give one."
                )
        self.weights, self.lpips = weights, lpips
        self.identity, self.similarity = identity, similarity

    def forward(self, images: Tensor, targets: Tensor, offsets: Tensor) -> dict[str, Tensor]:
        """Return the unweighted terms, means over the batch; ``total`` sums them up.

        Args:
            images: What the model made, [B,3,H,W], about [−1,1].
            targets: What it should have made, [B,3,H,W] in [−1,1].
            offsets: The codes relative to the average code, [B,n,dim]: E(x) itself.
        """
        weights = self.weights
        images = images.float()
        difference = images - targets
        focus = None
        if weights.focus:
            focus = face_focus(images.shape[-2], images.shape[-1], weights.focus).to(images.device)
        terms: dict[str, Tensor] = {}
        if weights.l2:
            terms["l2"] = _mean(difference.square(), focus)
        if weights.l1:
            terms["l1"] = _mean(difference.abs(), focus)
        if weights.lpips and self.lpips is not None:
            terms["lpips"] = self.lpips(images, targets, focus).mean()
        if weights.l2_crop:
            terms["l2_crop"] = face_crop(difference).square().mean()
        if weights.lpips_crop and self.lpips is not None:
            terms["lpips_crop"] = self.lpips(face_crop(images), face_crop(targets)).mean()
        if weights.similarity and self.similarity is not None:
            terms["similarity"] = self.similarity(images, targets).mean()
        if weights.identity and self.identity is not None:
            seen = max(1, round(weights.identity_share * len(images)))
            terms["identity"] = self.identity(images[:seen], targets[:seen]).mean()
        if weights.w_norm:
            terms["w_norm"] = offsets.float().flatten(1).norm(dim=1).mean()  # equation 3
        return terms

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted sum of ``terms``."""
        return torch.stack([getattr(self.weights, name) * value for name, value in terms.items()]).sum()


def _mean(values: Tensor, focus: Tensor | None) -> Tensor:
    return values.mean() if focus is None else (values * focus).mean()
