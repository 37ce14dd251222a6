"""What a run starts from: any generator, an encoder on ArcFace's backbone, the losses' networks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from psp.checkpoints import OpenedGenerator
from psp.errors import CheckpointError, TrainingError
from psp.losses.objective import LossWeights
from psp.models.generator import Generator, GeneratorConfig
from psp.models.irse import ArcFace
from psp.models.psp import PSP, PSPConfig
from psp.models.resnet import ResNet50
from psp.training.networks import build_objective, on_generator, start_encoder
from psp.training.presets import preset
from tests.compact import compact_model


@pytest.fixture(scope="module")
def arcface(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("arcface") / "ir_se50.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        torch.save(ArcFace().state_dict(), path)
    return path


def official_encoder(channels: int) -> PSP:
    """The paper's encoder on a generator that is narrow."""
    config = preset("ffhq_encode").model
    shape = GeneratorConfig(size=256, channels=(8,) * 7)
    encoder = dataclasses.replace(config.encoder, n_codes=14, in_channels=channels, style_width=8)
    return PSP(PSPConfig(encoder, shape))


@pytest.mark.parametrize("size", [256, 512, 1024])
def test_the_encoder_makes_as_many_codes_as_the_generator_takes(size: int) -> None:
    levels = size.bit_length() - 2
    shape = GeneratorConfig(size=size, n_mlp=1, channels=(8,) * levels)
    config = dataclasses.replace(preset("ffhq_encode"), model=PSPConfig())
    narrow = dataclasses.replace(config.model.encoder, style_width=8)
    config = dataclasses.replace(config, model=PSPConfig(narrow, config.model.generator))
    w_avg = torch.full((shape.n_codes, 512), 0.5)
    run, model = on_generator(config, OpenedGenerator(Generator(shape), w_avg))
    assert run.model.encoder.n_codes == shape.n_codes == 2 * levels
    assert (run.compared_size, run.model.generator.size) == (256, size)
    assert model.w_avg.eq(0.5).all()
    whole = dataclasses.replace(config, start_from_w_avg=False)
    assert on_generator(whole, OpenedGenerator(Generator(shape), w_avg))[1].w_avg.eq(0.0).all()


@pytest.mark.parametrize(("channels", "first_layer"), [(3, True), (1, False), (19, False)])
def test_the_encoder_starts_from_arcface(arcface: Path, channels: int, first_layer: bool) -> None:
    model = start_encoder(official_encoder(channels), arcface)
    given, taken = torch.load(arcface, weights_only=True), model.encoder.state_dict()
    assert all(torch.equal(taken[key], value) for key, value in given.items() if key.startswith("body."))
    same = given["input_layer.0.weight"].shape == taken["input_layer.0.weight"].shape and torch.equal(
        given["input_layer.0.weight"], taken["input_layer.0.weight"]
    )
    assert same is first_layer
    norm = torch.equal(given["input_layer.2.weight"], taken["input_layer.2.weight"])
    assert norm or not first_layer  # PReLUs start alike


def test_another_backbone_cannot_start_from_arcface(arcface: Path) -> None:
    with pytest.raises(TrainingError, match="encoder=random"):
        start_encoder(compact_model(), arcface)


def test_similarity_needs_a_file_and_compares_any_pictures(tmp_path: Path) -> None:
    config = dataclasses.replace(
        preset("domain"), losses=LossWeights(lpips=0.0, identity=0.0, similarity=0.5)
    )
    with pytest.raises(TrainingError, match="moco_v2_800ep_pretrain"):
        build_objective(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        state = {f"module.encoder_q.{key}": value for key, value in ResNet50().state_dict().items()}
    extra = {"module.encoder_q.fc.0.weight": torch.zeros(2, 2), "module.queue": torch.zeros(2)}
    torch.save({"state_dict": state | extra, "arch": "resnet50"}, tmp_path / "moco.pth.tar")
    objective = build_objective(config, similarity_file=tmp_path / "moco.pth.tar")
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.rand(2, 3, 64, 64, generator=rng) * 2 - 1 for _ in range(2))
    offsets = torch.zeros(2, 4, 8)
    assert float(objective(a, a, offsets)["similarity"]) == pytest.approx(0.0, abs=1e-5)
    b.requires_grad_()
    different = objective(b, a, offsets)["similarity"]
    assert float(different) > 1e-4
    different.backward()
    assert b.grad is not None and float(b.grad.abs().sum()) > 0
    assert not any(p.requires_grad for p in objective.parameters())
    torch.save({"state_dict": {"conv1.weight": torch.zeros(3)}}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="ResNet-50 of MoCo"):
        build_objective(config, similarity_file=tmp_path / "other.pth")


def test_the_presets_have_the_numbers_of_the_paper() -> None:
    weights = {name: dataclasses.asdict(preset(name).losses) for name in ("ffhq_encode", "ffhq_frontalize")}
    told = {name: {key: value for key, value in each.items() if value} for name, each in weights.items()}
    assert told["ffhq_encode"] == {"l2": 1.0, "lpips": 0.8, "identity": 0.1, "identity_share": 1.0}
    assert told["ffhq_frontalize"] == {
        **{"l2": 0.001, "lpips": 0.08, "l2_crop": 0.01, "lpips_crop": 0.8, "identity": 1.0},
        **{"w_norm": 0.005, "identity_share": 1.0},
    }
    for name, channels in (("celebs_sketch_to_face", 1), ("celebs_seg_to_face", 19)):
        run = preset(name)
        assert (run.model.encoder.in_channels, run.losses.identity, run.losses.w_norm) == (channels, 0, 0.005)
        assert not run.data.flip
    assert preset("celebs_super_resolution").data.resize_factors == (1, 2, 4, 8, 16, 32)
    assert (preset("toonify").losses.identity, preset("toonify").losses.w_norm) == (1.0, 0.025)
    for name in ("ffhq_encode", "toonify", "domain", "celebs_sketch_to_face"):
        run = preset(name)
        plan = run.optimizer
        assert (plan.name, plan.lr, plan.batch, plan.clip, plan.beta1) == ("ranger", 1e-4, 8, 0.0, 0.95)
        assert run.encoder == "ir_se50" and run.start_from_w_avg
        assert run.model.encoder.in_size == run.compare_at == 256
