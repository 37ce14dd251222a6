"""dlib's own file: all tensors are found in it, and nothing in what is no such file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from psp.checkpoints.dlib_file import read_dlib_tensors
from psp.errors import CheckpointError
from psp.faces.detection import dlib_file

HEADER = bytes((1, 2, 1, 4, 1, 6, 1, 1, 1, 1))  # version 2, sizes 4, 6, 1, 1


def test_the_face_descriptor_has_59_tensors() -> None:
    tensors = read_dlib_tensors(dlib_file("dlib_face_recognition_resnet_model_v1.dat"))
    assert len(tensors) == 59
    assert {value.dtype for value in tensors} == {torch.float32}
    assert tensors[0].numel() == 32 * 3 * 7 * 7 + 32  # the first convolution and its biases
    assert tensors[1].numel() == 2 * 32
    assert tensors[-1].shape == (256, 128, 1, 1)
    assert all(value.isfinite().all() and value.any() for value in tensors)


def test_tensors_stand_between_other_bytes(tmp_path: Path) -> None:
    values = torch.linspace(-1, 1, 24)
    path = tmp_path / "net.dat"
    path.write_bytes(b"\x01\x02junk" + HEADER + values.numpy().tobytes() + b"\x01\x02\x01")
    (found,) = read_dlib_tensors(path)
    assert torch.equal(found, values.view(4, 6, 1, 1))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(range(256)) * 50,
        b"\x01\x02" * 3000,
        HEADER + torch.linspace(-1, 1, 24).numpy().tobytes()[:-1],  # cut off
        HEADER + torch.full((24,), 1e30).numpy().tobytes(),  # no weight is so large
        HEADER + torch.full((24,), torch.nan).numpy().tobytes(),
        HEADER + bytes(4 * 24),
    ],
)
def test_garbage_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.dat"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"net\.dat holds no network"):
        read_dlib_tensors(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.dat cannot be read") as caught:
        read_dlib_tensors(tmp_path / "gone.dat")
    assert str(tmp_path) not in str(caught.value)
