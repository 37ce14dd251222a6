"""Jobs for the network as plain arrays, and how they cross to the process that has a GPU."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from psp.codes.details import Details
from psp.codes.latents import LayerShares
from psp.inference.loaded import Step

Floats = NDArray[np.float32]


# How many pictures' time each likeness costs besides; "close" goes forth and back forty times.
_OF_LIKENESS = {"quick": 0, "close": 20, "exact": 1}


class Moved(NamedTuple):
    """How codes came closer to a photo.

    Attributes:
        start: The picture of the codes before, [1,3,H,W].
        steps: How many steps they were moved.
        of: How many that was to be; 0 where they stayed and details came to them.
    """

    start: Floats
    steps: int
    of: int


class Made(NamedTuple):
    """What a job gives.

    Attributes:
        codes: [v,n,dim].
        images: [v,3,H,W], about [−1,1].
        details: What codes cannot say, where that was asked for or given.
        moved: How the codes came closer, where that was asked for.
    """

    codes: Floats
    images: Floats
    details: Details | None = None
    moved: Moved | None = None


@dataclass(frozen=True, eq=False)
class Work:
    """One job for the network, in plain arrays: on a ZeroGPU Space it crosses to another process.

    Attributes:
        model: A family's name, a path, or "auto".
        task: The task whose model encodes and decodes.
        inputs: What is encoded, [1,C,S,S], or [B,C,S,S] where nothing is mixed; None where there
            are ``codes``.
        codes: Codes [v,n,dim] to start from instead; one where they are mixed.
        style_inputs: A second picture to mix with, [1,C,S,S].
        style_codes: Codes [1,n,dim] to mix with instead.
        z: Random styles, standard normal [v,dim], one a variant; a row of NaN leaves its variant unmixed.
        layers: The layers to mix, empty for none, each with its share of what ``alphas`` says.
        alphas: Share of the style in these layers, [v], one a variant.
        strength: Toonify: from 0, the family's "encode" model, to 1, the model of the task.
        detail: Side in pixels of what the inputs were enlarged from; None: they are sharp.
        together: Whether all pictures are decoded at once: faster for many, but values then depend on how
            many there are, by rounding.
        size: Side of the pictures in pixels, for previews: see ``psp.inference.previews``; None: the model's.
        likeness: "quick": as the encoder answers the photo in ``inputs``; "close": codes moved towards it
            (``psp.inference.refine``); "exact": the picture also shows what codes cannot say of it.
        details: What codes cannot say, where they were made before; one set of ``codes`` goes with it.
        anchors: Photos that the ``codes`` lie near or between, or that are mixed: codes [1,n,dim] and details
            of each. A picture shows of the details of all of them what still fits it; of mixtures, one is
            made at a time.
        shift: What is added to the codes, [n,dim]; where it changes the picture, the details fade.
        refines: Whether it is told how the codes of one photo came closer; and what they reached is handed
            out where a step has enough of it (``EnoughError``), or the time is over.
    """

    model: str
    task: str
    inputs: Floats | None = None
    codes: Floats | None = None
    style_inputs: Floats | None = None
    style_codes: Floats | None = None
    z: Floats | None = None
    layers: LayerShares = field(default_factory=dict)
    alphas: tuple[float, ...] = (1.0,)
    strength: float = 1.0
    detail: int | None = None
    together: bool = False
    size: int | None = None
    likeness: str = "quick"
    details: Details | None = None
    anchors: tuple[tuple[Floats, Details], ...] = ()
    shift: Floats | None = None
    refines: bool = False

    @property
    def mixes(self) -> bool:
        """Whether codes are mixed."""
        return any(each is not None for each in (self.style_inputs, self.style_codes, self.z))


@dataclass(frozen=True, eq=False)
class Errand:
    """One job as it crosses to the process that has a GPU.

    Attributes:
        work: The job.
        sha256: Of the file of its model: the same there as here, even if it is replaced.
        size: Side of the pictures in pixels.
        waits: Whether its models wait where the GPU takes them from; else they are moved there first.
        step: Told there what happens, where it can cross.
        decodes: Pictures that its model makes to encode one; see ``PSPConfig.decodes``.
    """

    work: Work
    sha256: str
    size: int
    waits: bool = True
    step: Step | None = None
    decodes: int = 0

    @property
    def pictures(self) -> int:
        """How many pictures are made."""
        start = self.work.inputs if self.work.codes is None else self.work.codes
        return max(len(self.work.alphas), 0 if start is None else len(start))

    @property
    def looks(self) -> int:
        """How many pictures are made to be looked at: none by encoders that see the photo alone."""
        encoded = [inputs for inputs in (self.work.inputs, self.work.style_inputs) if inputs is not None]
        return self.decodes * sum(map(len, encoded))


def seconds_of(errands: Sequence[Errand]) -> int:
    """Return for how many seconds a GPU is asked for: a reservation, charged to who asks; it must do.

    An estimate for the largest models (1.2 GB, 1024 px) on the GPU that Spaces lend: 4 s until a worker has
    the GPU and the weights, 8 s for a model that is moved or read there, 0.15 s a picture, twice that where
    two generators are blended, likeness is exact or a face is turned ahead, and as much for each that an
    encoder looks at.
    """
    pictures = sum(one.pictures * _weight(one.work) * max(0.1, (one.size / 1024) ** 2) for one in errands)
    pictures += sum(one.looks for one in errands)
    moved = 0 if all(one.waits for one in errands) else 8
    return math.ceil(4 + moved + 0.15 * pictures)


def _weight(work: Work) -> int:
    """Return how many plain pictures a picture of a job costs."""
    return (
        1
        + (work.strength < 1.0)
        + (work.task == "frontalize")
        + _OF_LIKENESS[work.likeness]
        + work.refines
        + len(work.anchors)
    )


def crossing(step: Step | None) -> Step | None:
    """Return a step that can be told in another process, or None where it cannot cross."""
    try:
        pickle.dumps(step)
    except (pickle.PicklingError, AttributeError, TypeError):  # a function of a function, a lock, …
        return None
    return step
