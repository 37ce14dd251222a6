"""The portrait of a drawing that is still being made: small, soon there, and none of the studio's results.

It is shown while somebody draws, after each stroke. It has no codes, no recipe and no files, and nothing of
it is kept; the task itself, asked with the same settings, gives the same face in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from psp.codes.variants import plan_random_styles
from psp.errors import InputError
from psp.inference.inputs import prepare_map, prepare_sketch
from psp.inference.job import Job
from psp.inference.network import Floats, Network, Step, Work
from psp.pictures.images import to_pictures

if TYPE_CHECKING:
    import torch

REDRAWN_SIZE = 256
"""Side in pixels of a redrawn portrait: a size that the preview heads have."""


def redraw(
    network: Network,
    task: str,
    drawing: Image.Image,
    model: str = "auto",
    seed: int = 0,
    layers: str = "auto",
    alpha: float = 1.0,
    step: Step | None = None,
) -> Image.Image:
    """Return the portrait of a drawing, at most 256 px a side.

    Args:
        network: Runs the model.
        task: "sketch_to_face" or "segmentation_to_face".
        drawing: RGB, a square sheet: dark lines on white, or a map in its classes' colours.
        model: Name of the model.
        seed: Of the random style; a negative one, which stands for chance, is 0 here: the same person from
            stroke to stroke.
        layers: Which layers take the style.
        alpha: Share of the style in these layers, 0 to 1.
        step: Told what happens; may raise to stop the work.

    Raises:
        PictureError: There is nothing on the sheet.
        CheckpointError: The model cannot be found or loaded, or takes something else.
    """
    if task not in ("sketch_to_face", "segmentation_to_face"):
        raise InputError(f"The task {task!r} takes no drawing.", "Redraw a sketch or a map.")
    job = Job(task, network, model, step)
    loaded = job.loaded
    style = plan_random_styles(1, max(int(seed), 0), layers, alpha, loaded.resolutions, loaded.code_dim)
    if task == "sketch_to_face":
        prepared = prepare_sketch(drawing, loaded.in_size)
    else:
        prepared = prepare_map(_no_larger(drawing, loaded.in_size), loaded.in_size, loaded.classes)
    job.tell("Drawing the face")
    size = min(REDRAWN_SIZE, loaded.psp.config.generator.size)
    work = Work(model, task, prepared.inputs, z=style.z, layers=style.layers, alphas=style.alphas, size=size)
    images = network.run(work, step, loaded).images
    return to_pictures(_tensor(images))[0]


def _no_larger(drawing: Image.Image, size: int) -> Image.Image:
    """Return a map of at most ``size`` pixels a side: the model sees no more, and it is read sooner."""
    return drawing.resize((size, size), Image.Resampling.NEAREST) if drawing.width > size else drawing


def _tensor(images: Floats) -> torch.Tensor:
    import torch  # noqa: PLC0415  (torch comes after the page)

    return torch.from_numpy(images)
