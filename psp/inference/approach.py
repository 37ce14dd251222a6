"""A face refined: codes of a file brought closer to the photo, alone or with what they cannot say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from psp.codes.latents import Codes, CodesFile, codes_from_bytes
from psp.errors import InputError
from psp.inference.inputs import Seen, prepare_photo, read_file
from psp.inference.job import Job
from psp.inference.network import Network, Step
from psp.inference.result import Result
from psp.ranges import check_word
from psp.registry.lookup import families

Start = bytes | Path | str | CodesFile | Codes
"""Codes as they can be given: a ``.safetensors`` file, its bytes, what was read of it, [n,dim], [v,n,dim]."""


def check_refining(likeness: str) -> str:
    """Return how a face is refined: "close" or "exact".

    Raises:
        InputError: It is another word, or "quick": that is where refining starts.
    """
    if check_word("likeness", likeness) == "quick":
        raise InputError("Quick is what there is before: nothing would come closer.", "Take close or exact.")
    return likeness


def refine(
    network: Network,
    photo: Seen,
    latents: Start,
    model: str,
    align: bool,
    face: int,
    likeness: str,
    step: Step | None = None,
) -> Result:
    """Do what ``PspPipeline.refine`` does from codes that are given, with a photo that was read."""
    file = _read(latents)
    made_by = "" if file.recipe is None else file.recipe.model
    if model == "auto" and made_by in families(network.settings):
        model = made_by
    job = Job("refine", network, model, step, "encode", encodes=False)
    codes = job.check_codes(file.codes, made_by)
    job.tell("Looking for the face")
    prepared = replace(prepare_photo(photo, align, face, job.loaded.in_size), codes=codes[:1])
    if len(codes) > 1:
        said = f"The file holds {len(codes)} variants; the first one was brought closer."
        prepared = replace(prepared, warnings=(*prepared.warnings, said))
    job.clock.lap("align")
    recipe = job.recipe({"align": align, "face": face, "likeness": likeness})
    return job.run(prepared, recipe, likeness=likeness, refines=True)


def _read(latents: Start) -> CodesFile:
    """Return codes as they were given, read.

    Raises:
        InputError: They cannot be used.
    """
    if isinstance(latents, CodesFile):
        return latents
    if not isinstance(latents, np.ndarray):
        return codes_from_bytes(read_file(latents))
    if latents.ndim not in (2, 3) or latents.dtype.kind != "f" or not latents.size:
        raise InputError(f"These codes have the shape {latents.shape}.", "Give [n,512], or [v,n,512].")
    if not np.isfinite(latents).all():
        raise InputError("The codes contain NaN or infinity.", "Export them again.")
    return CodesFile(latents, None)
