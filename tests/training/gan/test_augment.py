"""Augmentation: identity at 0, gradients at 1, each change by hand; the probability follows the sign of D."""

from __future__ import annotations

import pytest
import torch

from psp.training.gan import augment as module
from psp.training.gan.augment import AdaptiveProbability, augment


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 4, size: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=draw(9)) * 2 - 1


def test_at_probability_0_nothing_changes() -> None:
    images = pictures()
    assert augment(images, 0.0, draw()) is images


def test_nothing_is_chosen_at_a_tiny_probability() -> None:
    images = pictures()
    torch.testing.assert_close(augment(images, 1e-12, draw()), images)


def test_at_probability_1_every_picture_changes_and_equal_seeds_change_alike() -> None:
    images = pictures()
    before, state = images.clone(), torch.get_rng_state()
    changed = augment(images, 1.0, draw())
    assert all((a - b).abs().max() > 0.1 for a, b in zip(changed, images, strict=True))
    assert torch.equal(changed, augment(images, 1.0, draw()))
    assert not torch.equal(changed, augment(images, 1.0, draw(1)))
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)  # the global random state stays


def test_about_half_of_the_pictures_change_at_one_half() -> None:
    images = pictures(200)
    changed = (augment(images, 0.5, draw()) - images).abs().amax(dim=(1, 2, 3)) > 1e-6
    assert 0.8 < changed.float().mean() < 0.95  # 1 − (1 − p)³ = .875


def test_gradients_flow_to_the_pictures_and_twice() -> None:
    images = pictures().requires_grad_(True)
    (gradient,) = torch.autograd.grad(augment(images, 1.0, draw()).pow(3).sum(), images, create_graph=True)
    assert torch.isfinite(gradient).all()
    assert all(part.abs().sum() > 0 for part in gradient)
    gradient.square().sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_colours_by_hand() -> None:
    image = torch.tensor([0.2, 0.0, -0.2]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    always = torch.tensor([True])
    brighter = module._recolour(image, torch.tensor([[1.0, 0.5, 0.5]]), always)
    torch.testing.assert_close(brighter, image + 0.5)
    stronger = module._recolour(image, torch.tensor([[0.5, 1.0, 0.5]]), always)
    torch.testing.assert_close(stronger, image * 2)
    grey = module._recolour(image, torch.tensor([[0.5, 0.0, 0.5]]), always)
    torch.testing.assert_close(grey, torch.zeros_like(image))
    harder = module._recolour(image, torch.tensor([[0.5, 0.5, 1.0]]), always)
    torch.testing.assert_close(harder, image * 1.5)


def test_moving_by_hand() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4).expand(1, 3, 4, 4) + 1
    image = torch.nn.functional.interpolate(image, scale_factor=4)  # 16 px: at most 2
    moved = module._translate(image, torch.tensor([[0.0, 0.99]]), torch.tensor([True]))
    wanted = torch.zeros_like(image)
    wanted[:, :, 2:, :-2] = image[:, :, :-2, 2:]
    torch.testing.assert_close(moved, wanted)


def test_cutting_by_hand() -> None:
    image = torch.ones(1, 3, 8, 8)
    cut = module._cut_out(image, torch.tensor([[0.5, 0.0]]), torch.tensor([True]))
    wanted = torch.ones(1, 3, 8, 8)
    wanted[:, :, 2:6, :2] = 0.0
    torch.testing.assert_close(cut, wanted)


def test_the_probability_rises_while_reals_are_recognised_and_falls_otherwise() -> None:
    ada = AdaptiveProbability(target=0.6, pictures=100, every=2)
    ada.update(1.0, 5)
    assert ada.p == 0.0  # every second batch
    ada.update(0.8, 5)
    assert ada.p == pytest.approx(0.1)
    for _ in range(2):
        ada.update(0.9, 5)
    assert ada.p == pytest.approx(0.2)
    for _ in range(2):
        ada.update(0.5, 5)
    assert ada.p == pytest.approx(0.1)
    for _ in range(20):
        ada.update(-1.0, 5)
    assert ada.p == 0.0
    for _ in range(100):
        ada.update(1.0, 5)
    assert ada.p == pytest.approx(0.8)  # beyond it, augmentations leak
