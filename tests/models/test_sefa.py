"""SeFa's directions are the eigenvectors that change the styles most."""

from __future__ import annotations

import torch

from psp.models.sefa import principal_directions


def test_the_strongest_come_first_with_the_sign_that_makes_the_largest_number_positive() -> None:
    basis = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1)))[0]
    stretch = torch.tensor([5.0, 3.0, 2.0, 1.0, 0.5, 0.1])
    weight = torch.diag(stretch) @ basis.T
    found = principal_directions([weight[:2], weight[2:]], 3)
    for index, vector in enumerate(found):
        assert torch.allclose(vector.abs(), basis[:, index].abs(), atol=1e-5)
        assert vector[vector.abs().argmax()] > 0
        assert torch.isclose((weight @ vector).norm(), stretch[index], atol=1e-4)
    assert found.dtype == torch.float32
    assert torch.equal(found, principal_directions([weight], 3)) or torch.allclose(
        found, principal_directions([weight], 3), atol=1e-5
    )
