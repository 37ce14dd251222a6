"""Similarity of pictures of any domain, by a network that learned without labels (MoCo v2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.errors import CheckpointError
from psp.models.resnet import ResNet50

_SIZE = 224
# A checkpoint of MoCo holds two encoders and a queue; the one that was trained by gradients is wanted.
_PREFIX = "module.encoder_q."


class SimilarityLoss(nn.Module):
    """1 − cosine of the features of two pictures (encoder4editing, arXiv 2102.02766, section 4.3).

    Args:
        network: ResNet-50 with the weights of MoCo v2 (arXiv 2003.04297); it is never trained.
    """

    def __init__(self, network: ResNet50) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def embed(self, images: Tensor) -> Tensor:
        """Describe ``images`` [B,3,H,W] in [−1,1] as unit vectors [B,2048]."""
        seen = F.interpolate(images.float(), (_SIZE, _SIZE), mode="nearest")
        return F.normalize(self.network(seen).float(), dim=1)

    def forward(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return 1 − cos [B] of ``images`` and ``targets`` [B,3,H,W] in [−1,1]."""
        with torch.no_grad():
            wanted = self.embed(targets)
        return 1.0 - (self.embed(images) * wanted).sum(dim=1)


def moco_network(name: str, content: Mapping[str, object]) -> ResNet50:
    """Return the network in a checkpoint of MoCo v2.

    Args:
        name: Name of the file, for errors.
        content: What the file holds: ``state_dict``, or that dictionary itself.

    Raises:
        CheckpointError: It is no such checkpoint.
    """
    state = content.get("state_dict", content)
    tensors = {str(key): value for key, value in state.items()} if isinstance(state, Mapping) else {}
    tensors = {
        key.removeprefix(_PREFIX): value for key, value in tensors.items() if isinstance(value, Tensor)
    }
    with torch.device("meta"):
        network = ResNet50()
    wanted = network.state_dict()
    try:
        network.load_state_dict({key: tensors[key] for key in wanted}, strict=True, assign=True)
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{name} is no ResNet-50 of MoCo v2.",
            "Give moco_v2_800ep_pretrain.pth.tar from github.com/facebookresearch/moco, or leave the "
            "similarity term out (losses.similarity=0).",
        ) from error
    return network
