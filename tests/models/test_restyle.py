"""ReStyle's encoders have the official keys, and add in each pass what they say of their own picture."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from psp.errors import CheckpointError, StoppedError
from psp.models.architecture import RESTYLE_TYPES, config_from_json, config_to_json, infer_config
from psp.models.generator import GeneratorConfig, official_channels
from psp.models.irse import Stage
from psp.models.psp import PSP, PSPConfig
from psp.models.resnet import BasicUnit
from psp.models.restyle import RESTYLE_STAGES, RestyleConfig
from tests.official import CASES
from tests.restyle import KINDS, restyle_config, restyle_model

Shapes = dict[str, tuple[int, ...]]


def norm(name: str, channels: int) -> Shapes:
    each = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (channels,))
    return {f"{name}.{part}": shape for part, shape in each.items()} | {f"{name}.num_batches_tracked": ()}


def ir_se_keys() -> Shapes:
    """The backbone as ``get_blocks(50)`` and ``bottleneck_IR_SE`` of the official code name it."""
    keys = {"input_layer.0.weight": (64, 6, 3, 3), "input_layer.2.weight": (64,)} | norm("input_layer.1", 64)
    wide = 64
    for index, deep in enumerate([64] * 3 + [128] * 4 + [256] * 14 + [512] * 3):
        unit = f"body.{index}"
        if wide != deep:
            keys |= {f"{unit}.shortcut_layer.0.weight": (deep, wide, 1, 1)}
            keys |= norm(f"{unit}.shortcut_layer.1", deep)
        keys |= norm(f"{unit}.res_layer.0", wide) | norm(f"{unit}.res_layer.4", deep)
        keys |= {
            f"{unit}.res_layer.1.weight": (deep, wide, 3, 3),
            f"{unit}.res_layer.2.weight": (deep,),
            f"{unit}.res_layer.3.weight": (deep, deep, 3, 3),
            f"{unit}.res_layer.5.fc1.weight": (deep // 16, deep, 1, 1),
            f"{unit}.res_layer.5.fc2.weight": (deep, deep // 16, 1, 1),
        }
        wide = deep
    return keys


def resnet_keys() -> Shapes:
    """The backbone as torchvision's ``resnet34`` names its blocks, numbered in one row."""
    keys = {"conv1.weight": (64, 6, 7, 7), "relu.weight": (64,)} | norm("bn1", 64)
    wide = 64
    for index, deep in enumerate([64] * 3 + [128] * 4 + [256] * 6 + [512] * 3):
        unit = f"body.{index}"
        keys |= {f"{unit}.conv1.weight": (deep, wide, 3, 3), f"{unit}.conv2.weight": (deep, deep, 3, 3)}
        keys |= norm(f"{unit}.bn1", deep) | norm(f"{unit}.bn2", deep)
        if wide != deep:
            keys |= {f"{unit}.downsample.0.weight": (deep, wide, 1, 1)} | norm(f"{unit}.downsample.1", deep)
        wide = deep
    return keys


def official_keys(backbone: str) -> Shapes:
    """All keys of a ``state_dict`` at 1024 px: 18 ``GradualStyleBlock(512, 512, 16)`` after the backbone."""
    keys = ir_se_keys() if backbone == "ir_se" else resnet_keys()
    for style in range(18):
        for conv in (0, 2, 4, 6):
            keys |= {f"styles.{style}.convs.{conv}.weight": (512, 512, 3, 3)}
            keys |= {f"styles.{style}.convs.{conv}.bias": (512,)}
        keys |= {f"styles.{style}.linear.weight": (512, 512), f"styles.{style}.linear.bias": (512,)}
    decoder = CASES["encode_1024"].keys()
    whole = {f"encoder.{key}": shape for key, shape in keys.items()}
    return whole | {key: tuple(shape) for key, (shape, _) in decoder.items() if key.startswith("decoder.")}


@pytest.mark.parametrize("name", RESTYLE_TYPES)
def test_the_official_architectures_are_told_from_their_keys(name: str) -> None:
    kind, backbone = RESTYLE_TYPES[name]
    keys = official_keys(backbone)
    config = infer_config(keys, name, 1024, 5)
    wanted = RestyleConfig(kind=kind, backbone=backbone, stages=RESTYLE_STAGES[backbone])
    assert config == PSPConfig(wanted, GeneratorConfig(size=1024, channels=official_channels(1024)))
    assert wanted.in_size == 256 and wanted.passes == config.decodes == 5
    assert config_from_json(config_to_json(config)) == config
    with torch.device("meta"):
        ours = {key: tuple(value.shape) for key, value in PSP(config).state_dict().items()}
    assert ours.pop("latent_avg") == (18, 512)
    assert ours == keys


def test_without_options_it_is_the_plain_kind_with_the_official_passes() -> None:
    config = infer_config(official_keys("resnet"))
    assert isinstance(config.encoder, RestyleConfig)
    assert (config.encoder.kind, config.encoder.backbone, config.encoder.passes) == ("restyle", "resnet", 5)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("ResNetBackboneEncoder",),
            "'ResNetBackboneEncoder', but the keys are of ReStyle's with .* 'ir_se'",
        ),
        (("GradualStyleEncoder",), "'GradualStyleEncoder', but the keys are of ReStyle's"),
        (("ResNetGradualStyleEncoder",), "known are .*BackboneEncoder"),
        (("BackboneEncoder", 1024, 0), "say 0 passes; 1 to 32"),
        (("BackboneEncoder", 1024, 10**6), "say 1000000 passes"),
        (("BackboneEncoder", 512), "512 px"),
    ],
)
def test_options_that_contradict_the_keys_are_refused(options: tuple[Any, ...], told: str) -> None:
    with pytest.raises(CheckpointError, match=told):
        infer_config(official_keys("ir_se"), *options)


def test_files_of_its_code_with_other_layers_are_refused() -> None:
    keys = official_keys("ir_se") | {"encoder.input_layer.0.weight": (64, 3, 3, 3)}
    with pytest.raises(CheckpointError, match=r"input_layer\.0\.weight takes 3 channels; 6 were expected"):
        infer_config(keys, "BackboneEncoder")
    pyramid = {key: tuple(shape) for key, (shape, _) in CASES["encode_1024"].keys().items()}
    with pytest.raises(CheckpointError, match="ReStyle over 'GradualStyleEncoder'"):
        infer_config(pyramid, "GradualStyleEncoder", 1024, 5)
    with pytest.raises(CheckpointError, match="'BackboneEncoder', but the keys are of 'gradual'"):
        infer_config(pyramid, "BackboneEncoder", 1024)


@pytest.mark.parametrize("passes", [0, 33])
def test_a_config_with_absurd_passes_is_refused(passes: int) -> None:
    value = json.loads(config_to_json(restyle_config()))
    value["encoder"]["passes"] = passes
    with pytest.raises(CheckpointError, match=f"{passes} passes, not 1 to 32"):
        config_from_json(json.dumps(value))


def textbook(model: PSP, photos: Tensor, passes: int) -> Tensor:
    """Equations of the paper's section 3: y_0 = G(w_avg); w_k = w_{k−1} + E(x, y_{k−1}); y_k = G(w_k)."""
    w = model.w_avg.repeat(len(photos), 1, 1)
    for _ in range(passes):
        y = F.adaptive_avg_pool2d(model.decoder(w), (32, 32))
        w = w + model.encoder(torch.cat([photos, y], 1))
    return w


@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_each_pass_adds_what_it_says_of_its_own_picture(kind: str) -> None:
    photos = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    for passes in (1, 3):
        model = restyle_model(kind, passes)
        codes = model.encode(photos)
        torch.testing.assert_close(codes, textbook(model, photos, passes), rtol=1e-4, atol=1e-5)
        assert (codes[0] - codes[1]).abs().max() > 1e-3
    few = restyle_model(kind, 2)
    few.load_state_dict(model.state_dict())
    assert (codes - few.encode(photos)).abs().max() > 1e-3
    # As many at once as one by one, and the same again.
    one_by_one = torch.cat([model.encode(photo[None]) for photo in photos])
    torch.testing.assert_close(codes, one_by_one, rtol=1e-4, atol=1e-5)
    assert torch.equal(codes, model.encode(photos))


@torch.inference_mode()
def test_codes_of_its_e4e_are_the_first_and_what_they_differ_by() -> None:
    plain, offsets = restyle_model("restyle_ir_se"), restyle_model("restyle_e4e_ir_se")
    offsets.load_state_dict(plain.state_dict())
    pairs = torch.rand(2, 6, 32, 32, generator=torch.Generator().manual_seed(2))
    a, b = plain.encoder(pairs), offsets.encoder(pairs)
    assert torch.equal(b[:, 0], a[:, 0])
    torch.testing.assert_close(b[:, 1:], a[:, :1] + a[:, 1:])


@torch.inference_mode()
def test_it_tells_each_look_and_can_be_stopped_before_it() -> None:
    model, told = restyle_model("restyle_resnet", 3), []
    photo = torch.zeros(1, 3, 32, 32)
    model.encode(photo, look=lambda number, count: told.append((number, count)))
    assert told == [(1, 3), (2, 3), (3, 3)]

    def stop(number: int, count: int) -> None:
        if number == 2:
            raise StoppedError("Stopped.")

    with pytest.raises(StoppedError):
        model.encode(photo, look=stop)


@torch.inference_mode()
def test_pictures_are_made_one_by_one_at_full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    model, made = restyle_model("restyle_ir_se", 3, size=64), []
    decode = model.decode
    monkeypatch.setattr(model, "decode", lambda codes: made.append(len(codes)) or decode(codes))
    model.encode(torch.zeros(2, 3, 32, 32))
    assert made == [1] * 5  # the average once, then both photos' twice
    assert decode(model.w_avg[None]).shape == (1, 3, 64, 64)


@torch.inference_mode()
def test_the_unit_of_resnet_34_is_the_papers() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        same, halved = BasicUnit(8, 8, 1).eval(), BasicUnit(8, 12, 2).eval()
        for unit in (same, halved):
            for name, value in unit.state_dict().items():
                if value.is_floating_point():
                    value.uniform_(0.5, 1.5) if "running_var" in name else value.normal_(0, 0.3)
        x = torch.randn(2, 8, 6, 6)

    def normed(x: Tensor, unit: BasicUnit, name: str) -> Tensor:
        s = {key: unit.state_dict()[f"{name}.{key}"][:, None, None] for key in ("weight", "bias")}
        m, v = (unit.state_dict()[f"{name}.running_{key}"][:, None, None] for key in ("mean", "var"))
        return (x - m) / (v + 1e-5).sqrt() * s["weight"] + s["bias"]

    for unit, stride in ((same, 1), (halved, 2)):
        inner = normed(F.conv2d(x, unit.conv1.weight, None, stride, 1), unit, "bn1").clamp(min=0)
        inner = normed(F.conv2d(inner, unit.conv2.weight, None, 1, 1), unit, "bn2")
        beside = x
        if stride == 2:
            beside = normed(
                F.conv2d(x, unit.state_dict()["downsample.0.weight"], None, 2), unit, "downsample.1"
            )
        torch.testing.assert_close(unit(x), (inner + beside).clamp(min=0))


def test_impossible_shapes_are_refused_at_once() -> None:
    config = restyle_config()
    for changes in ({"in_size": 48}, {"in_size": 12}, {"stages": ()}):
        with pytest.raises(AssertionError):
            PSP(PSPConfig(dataclasses.replace(config.encoder, **changes), config.generator))
    with pytest.raises(AssertionError, match="differ in their codes"):
        PSPConfig(dataclasses.replace(config.encoder, n_codes=7), config.generator)
    assert Stage(1, 1).stride == 2
