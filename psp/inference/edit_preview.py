"""A face while somebody moves the sliders of edits: small, soon there, none of the studio's results.

The codes and details of the face are found once; each further step moves them and decodes a small picture.
The task itself, asked with the same settings, gives the same face in full.
"""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from psp.codes.directions import shift_of
from psp.codes.edits import parse_edits
from psp.codes.latents import CodesFile
from psp.inference.editing import known_directions
from psp.inference.inputs import prepare_photo
from psp.inference.job import Job
from psp.inference.known_faces import PREVIEW_SIZE, Encoding, FaceIn, Known, KnownFace
from psp.inference.network import Network, Step, Work
from psp.pictures.images import to_pictures


def preview_edit(
    network: Network,
    read: Callable[[str], Image.Image],
    base: FaceIn | CodesFile,
    known: Known,
    model: str = "auto",
    edits: str = "",
    directions: str | None = None,
    step: Step | None = None,
    *,
    exact: bool = False,
) -> tuple[Image.Image, Known]:
    """Return an edited face, at most 256 px a side, and what is known of faces now: the one, no more.

    Args:
        network: Runs the model.
        read: Opens a picture.
        base: The face, or codes, the first of several.
        known: What was returned before.
        model: Name of the model.
        edits: See ``psp.codes.edits.parse_edits``.
        directions: A file of further directions.
        step: Told what happens; may raise to stop the work.
        exact: Whether what codes cannot say is shown too; the model can.

    Raises:
        PspError: As for ``PspPipeline.edit``.
    """
    job = Job("edit", network, model, step, encodes=not isinstance(base, CodesFile))
    loaded = job.loaded
    amounts, there = parse_edits(edits), known_directions(loaded, directions)
    shift = shift_of(amounts, there, loaded.n_codes, loaded.code_dim)
    if isinstance(base, CodesFile):
        face = KnownFace(job.check_codes(base.codes)[:1], base.details if exact else None)
    else:
        known, face = Encoding(job, network, read, step, exact).encode(base, known, prepare_photo)
    job.tell("Changing the face")
    size = min(PREVIEW_SIZE, loaded.psp.config.generator.size)
    details = face.details if exact else None
    work = Work(model, "edit", codes=face.codes, details=details, shift=shift, size=size)
    images = network.run(work, step, loaded).images
    return to_pictures(images)[0], dict([*known.items()][-1:])
