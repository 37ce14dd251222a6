"""The mixture of two faces while somebody moves the sliders: small, soon there, none of the studio's results.

What takes long is to encode the faces. That is done once a face; whoever asks keeps the codes and hands them
in again, so that each further step mixes them and decodes a small picture. The task itself, asked with the
same settings, gives the same face in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image

from psp.codes.latents import Codes, CodesFile
from psp.codes.variants import plan_even_steps, plan_random_styles
from psp.inference.inputs import Prepared, prepare_photo, prepare_style
from psp.inference.job import Job
from psp.inference.network import Floats, Network, Step, Work
from psp.pictures.images import to_pictures

if TYPE_CHECKING:
    import torch

BLENDED_SIZE = 256
"""Side in pixels of a preview: a size that the preview heads have."""

MOST_KNOWN = 4
"""How many faces are kept: the two that are mixed, and two to come back to."""

# Side in pixels of the picture that the network makes of a face that is only encoded; nobody sees it.
_UNSEEN = 128


@dataclass(frozen=True)
class FaceIn:
    """A face in a picture.

    Attributes:
        path: The picture's file, which never changes.
        align: Whether to find and crop the face.
        face: Which one; 0 is the largest.
    """

    path: str
    align: bool = True
    face: int = 0


Known: TypeAlias = Mapping[tuple[FaceIn, str], Codes]
"""The codes [1,n,dim] of faces, by face and hash of the model."""


def blend(
    network: Network,
    read: Callable[[str], Image.Image],
    base: FaceIn | CodesFile,
    other: FaceIn | None,
    known: Known,
    model: str = "auto",
    layers: str = "auto",
    alpha: float = 1.0,
    seed: int = 0,
    step: Step | None = None,
) -> tuple[Image.Image, Known]:
    """Return the mixture of two faces, at most 256 px a side, and what is known of faces now.

    Args:
        network: Runs the model.
        read: Opens a picture.
        base: The face, or codes, the first of several.
        other: The face that is mixed in; None: a random style.
        known: What was returned before.
        model: Name of the model.
        layers: Which layers are mixed; see ``psp.codes.latents.parse_layers``.
        alpha: Share of the other face in these layers, 0 to 1.
        seed: Of the random style; a negative one, which stands for chance, is 0 here.
        step: Told what happens; may raise to stop the work.

    Raises:
        PspError: As for ``PspPipeline.style_mix``.
    """
    encodes = other is not None or not isinstance(base, CodesFile)
    job = Job("style_mix", network, model, step, encodes=encodes)
    loaded = job.loaded
    if other is None:
        plan = plan_random_styles(1, max(int(seed), 0), layers, alpha, loaded.resolutions, loaded.code_dim)
    else:
        plan = plan_even_steps(1, layers, alpha, loaded.resolutions)
    theirs = None
    if isinstance(base, CodesFile):
        ours = job.check_codes(base.codes)[:1]
    else:
        known, ours = _encoded(job, network, base, known, prepare_photo, read, step)
    if other is not None:
        known, theirs = _encoded(job, network, other, known, _prepare_other, read, step)
    job.tell("Mixing the faces")
    work = Work(
        model, "style_mix", codes=ours, style_codes=theirs, z=plan.z, layers=plan.layers, alphas=plan.alphas,
        size=min(BLENDED_SIZE, loaded.psp.config.generator.size),
    )  # fmt: skip
    images = network.run(work, step, loaded).images
    return to_pictures(_tensor(images))[0], dict([*known.items()][-MOST_KNOWN:])


def _encoded(
    job: Job,
    network: Network,
    face: FaceIn,
    known: Known,
    prepare: Callable[[Image.Image, bool, int, int], Prepared],
    read: Callable[[str], Image.Image],
    step: Step | None,
) -> tuple[Known, Codes]:
    """Return what is known with ``face`` as the latest, and its codes [1,n,dim]."""
    key = (face, job.loaded.sha256)
    codes = known.get(key)
    if codes is None:
        job.tell("Looking for the face")
        prepared = prepare(read(face.path), face.align, face.face, job.loaded.in_size)
        job.tell("Reading the face")
        size = min(_UNSEEN, job.loaded.psp.config.generator.size)
        codes = network.run(Work(job.model, job.task, prepared.inputs, size=size), step, job.loaded).codes
    return {**{each: kept for each, kept in known.items() if each != key}, key: codes}, codes


def _prepare_other(picture: Image.Image, aligned: bool, _: int, size: int) -> Prepared:
    return prepare_style(picture, aligned, size)


def _tensor(images: Floats) -> torch.Tensor:
    import torch  # noqa: PLC0415  (torch comes after the page)

    return torch.from_numpy(images)
