"""Every loss term against values worked out by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from psp.checkpoints.dlib_file import read_dlib_tensors
from psp.errors import TrainingError
from psp.faces.alignment import align
from psp.faces.detection import dlib_file
from psp.inference.descriptors import identity_distance
from psp.inference.quality import lpips_network
from psp.losses.identity import DescriptorLoss, IdentityLoss
from psp.losses.lpips import LPIPS
from psp.losses.objective import LossWeights, Objective, face_focus
from psp.models.descriptor import FaceDescriptor
from psp.models.irse import ArcFace
from psp.pictures.images import load_picture, to_tensor


def tiny_lpips() -> LPIPS:
    """Convolutions that see only their centre, with weights small enough to follow by hand."""
    tensors = {}
    channels = 3
    for index, kernel in enumerate((11, 5, 3, 3, 3)):
        weight = torch.zeros(2, channels, kernel, kernel)
        # The first channel sums its input's channels, the second is always 1 (by its bias).
        weight[0, :, kernel // 2, kernel // 2] = 1.0 if index == 0 else torch.tensor([1.0, 0.0])
        tensors[f"features.{index}.weight"] = weight
        tensors[f"features.{index}.bias"] = torch.tensor([0.0, 1.0])
        tensors[f"lin.{index}.weight"] = torch.tensor([1.0, 2.0]).view(1, 2, 1, 1)
        channels = 2
    return LPIPS(tensors)


def test_lpips_equals_the_sum_worked_out_by_hand() -> None:
    network = tiny_lpips()
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)

    def flat(value: float) -> torch.Tensor:
        """A picture whose scaled channels are ``value`` / 3 everywhere, so that their sum is ``value``."""
        return (torch.full((1, 3, 64, 64), value / 3) * scale) + shift

    # Features are (a, 1) and (b, 1) in every layer; of unit length that is (cos, sin) of an angle.
    a, b = 2.0, 0.5
    first = a / math.hypot(a, 1) - b / math.hypot(b, 1)
    second = 1 / math.hypot(a, 1) - 1 / math.hypot(b, 1)
    expected = 5 * (1.0 * first**2 + 2.0 * second**2)
    assert float(network(flat(a), flat(b))) == pytest.approx(expected, rel=1e-4)


def test_lpips_of_equal_pictures_is_zero_and_it_is_symmetric() -> None:
    network = lpips_network()
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.rand(2, 3, 64, 64, generator=rng) * 2 - 1 for _ in range(2))
    assert network(a, a).abs().max() < 1e-6
    torch.testing.assert_close(network(a, b), network(b, a))
    assert network(a, b).min() > 0.1


def test_identity_loss_is_zero_for_equal_faces_and_positive_for_others() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        loss = IdentityLoss(ArcFace())
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.rand(1, 3, 256, 256, generator=rng) * 2 - 1 for _ in range(2))
    assert float(loss(a, a)) == pytest.approx(0.0, abs=1e-5)
    assert float(loss(a, b)) > 1e-4
    assert loss(a[:, :, ::2, ::2], b[:, :, ::2, ::2]).shape == (1,)  # 128 px are enlarged, not refused


def test_the_objective_is_the_weighted_sum_of_its_terms() -> None:
    weights = LossWeights(l2=2.0, l1=0.5, lpips=0.0, identity=0.0, w_norm=0.1)
    images, targets = torch.full((2, 3, 4, 4), 0.5), torch.zeros(2, 3, 4, 4)
    offsets = torch.full((2, 4, 9), 0.5)  # norm of 36 values of 0.5: 3
    objective = Objective(weights)
    terms = objective(images, targets, offsets)
    assert {k: float(v) for k, v in terms.items()} == pytest.approx({"l2": 0.25, "l1": 0.5, "w_norm": 3.0})
    assert float(objective.total(terms)) == pytest.approx(2.0 * 0.25 + 0.5 * 0.5 + 0.1 * 3.0)


def test_focus_weighs_the_middle_of_the_face_and_keeps_the_scale() -> None:
    focus = face_focus(128, 128, 2.0)
    assert float(focus.mean()) == pytest.approx(1.0)
    assert float(focus[70, 64] / focus[0, 0]) == pytest.approx(3.0, rel=0.05)
    weights = LossWeights(lpips=0.0, identity=0.0, w_norm=0.0, focus=2.0)
    middle, corner = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    middle[:, :, 30:40, 27:37], corner[:, :, :10, :10] = 1.0, 1.0
    losses = [
        float(Objective(weights)(x, torch.zeros_like(x), torch.zeros(1, 2, 2))["l2"])
        for x in (middle, corner)
    ]
    assert losses[0] / losses[1] > 2.0


def test_lpips_with_an_even_focus_is_lpips() -> None:
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.rand(2, 3, 64, 64, generator=rng) * 2 - 1 for _ in range(2))
    torch.testing.assert_close(lpips_network()(a, b, torch.ones(64, 64)), lpips_network()(a, b))


def test_a_term_without_its_network_is_refused() -> None:
    with pytest.raises(TrainingError, match="LPIPS"):
        Objective(LossWeights(lpips=1.0, identity=0.0))
    with pytest.raises(TrainingError, match="identity"):
        Objective(LossWeights(lpips=0.0, identity=0.1))


def test_the_descriptor_loss_is_the_distance_that_dlib_measures() -> None:
    network = FaceDescriptor()
    network.load_in_order(read_dlib_tensors(dlib_file("dlib_face_recognition_resnet_model_v1.dat")))
    loss = DescriptorLoss(network)
    crop = align(load_picture("examples/photos/astronaut.jpg")).crop.resize((128, 128))
    blurred = crop.resize((24, 24)).resize((128, 128))
    a, b = to_tensor(crop), to_tensor(blurred).requires_grad_()
    distance = loss(b, a)
    # dlib cuts by this face's own landmarks, the loss where faces are on average.
    assert distance.item() == pytest.approx(identity_distance(crop, blurred), abs=0.12)
    assert float(loss(a, a)) == pytest.approx(0.0, abs=1e-3)
    distance.sum().backward()
    assert b.grad is not None and float(b.grad.abs().sum()) > 0


def test_the_face_alone_counts_in_the_terms_of_the_crop() -> None:
    objective = Objective(LossWeights(l2=0.0, lpips=0.0, identity=0.0, w_norm=0.0, l2_crop=1.0))
    target = torch.zeros(1, 3, 256, 256)
    image = target.clone()
    image[..., :35, :] = image[..., 223:, :] = image[..., :32] = image[..., 220:] = 1.0  # around the face
    offsets = torch.zeros(1, 2, 2)
    assert float(objective(image, target, offsets)["l2_crop"]) == 0.0
    image[..., 35, 32:220] = 2.0  # its first row of 188, 188 wide
    assert float(objective(image, target, offsets)["l2_crop"]) == pytest.approx(4.0 / 188)


def test_lpips_of_the_crop_is_lpips_of_the_cropped_pictures() -> None:
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.rand(1, 3, 256, 256, generator=rng) * 2 - 1 for _ in range(2))
    weights = LossWeights(l2=0.0, lpips=0.0, identity=0.0, w_norm=0.0, lpips_crop=1.0)
    term = Objective(weights, lpips_network())(a, b, torch.zeros(1, 2, 2))["lpips_crop"]
    wanted = lpips_network()(a[..., 35:223, 32:220], b[..., 35:223, 32:220])
    torch.testing.assert_close(term, wanted[0])


def test_the_total_is_the_weighted_sum_of_its_terms() -> None:
    objective = Objective(LossWeights(l2=2.0, l1=0.5, lpips=0.0, identity=0.0, w_norm=0.1))
    image, target = torch.full((2, 3, 8, 8), 0.5), torch.full((2, 3, 8, 8), -0.5)
    offsets = torch.zeros(2, 3, 4)
    offsets[0, 0, :2] = torch.tensor([3.0, 4.0])  # norms of 5 and 0
    terms = objective(image, target, offsets)
    assert {name: float(value) for name, value in terms.items()} == {"l2": 1.0, "l1": 1.0, "w_norm": 2.5}
    assert float(objective.total(terms)) == pytest.approx(2.0 * 1.0 + 0.5 * 1.0 + 0.1 * 2.5)
    (gradient,) = torch.autograd.grad(
        objective.total(objective(image, target, offsets.requires_grad_())), offsets
    )
    assert gradient[0, 0, :2].tolist() == pytest.approx([0.1 * 0.6 / 2, 0.1 * 0.8 / 2])


LPIPS_CASES = json.loads((Path(__file__).parent.parent / "golden" / "lpips.json").read_text())["cases"]


@pytest.mark.parametrize("k", range(len(LPIPS_CASES)))
def test_lpips_gives_the_published_numbers(k: int) -> None:
    """Stored figures of the published code and weights, v0.1 (see ``tests/golden/README.md``)."""
    case = LPIPS_CASES[k]
    size = case["size"]
    rng = np.random.default_rng([2030, k])
    if case["kind"] == "noise":
        a = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    else:
        grid = rng.integers(0, 256, (8, 8, 3)).astype(np.float64)
        at = np.arange(size) * 8 // size
        a = grid[at][:, at].astype(np.uint8)
    b = np.clip(a.astype(np.int64) + rng.integers(-40, 41, a.shape), 0, 255).astype(np.uint8)
    x, y = (torch.from_numpy((p / 127.5 - 1).astype(np.float32)).permute(2, 0, 1)[None] for p in (a, b))
    # The bundled weights are in half precision, which makes 3.3e-4 at most; every mistake tried made more.
    assert float(lpips_network()(x, y)) == pytest.approx(case["distance"], rel=1e-3)


def test_lpips_gives_gradients_whoever_loaded_it() -> None:
    lpips_network.cache_clear()
    with torch.inference_mode():
        network = lpips_network()
    image = torch.zeros(1, 3, 64, 64, requires_grad=True)
    network(image, torch.ones(1, 3, 64, 64)).sum().backward()
    assert image.grad is not None and float(image.grad.abs().sum()) > 0
