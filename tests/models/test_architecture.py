"""The shape of a model, told from the keys of official files and read strictly from JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from psp.errors import CheckpointError
from psp.models.architecture import config_from_json, config_to_json, infer_config
from psp.models.encoder import EncoderConfig
from psp.models.generator import GeneratorConfig, official_channels
from psp.models.psp import PSP, PSPConfig
from tests.compact import compact_config
from tests.official import CASES


@pytest.mark.parametrize(
    ("name", "encoder_type", "encoder"),
    [
        ("encode_1024", "GradualStyleEncoder", {}),
        ("encode_1024", "Encoder4Editing", {"kind": "e4e"}),
        ("sketch_256", None, {"in_channels": 1}),
        ("seg_512", None, {"in_channels": 19}),
        ("w_256", "BackboneEncoderUsingLastLayerIntoW", {"kind": "w"}),
        ("wplus_256", None, {"kind": "w_plus"}),
    ],
)
def test_the_official_architectures_are_told_from_their_keys(
    name: str, encoder_type: str | None, encoder: dict[str, Any]
) -> None:
    shapes = {key: tuple(shape) for key, (shape, _) in CASES[name].keys().items()}
    size = int(name.split("_")[1])
    expected = PSPConfig(
        EncoderConfig(n_codes=CASES[name].n_codes, **encoder),
        GeneratorConfig(size=size, channels=official_channels(size)),
    )
    config = infer_config(shapes, encoder_type)
    assert config == expected
    assert config_from_json(config_to_json(config)) == config
    with torch.device("meta"):
        keys = {key: tuple(value.shape) for key, value in PSP(config).state_dict().items()}
    assert {key: shape for key, shape in keys.items() if key != "latent_avg"} == shapes


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["encoder"].update(colour=1), "unknown field 'colour'"),
        (lambda c: c.pop("encoder"), "config lacks the field 'encoder'"),
        (lambda c: c["encoder"]["stages"][0].pop("depth"), r"stages\[0\] lacks the field 'depth'"),
        (lambda c: c["encoder"].update(kind="resnet"), "config.encoder.kind cannot be 'resnet'"),
        (lambda c: c["encoder"].update(width=True), "config.encoder.width"),
        (lambda c: c["encoder"].update(n_codes=7), "differ in their codes"),
        (lambda c: c["encoder"]["stages"][0].update(units=10**12), r"stages\[0\].units"),
        (lambda c: c["encoder"]["stages"][0].update(units=60000), "more than 1000 units"),
        (lambda c: c["generator"].update(size=17), "not a power of two"),
        (lambda c: c.update(generator=[]), "config.generator is not an object"),
    ],
)
def test_a_config_is_read_strictly(change: Callable[[dict[str, Any]], object], told: str) -> None:
    value = json.loads(config_to_json(compact_config()))
    change(value)
    with pytest.raises(CheckpointError, match=told):
        config_from_json(json.dumps(value))


def test_a_config_from_before_a_field_was_added_is_read() -> None:
    config = compact_config()
    value = json.loads(config_to_json(config))
    del value["encoder"]["patch"]
    read = config_from_json(json.dumps(value))
    assert read == dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, patch=1))


@pytest.mark.parametrize("name", ["noise_maps_up_to", "prior_rank"])
def test_a_config_from_before_a_field_went_is_read_where_it_meant_nothing(name: str) -> None:
    config = compact_config()
    value = json.loads(config_to_json(config))
    value["generator"][name] = 0
    assert config_from_json(json.dumps(value)) == config
    value["generator"][name] = 64
    with pytest.raises(CheckpointError, match=rf"{name} is of an earlier studio"):
        config_from_json(json.dumps(value))
