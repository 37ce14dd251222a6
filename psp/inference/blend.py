"""The mixture of two faces while somebody moves the sliders: small, soon there, none of the studio's results.

What takes long is to encode the faces. That is done once a face; whoever asks keeps the codes and hands them
in again, so that each further step mixes them and decodes a small picture. The task itself, asked with the
same settings, gives the same face in full.
"""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from psp.codes.latents import CodesFile
from psp.codes.variants import plan_even_steps, plan_random_styles
from psp.inference.inputs import Prepared, prepare_photo, prepare_style
from psp.inference.job import Job
from psp.inference.known_faces import PREVIEW_SIZE, Encoding, FaceIn, Known, KnownFace
from psp.inference.network import Network, Step, Work
from psp.pictures.images import to_pictures

MOST_KNOWN = 4
"""How many faces are kept: the two that are mixed, and two to come back to."""


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
    details = job.details_to_mix(base, 1)[0] if isinstance(base, CodesFile) else None
    theirs: KnownFace | None = None
    encoding = Encoding(job, network, read, step, exact=details is not None)
    if isinstance(base, CodesFile):
        ours = KnownFace(job.check_codes(base.codes)[:1], details)
    else:
        known, ours = encoding.encode(base, known, prepare_photo)
    if other is not None:
        known, theirs = encoding.encode(other, known, _prepare_other)
    job.tell("Mixing the faces")
    exact = [] if details is None else [face for face in (ours, theirs) if face is not None]
    work = Work(
        model, "style_mix", codes=ours.codes, style_codes=None if theirs is None else theirs.codes,
        z=plan.z, layers=plan.layers, alphas=plan.alphas,
        anchors=tuple((face.codes, face.details) for face in exact if face.details is not None),
        size=min(PREVIEW_SIZE, loaded.psp.config.generator.size),
    )  # fmt: skip
    images = network.run(work, step, loaded).images
    return to_pictures(images)[0], dict([*known.items()][-MOST_KNOWN:])


def _prepare_other(picture: Image.Image, aligned: bool, _: int, size: int) -> Prepared:
    return prepare_style(picture, aligned, size)
