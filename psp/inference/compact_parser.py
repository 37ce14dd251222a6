"""Maps of faces by the small network that comes along: hats, glasses, ears and clothes, offline, in 40 ms."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from psp.errors import PictureError
from psp.maps.palette import Labels
from psp.maps.scores import map_of_scores
from psp.pictures.images import to_tensor

if TYPE_CHECKING:
    from PIL import Image

    from psp.models.parser import FaceMapper


def map_face(crop: Image.Image, size: int | None = None) -> Labels:
    """Map an aligned face by the 19 classes; safe to call from several threads.

    Args:
        crop: A square face crop, aligned as FFHQ, of any mode and size; the network sees it at 256 px.
        size: Side of the map in pixels; None: the crop's.

    Returns:
        uint8 [size,size] with values 0..18.

    Raises:
        PictureError: The crop is not square.
        CheckpointError: The bundled weights are missing or damaged.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    if crop.width != crop.height:
        raise PictureError(
            f"The picture to map is not square: {crop.width}×{crop.height} pixels.",
            "Align the face first, or crop the picture to a square.",
        )
    network = _network()
    with torch.inference_mode():
        scores = network(to_tensor(crop, network.config.in_size))[0].numpy()
    return map_of_scores(scores, crop.width if size is None else size)


@cache
def _network() -> FaceMapper:
    """Return the network, on the CPU: it runs once a drawing, and a GPU may be lent by calls."""
    from psp.checkpoints.small_networks import load_face_mapper  # noqa: PLC0415  (torch comes after the page)

    return load_face_mapper()
