"""A file of codes back to the pictures that it was saved with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from psp.codes.latents import CodesFile, codes_from_bytes, take_variant
from psp.codes.made_with import differences
from psp.codes.recipe import Recipe
from psp.errors import InputError
from psp.inference.inputs import Prepared, read_file
from psp.inference.job import Job
from psp.inference.network import Network, Step
from psp.inference.result import Result
from psp.ranges import check_number
from psp.registry.lookup import families
from psp.tasks import TASKS

_ANOTHER_FILE = (
    "These codes were made with another file of the model, so the picture may differ. "
    "Use the model that their recipe names."
)
_NO_RECIPE = (
    "The file does not say how it was made, or not so that it could be read: the picture may not be the one "
    "that it was saved with."
)
_NO_DETAILS = "The details of the photo are not in this file: the picture is what the codes alone say."
_ALL = "They are counted from 0; 'python -m psp decode' and PspPipeline.decode make all."


def decode(
    network: Network,
    latents: bytes | Path | str | CodesFile,
    model: str = "auto",
    step: Step | None = None,
    variant: int | None = None,
) -> Result:
    """Do what ``PspPipeline.decode`` does.

    Args:
        network: Loads and runs models.
        latents: The file, as a path or its bytes, or what ``codes_from_bytes`` read.
        model: The model; "auto" takes the one that the file names, else the default.
        step: Told what happens; may raise to stop the work.
        variant: The only one to decode, from 0; None: all.

    Raises:
        InputError: The file cannot be used, has no such variant, or its codes do not fit the model.
        CheckpointError: The model cannot be found or loaded.
    """
    file = latents if isinstance(latents, CodesFile) else codes_from_bytes(read_file(latents))
    made_by = file.recipe or Recipe("decode", "", "")
    if model == "auto" and made_by.model in families(network.settings):
        model = made_by.model
    task = made_by.task if made_by.task in TASKS else "encode"
    strength = float(check_number("strength", made_by.settings.get("strength", 1.0)))
    job = Job("decode", network, model, step, task, encodes=False)
    codes = job.check_codes(file.codes, made_by.model)
    warnings = []
    if made_by.model_sha256 not in ("", job.loaded.sha256):
        warnings.append(_ANOTHER_FILE)
    elif not made_by.model_sha256:
        warnings.append(_NO_RECIPE)
    elif why := differences(made_by.made_with, network.made_with):
        warnings.append(why)
    recipe = replace(
        made_by, model=job.loaded.name, model_sha256=job.loaded.sha256, made_with=network.made_with
    )
    if file.details is None and made_by.settings.get("likeness") == "exact":
        warnings.append(_NO_DETAILS)
    if file.details is not None and len(codes) > 1:
        raise InputError("The file has details of one photo, but several codes.", "Export them again.")
    if variant is not None and len(codes) > 1:
        warnings.append(f"The file holds {len(codes)} variants; this is number {variant}. {_ALL}")
        codes = take_variant(codes, variant)
        recipe = recipe.of_variant(variant)
    prepared = Prepared(codes=codes, warnings=tuple(warnings))
    return job.run(prepared, recipe, strength=strength, details=file.details)
