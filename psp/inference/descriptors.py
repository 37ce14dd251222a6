"""How alike aligned faces are, for dlib's face descriptor: it compares given pictures only.

The network runs in PyTorch (``psp.models.descriptor``), ten times as fast as in dlib and for several at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.faces.identity import descriptor_chip

if TYPE_CHECKING:
    from psp.models.descriptor import FaceDescriptor


@cache
def load_descriptor() -> FaceDescriptor:
    """Return the network on the CPU, with its weights.

    Raises:
        PspError: dlib or its file is not installed, or damaged.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    from psp.checkpoints.dlib_file import load_face_descriptor  # noqa: PLC0415  (torch comes after the page)

    with torch.inference_mode(False):  # whoever asks first
        return load_face_descriptor().eval().requires_grad_(False)


def describe_faces(aligned: Sequence[Image.Image]) -> NDArray[np.float64]:
    """Return the descriptors [N,128] of FFHQ-aligned faces: RGB, square, enlarged where smaller than 256 px.

    Raises:
        PspError: dlib or its file is not installed, or damaged.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    chips = torch.from_numpy(np.stack([descriptor_chip(each) for each in aligned]))
    with torch.inference_mode():
        found = load_descriptor()(chips.permute(0, 3, 1, 2).float() / 127.5 - 1.0)
    described: NDArray[np.float64] = found.double().numpy()
    return described


def identity_distance(a: Image.Image, b: Image.Image) -> float:
    """Return the Euclidean distance of two aligned faces' descriptors: 0 for equal ones.

    Raises:
        PspError: dlib or its file is not installed, or damaged.
    """
    ours, theirs = describe_faces([a, b])
    return float(np.linalg.norm(ours - theirs))
