"""Our copy of dlib's descriptor says what dlib says, and lets a gradient through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from psp.checkpoints.dlib_file import read_dlib_tensors
from psp.faces.alignment import align
from psp.faces.detection import DLIB_LOCK, dlib_file, dlib_module, landmark_predictor
from psp.models.descriptor import CHIP_SIZE, FaceDescriptor

FILE = "dlib_face_recognition_resnet_model_v1.dat"
PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "astronaut.jpg"


@pytest.fixture(scope="module")
def tensors() -> list[Tensor]:
    return read_dlib_tensors(dlib_file(FILE))


@pytest.fixture(scope="module")
def chip() -> NDArray[np.uint8]:
    """The face of the aligned astronaut as dlib cuts it, uint8 [150,150,3]."""
    array = np.asarray(align(Image.open(PHOTO)).crop)
    dlib = dlib_module()
    with DLIB_LOCK:
        shape = landmark_predictor()(array, dlib.rectangle(48, 75, 200, 229))
        cut: NDArray[np.uint8] = dlib.get_face_chip(array, shape, CHIP_SIZE, 0.25)
    return cut


def to_images(chip: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(chip.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def test_it_equals_dlibs_own(tensors: list[Tensor], chip: NDArray[np.uint8]) -> None:
    network = FaceDescriptor().eval()
    network.load_in_order(tensors)
    dlibs = dlib_module().face_recognition_model_v1(str(dlib_file(FILE)))
    for each in (chip, np.ascontiguousarray(chip[::-1])):
        with DLIB_LOCK:
            expected = np.asarray(dlibs.compute_face_descriptor(each))
        images = to_images(each).requires_grad_()
        described = network(images)
        np.testing.assert_allclose(described[0].detach().numpy(), expected, rtol=0, atol=1e-5)
        (gradient,) = torch.autograd.grad(described.square().sum(), images)
        assert gradient.isfinite().all()
        assert gradient.any()


def test_tensors_of_another_network_are_refused(tensors: list[Tensor]) -> None:
    network = FaceDescriptor()
    with pytest.raises(ValueError, match="58 tensors; 59 were expected"):
        network.load_in_order(tensors[:-1])
    with pytest.raises(ValueError, match="a layer has 64 numbers"):
        network.load_in_order([tensors[1], *tensors[1:]])
