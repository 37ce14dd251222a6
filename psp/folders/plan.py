"""What is asked of the network for every picture of a folder, and what its results say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from psp.codes.directions import shift_of
from psp.codes.edits import parse_edits, write_edits
from psp.codes.recipe import Recipe
from psp.codes.variants import plan_random_styles
from psp.errors import InputError, SettingsError
from psp.inference.editing import known_directions
from psp.inference.job import Job
from psp.inference.network import Work
from psp.parameters import Setting
from psp.ranges import check_edits, check_layers, check_number, check_word
from psp.tasks import TASKS

# All of a batch is in memory at once.
_LARGEST_BATCH = 1024
# On a CPU the bundled family takes as long for eight pictures together as for eight by themselves, and what
# is made by itself does not depend on what else there is.
_ON_CPU, _ON_GPU = 1, 8
_ONE_PICTURE = ("factor", "likeness", "strength")
_OWN = (*_ONE_PICTURE, "edits", "layers", "alpha", "seed")


@dataclass(frozen=True)
class Inference:
    """What is to be made of every picture: one picture each.

    Attributes:
        task: Name of the task.
        model: A family's name, a path, or "auto".
        batch: Pictures that go through the network at once.
        align: Whether to look for a face in each photo.
        face: Which face; 0 is the largest.
        couples: Whether to save what the model saw beside the result as well.
        latents: Whether to save the codes as well.
        factor: Super-resolution: shrink so many times first; 0: not at all.
        likeness: Encode, edit: "exact" runs picture by picture, and keeps the details beside the codes, and
            "close" takes a quarter of a minute a picture.
        strength: Toonify: 0 to 1.
        edits: Edit: what is changed.
        layers: Tasks that mix: which layers take the random style.
        alpha: Share of that style, 0 to 1. None: what is drawn is not mixed, "style_mix" fully. What is mixed
            runs picture by picture.
        seed: Of the style, the same for all.
    """

    task: str
    model: str = "auto"
    batch: int = 8
    align: bool = True
    face: int = 0
    couples: bool = False
    latents: bool = False
    factor: int = 0
    likeness: str = "quick"
    strength: float = 1.0
    edits: str = ""
    layers: str = "auto"
    alpha: float | None = None
    seed: int = 0

    @property
    def share(self) -> float:
        """Share of the random style."""
        if self.alpha is None:
            return 1.0 if self.task == "style_mix" else 0.0
        return self.alpha


@dataclass(frozen=True, eq=False)
class Plan:
    """How every picture is made.

    Attributes:
        work: The job, without its picture.
        recipe: What a result says of itself: the same as that of a single picture.
        alone: Whether each picture runs by itself.
    """

    work: Work
    recipe: Recipe
    alone: bool


def usual_batch(device: str) -> int:
    """Return how many pictures go through the network at once where nothing is said of it."""
    return _ON_CPU if device.startswith("cpu") else _ON_GPU


def check_inference(inference: Inference) -> None:
    """Refuse settings that cannot be, or that the task has not.

    Raises:
        InputError: A value cannot be used.
        SettingsError: The task has no such setting.
    """
    if not 1 <= inference.batch <= _LARGEST_BATCH:
        raise InputError(f"The batch is {inference.batch}.", f"Take 1 to {_LARGEST_BATCH}.")
    for name in ("factor", "strength", "seed", "face"):
        check_number(name, getattr(inference, name))
    if inference.alpha is not None:
        check_number("alpha", inference.alpha)
    check_word("likeness", inference.likeness)
    check_layers(inference.layers)
    check_edits(inference.edits)
    if inference.task == "edit" and not parse_edits(inference.edits):
        raise InputError("There are no edits.", "Say what is changed, and how much: smile:0.5,age:-1.")
    if inference.seed < 0:
        raise InputError("A seed by chance would differ from run to run.", "Take a seed from 0 on.")
    default = {each.name: each.default for each in fields(Inference)}
    for name in _OWN:
        if getattr(inference, name) != default[name] and not _has(inference.task, name):
            with_it = ", ".join(task for task in TASKS if _has(task, name))
            raise SettingsError(f"The {name} is a setting of {with_it}.", f"Leave out --{name}.")


def make_plan(job: Job, inference: Inference) -> Plan:
    """Return how every picture of a folder is made.

    Raises:
        InputError: The edits or the layers do not fit the model.
    """
    work = Work(inference.model, inference.task, together=True)
    work = replace(work, likeness=inference.likeness, strength=inference.strength)
    kind = TASKS[inference.task].kind
    said: dict[str, Setting] = {"align": inference.align, "face": inference.face} if kind == "photo" else {}
    if inference.task == "edit":
        amounts = parse_edits(inference.edits)
        known, shape = known_directions(job.loaded), (job.loaded.n_codes, job.loaded.code_dim)
        work = replace(work, shift=shift_of(amounts, known, *shape))
        said["edits"] = write_edits(amounts)
    said |= {name: getattr(inference, name) for name in _ONE_PICTURE if _has(inference.task, name)}
    if inference.task == "super_resolution":
        said |= {"variants": 1, "seed": 0}
    if _has(inference.task, "layers"):
        work, mixed = _mixed(work, job, inference)
        said |= {"style": "random", **mixed} if inference.task == "style_mix" else mixed
    # What codes cannot say is found photo by photo, and a style is mixed with one set of codes.
    alone = inference.likeness == "exact" or work.z is not None
    return Plan(replace(work, together=not alone), job.recipe(said), alone)


def _mixed(work: Work, job: Job, inference: Inference) -> tuple[Work, Mapping[str, Setting]]:
    """Return a job with its random style, none where nothing of it would be seen, and what is said of it."""
    loaded, share = job.loaded, inference.share
    variation = plan_random_styles(
        1, inference.seed, inference.layers, share, loaded.resolutions, loaded.code_dim
    )
    if share > 0:
        work = replace(work, z=variation.z, layers=variation.layers, alphas=variation.alphas)
    return work, variation.settings()


def _has(task: str, name: str) -> bool:
    # Of super-resolution's seed, which is that of further variants, one picture has nothing.
    return TASKS[task].has(name) and not (task == "super_resolution" and name == "seed")
