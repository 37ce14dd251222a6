"""How close a result is to its input: the read-out that goes with every photo."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

from psp.checkpoints.tensors import load_tensors
from psp.files.bundled import assets_dir
from psp.files.pins import require_pinned
from psp.inference.descriptors import identity_distance
from psp.pictures.images import to_tensor

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from psp.losses.lpips import LPIPS

LPIPS_FILE = assets_dir() / "lpips" / "lpips-alex.safetensors"
# What the paper measures at; a smaller result is compared at its own size.
_MEASURED_AT = 256


@dataclass(frozen=True)
class Quality:
    """Distances between an aligned input and the result; 0 means equal, for each of them.

    Attributes:
        identity: Euclidean distance of dlib's face descriptors; under 0.6 dlib's authors say "one person".
        lpips: Perceptual distance, AlexNet, at 256 px or the result's size if that is smaller.
        l2: Mean squared error of the pixels in [−1,1], at the same size.
    """

    identity: float
    lpips: float
    l2: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures, rounded to four places."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def lpips_weights() -> dict[str, torch.Tensor]:
    """Return the bundled weights of LPIPS.

    Raises:
        CheckpointError: The file is damaged.
    """
    require_pinned(LPIPS_FILE, assets_dir())
    return load_tensors(LPIPS_FILE)[0]


@cache
def lpips_network() -> LPIPS:
    """Return the LPIPS network with its bundled weights, on the CPU."""
    import torch  # noqa: PLC0415  (torch comes after the page)

    from psp.losses import lpips  # noqa: PLC0415  (torch comes after the page)

    with torch.inference_mode(False):  # whoever asks first, others may want gradients through it
        return lpips.LPIPS(lpips_weights())


def compare(given: Image.Image, made: Image.Image) -> Quality:
    """Compare an aligned input with the result made from it; both RGB and square, of any size."""
    import torch  # noqa: PLC0415  (torch comes after the page)

    size = min(_MEASURED_AT, made.width)
    with torch.inference_mode():
        a, b = to_tensor(given, size), to_tensor(made, size)
        lpips = float(lpips_network()(b, a))
        l2 = float((a - b).square().mean())
    return Quality(identity_distance(given, made), lpips, l2)
