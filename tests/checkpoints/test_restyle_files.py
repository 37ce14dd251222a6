"""Files of ReStyle: all kinds load from the official layout, strictly, and are kept with their passes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from psp.checkpoints import load_psp, open_generator, read_info, save_psp
from psp.checkpoints.average import average_code
from psp.checkpoints.model_input import model_input
from psp.checkpoints.official import load_pickle
from psp.checkpoints.push import plan_push
from psp.config import Settings
from psp.errors import CheckpointError
from psp.models.psp import PSP
from tests.checkpoints.samples import assert_same, save_pt
from tests.restyle import KINDS, restyle_file, restyle_model

PHOTOS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 2 - 1


def encoded(model: PSP) -> torch.Tensor:
    with torch.inference_mode():
        return model.encode(PHOTOS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_loads_from_its_file_and_from_the_conversion(
    tmp_path: Path, settings: Settings, kind: str
) -> None:
    model = restyle_model(kind)
    path = save_pt(tmp_path / "restyle.pt", restyle_file(kind, model))
    first = load_psp(path, settings=settings)
    assert_same(first, model)
    assert first.config.encoder.passes == 3
    wanted = encoded(model)
    assert torch.equal(encoded(first), wanted)
    (converted,) = (settings.cache_dir / "converted").iterdir()
    assert json.loads(read_info(converted)["config"])["encoder"]["passes"] == 3
    assert torch.equal(encoded(load_psp(path, settings=settings)), wanted)
    assert torch.equal(encoded(load_psp(converted, settings=settings)), wanted)
    assert model_input(first.config.encoder.in_channels, first.info, "x").kind == "photo"


@pytest.mark.parametrize("passes", [None, 1, 2])
def test_the_options_say_how_many_passes_and_else_it_is_five(
    tmp_path: Path, settings: Settings, passes: int | None
) -> None:
    content = restyle_file(n_iters_per_batch=passes)
    loaded = load_psp(save_pt(tmp_path / "x.pt", content), settings=settings)
    assert loaded.config.encoder.passes == loaded.config.decodes == (passes or 5)


def test_it_is_saved_as_ours_and_read_again(tmp_path: Path, settings: Settings) -> None:
    model = restyle_model("restyle_e4e_resnet")
    save_psp(model, tmp_path / "encode.safetensors", precision="float32", decoder_file="g.safetensors")
    loaded = load_psp(tmp_path, settings=settings)
    assert_same(loaded, model)
    assert torch.equal(encoded(loaded), encoded(model))
    save_psp(loaded, tmp_path / "again" / "encode.safetensors")
    assert_same(load_psp(tmp_path / "again", settings=settings).half().float(), loaded.half().float())


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["state_dict"].pop(name)


def changed(name: str, *shape: int) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["state_dict"].update({name: torch.zeros(shape)})


@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        ("restyle_ir_se", without("encoder.body.1.res_layer.4.bias"), r"missing encoder\.body\.1\.res_layer"),
        (
            "restyle_resnet",
            without("encoder.body.3.conv2.weight"),
            r"missing encoder\.body\.3\.conv2\.weight",
        ),
        ("restyle_resnet", without("encoder.relu.weight"), r"missing encoder\.relu\.weight"),
        ("restyle_ir_se", without("encoder.styles.3.convs.0.bias"), r"missing encoder\.styles\.3\.convs\.0"),
        (
            "restyle_ir_se",
            without("encoder.styles.3.linear.weight"),
            "makes 5 codes, but the decoder takes 6",
        ),
        ("restyle_resnet", changed("encoder.fc.weight", 2, 2), r"unexpected encoder\.fc\.weight"),
        ("restyle_resnet", changed("encoder.bn1.weight", 9), r"encoder\.bn1\.weight is \[9\], not \[8\]"),
        ("restyle_ir_se", changed("encoder.input_layer.0.weight", 8, 3, 3, 3), "takes 3 channels; 6 were"),
        ("restyle_ir_se", lambda c: c["opts"].update(n_iters_per_batch=99), "say 99 passes"),
        ("restyle_ir_se", lambda c: c["opts"].update(dataset_type="cars_encode"), "cars in pictures of 4:3"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, settings: Settings, kind: str, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    content = restyle_file(kind)
    change(content)
    with pytest.raises(CheckpointError, match=told):
        load_psp(save_pt(tmp_path / "x.pt", content), settings=settings)
    assert not [*settings.cache_dir.rglob("*.safetensors")]


def test_the_first_pass_starts_from_the_average_whatever_the_options_say(
    tmp_path: Path, settings: Settings
) -> None:
    """Its code always does; and its e4e keeps one row."""
    model = restyle_model()
    content = restyle_file(model=model, start_from_latent_avg=False)
    assert torch.equal(
        load_psp(save_pt(tmp_path / "a.pt", content), settings=settings).w_avg, model.latent_avg
    )
    content["latent_avg"] = model.latent_avg[0]
    one = load_psp(save_pt(tmp_path / "b.pt", content), settings=settings)
    assert torch.equal(one.w_avg, model.latent_avg[:1].expand(6, -1))
    del content["latent_avg"]
    computed = load_psp(save_pt(tmp_path / "c.pt", content), settings=settings)
    assert torch.equal(computed.w_avg[0], average_code(model.decoder, 10_000))


def test_what_its_trainers_leave_beside_the_weights_is_read_over(tmp_path: Path, settings: Settings) -> None:
    more = {"global_step": 5, "optimizer": {"state": {}, "param_groups": []}, "best_val_loss": None}
    more |= {"discriminator_state_dict": {"mlp.0.weight": torch.zeros(2, 2)}}
    path = save_pt(tmp_path / "x.pt", restyle_file("restyle_e4e_ir_se") | more)
    assert load_psp(path, settings=settings).config.encoder.kind == "restyle_e4e"
    assert "global_step" in load_pickle(path)


def test_its_generator_can_be_had_alone(tmp_path: Path, settings: Settings) -> None:
    model = restyle_model()
    opened = open_generator(save_pt(tmp_path / "x.pt", restyle_file(model=model)), settings)
    assert torch.equal(opened.w_avg, model.w_avg)


def test_its_card_tells_the_backbone_and_the_passes(tmp_path: Path, settings: Settings) -> None:
    save_psp(restyle_model("restyle_e4e_resnet"), tmp_path / "encode.safetensors")
    online = dataclasses.replace(settings, offline=False)
    card = plan_push(str(tmp_path), "me/restyle", online, "mit").card
    assert "ReStyle's over e4e: a first code and what the others differ by (a ResNet), 3 passes; RGB" in card
