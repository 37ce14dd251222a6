"""One thing about a face changed: its codes moved along directions, the rest of the photo kept."""

from __future__ import annotations

from pathlib import Path

from psp.codes.directions import Directions, Named, shift_of
from psp.codes.edits import Edits, parse_edits, write_edits
from psp.codes.latents import CodesFile
from psp.inference.inputs import Prepared, Seen, prepare_photo
from psp.inference.job import Job
from psp.inference.network import Loaded, Network, Step
from psp.inference.result import Result
from psp.parameters import Setting
from psp.ranges import check_word

_BEYOND = "Further than was measured to leave the person who they are: {names}."


def edit(
    network: Network,
    photo: Seen | CodesFile,
    directions: bytes | Path | str | None = None,
    model: str = "auto",
    align: bool = True,
    face: int = 0,
    edits: str = "",
    likeness: str = "quick",
    step: Step | None = None,
) -> Result:
    """Do what ``PspPipeline.edit`` does, with a photo that was read."""
    likeness = check_word("likeness", likeness)
    amounts = parse_edits(edits)
    job = Job("edit", network, model, step, encodes=not isinstance(photo, CodesFile))
    known = known_directions(job.loaded, directions)
    shift = shift_of(amounts, known, job.loaded.n_codes, job.loaded.code_dim)
    settings: dict[str, Setting] = {"edits": write_edits(amounts), "likeness": likeness}
    details = None
    if isinstance(photo, CodesFile):
        prepared = Prepared(codes=job.check_codes(photo.codes)[:1])
        details, likeness = (photo.details if likeness == "exact" else None), "quick"
    else:
        job.tell("Looking for the face")
        prepared = prepare_photo(photo, align, face, job.loaded.in_size)
        job.clock.lap("align")
        settings = {"align": align, "face": face, **settings}
    made = job.run(prepared, job.recipe(settings), likeness=likeness, details=details, shift=shift)
    if own := replaced(job.loaded, known, amounts):
        made.details["warnings"].append(own)
    far = [name for name, amount in amounts.items() if not _is_safe(known[name].named, amount)]
    if far:
        made.details["warnings"].append(_BEYOND.format(names=", ".join(far)))
    return made


def _is_safe(named: Named, amount: float) -> bool:
    return named.low <= amount <= named.high


def replaced(loaded: Loaded, known: Directions, amounts: Edits) -> str:
    """Say which of the model's own directions those of a file were taken for; nothing where none was.

    Args:
        loaded: The model.
        known: Its directions and those of the file.
        amounts: What is used of them.
    """
    from psp.inference.directions import directions_of  # noqa: PLC0415  (torch comes after the page)

    own = directions_of(loaded.psp)
    names = [name for name in amounts if name in own and known[name] is not own[name]]
    return f"Of the file of directions, not the model's own: {', '.join(names)}." if names else ""


def known_directions(loaded: Loaded, file: bytes | Path | str | None = None) -> Directions:
    """Return the directions of a model, by name.

    Args:
        loaded: The model.
        file: Further ones; those in it go before the model's own of the same name.

    Raises:
        InputError: The file cannot be used, or does not fit the model.
    """
    from psp.inference.directions import (  # noqa: PLC0415  (torch comes after the page)
        directions_in,
        directions_of,
    )

    own = directions_of(loaded.psp)
    return {**own, **directions_in(file, loaded.psp)} if file else own
