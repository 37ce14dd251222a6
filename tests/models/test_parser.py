"""The network that maps faces: its shape, and that the stored weights give the recipe's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from psp.checkpoints.small_networks import load_face_mapper
from psp.models.parser import FaceMapper, ParserConfig

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "parts.npz")


def waves() -> Tensor:
    """A picture [1,3,256,256] in [−1,1] that any machine makes alike."""
    y, x = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    planes = [torch.sin(x / 20 + y / 50 + k) * torch.cos(y / 30 - k) * 0.8 for k in range(3)]
    return torch.stack(planes)[None]


@torch.inference_mode()
def test_the_stored_weights_give_what_the_recipe_gave() -> None:
    scores = load_face_mapper()(waves())
    assert scores.shape == (1, 19, 128, 128)
    np.testing.assert_allclose(scores[0, :, ::16, ::16].numpy(), GOLDEN["parser"], atol=2e-3)


def test_the_published_shape_is_small() -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in FaceMapper().parameters()) < 900_000


@pytest.mark.parametrize("widths", [(8,), (8, 12), (8, 12, 16)])
def test_any_number_of_sizes_gives_scores_at_half_of_the_picture(widths: tuple[int, ...]) -> None:
    network = FaceMapper(ParserConfig(in_size=32, n_classes=5, widths=widths)).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 5, 16, 16)


def test_a_shape_that_cannot_be_halved_so_often_is_refused() -> None:
    with pytest.raises(AssertionError, match="halved"):
        ParserConfig(in_size=40, widths=(8, 8, 8, 8))


def test_another_size_of_picture_is_refused() -> None:
    with pytest.raises(AssertionError):
        FaceMapper(ParserConfig(in_size=32, widths=(8,)))(torch.zeros(1, 3, 64, 64))
