"""Inputs for every endpoint, as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save

from psp.inference.pipeline import PspPipeline
from tests.moving_pictures import Place, frames_of, write_video


def input_files(
    pipeline: PspPipeline, photo: Image.Image, two_people: Image.Image, folder: Path
) -> dict[str, Path]:
    """Return a photo, a second one, one with two faces, a sketch, a map, codes, a video and directions.

    Args:
        pipeline: Makes the drawings and the codes of the photo.
        photo: One face.
        two_people: Two faces.
        folder: Where they are written.
    """
    pictures = {
        "photo": photo,
        "style": photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "two": two_people,
        "sketch": pipeline.photo_to_sketch(photo).image,
        "mask": pipeline.photo_to_mask(photo).image,
    }
    paths = {}
    for name, picture in pictures.items():
        paths[name] = folder / f"{name}.png"
        picture.save(paths[name])
    paths["latents"] = folder / "latents.safetensors"
    paths["latents"].write_bytes(pipeline.encode(photo).latents_file() or b"")
    at: list[Place | None] = [(60 + 3 * index, 10, 340) for index in range(5)]
    paths["video"] = write_video(folder / "video.mp4", frames_of(photo, at, (480, 360)))
    paths["directions"] = folder / "directions.safetensors"
    paths["directions"].write_bytes(save({"tint": np.full(512, 0.1, np.float32)}))
    return paths
