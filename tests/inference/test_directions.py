"""Which directions a model has: SeFa's of any that maps, the named ones of one generator alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from psp.codes.directions import sefa_names
from psp.inference.directions import directions_of
from psp.inference.pipeline import PspPipeline
from psp.models.psp import PSP


def test_any_generator_has_sefas_and_each_moves_its_own_layers(pipeline: PspPipeline) -> None:
    loaded = pipeline.network.load("auto", "edit")
    found = directions_of(loaded.psp)
    assert [*found] == [named.name for named in sefa_names()]
    sizes = np.array(loaded.resolutions)
    for name, direction in found.items():
        moved = np.abs(direction.shift).sum(axis=1) > 0
        low, high = {"pose": (4, 8), "features": (16, 32), "colours": (64, 9999)}[name.split("-")[0]]
        assert (moved == ((sizes >= low) & (sizes <= high))).all()
    assert directions_of(loaded.psp) is found  # found once


def test_a_model_that_maps_nothing_has_none(pipeline: PspPipeline) -> None:
    config = pipeline.network.load("auto", "edit").psp.config
    generator = dataclasses.replace(config.generator, n_mlp=0)
    with torch.device("cpu"):
        assert directions_of(PSP(dataclasses.replace(config, generator=generator))) == {}
