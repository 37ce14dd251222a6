"""The Fréchet distance: closed forms, and pictures through the bundled network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from psp.inference.quality import lpips_network
from psp.training.gan.frechet import Gaussian, fit_gaussian, frechet_distance, picture_features


def test_diagonal_gaussians_have_a_closed_form() -> None:
    a = Gaussian(np.array([1.0, 0.0, 2.0]), np.diag([1.0, 4.0, 9.0]))
    b = Gaussian(np.array([0.0, 0.0, 4.0]), np.diag([4.0, 1.0, 0.0]))
    wanted = 1 + 4 + (1 - 2) ** 2 + (2 - 1) ** 2 + (3 - 0) ** 2
    assert frechet_distance(a, b) == pytest.approx(wanted)
    assert frechet_distance(b, a) == pytest.approx(wanted)


def test_full_covariances_have_the_trace_of_the_matrix_root() -> None:
    rng = np.random.default_rng(0)
    first, second = (m @ m.T for m in rng.normal(size=(2, 5, 5)))
    zero = np.zeros(5)
    # Σa Σb is similar to a symmetric matrix: the trace of its root is the sum of its eigenvalues' roots.
    shared = np.sqrt(np.linalg.eigvals(first @ second).real).sum()
    wanted = np.trace(first) + np.trace(second) - 2 * shared
    assert frechet_distance(Gaussian(zero, first), Gaussian(zero, second)) == pytest.approx(wanted)


def test_samples_of_known_gaussians_come_close_to_the_closed_form() -> None:
    draw = torch.Generator().manual_seed(0)
    first = torch.randn(40_000, 2, generator=draw)
    second = torch.randn(40_000, 2, generator=draw) * torch.tensor([2.0, 1.0]) + torch.tensor([0.0, 3.0])
    distance = frechet_distance(fit_gaussian([first]), fit_gaussian(second.split(7_000)))
    assert distance == pytest.approx(9 + 1, rel=0.02)


def test_a_gaussian_is_that_of_numpy() -> None:
    features = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    fitted = fit_gaussian(features.split(20))
    np.testing.assert_allclose(fitted.covariance, np.cov(features.double().numpy().T))
    np.testing.assert_allclose(fitted.mean, features.double().numpy().mean(axis=0))


def test_equal_sets_have_no_distance_and_others_have_one() -> None:
    draw = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.rand(24, 3, 4, 4, generator=draw) * 2 - 1, 32, mode="area")
    noisy = (smooth + 0.3 * torch.randn(smooth.shape, generator=draw)).clamp(-1, 1)
    a, b = (fit_gaussian([picture_features(lpips_network(), images)]) for images in (smooth, noisy))
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(a, b) > 0.01


@pytest.mark.parametrize(("size", "grid"), [(16, 1), (128, 2), (256, 1)])
def test_pictures_of_every_size_have_features(size: int, grid: int) -> None:
    features = picture_features(lpips_network(), torch.zeros(2, 3, size, size), grid)
    assert features.shape == (2, 256 * grid**2)
    assert not features.requires_grad
