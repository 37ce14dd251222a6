"""The official training step: every loss, the gradients and what Ranger makes of them, for seeded weights."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from psp.inference.quality import lpips_network
from psp.losses.identity import IdentityLoss, face_crop
from psp.losses.objective import LossWeights, Objective
from psp.models.architecture import infer_config
from psp.models.irse import ArcFace
from psp.models.psp import PSP
from psp.training.coach import Coach, Start
from psp.training.data.sources import open_sources
from psp.training.machine import open_accelerator
from psp.training.presets import preset
from psp.training.ranger import Ranger
from tests.official import CASES, GOLDEN

SEED = 2029
OURS = {
    "loss_id": "identity",
    "loss_l2": "l2",
    "loss_lpips": "lpips",
    "loss_lpips_crop": "lpips_crop",
    "loss_l2_crop": "l2_crop",
    "loss_w_norm": "w_norm",
    "loss": "loss",
}
RUNS = {
    "A": ("ffhq_encode", dataclasses.replace(preset("ffhq_encode").losses, w_norm=0.005)),
    "B": ("ffhq_frontalize", preset("ffhq_frontalize").losses),
}


def batch(*seed: int) -> Tensor:
    """Two smooth pictures [2,3,256,256] in [−1,1]."""
    small = np.random.default_rng(seed).uniform(-1, 1, (2, 3, 8, 8)).astype(np.float32)
    large = F.interpolate(torch.from_numpy(small), size=(256, 256), mode="bicubic", align_corners=False)
    return large.clamp(-1, 1)


def seeded_arcface() -> ArcFace:
    """ArcFace with weights by the rules of ``tests/golden/README.md``."""
    network = ArcFace()
    state = {}
    for key, value in network.state_dict().items():
        rng = np.random.default_rng([SEED, zlib.crc32(f"arcface.{key}".encode())])
        x = torch.from_numpy(rng.standard_normal(tuple(value.shape)).astype(np.float32))
        if key.endswith("num_batches_tracked"):
            state[key] = torch.zeros_like(value)
        elif key.endswith("running_var"):
            state[key] = 1 + 0.1 * x.abs()
        elif value.dim() == 4:
            state[key] = x * float(np.float32((1 / np.prod(value.shape[1:])) ** 0.5))
        elif value.dim() == 2:
            state[key] = x * float(np.float32((1 / value.shape[1]) ** 0.5))
        elif value.dim() == 1 and key.endswith(".weight"):
            state[key] = 0.5 + 0.1 * x
        else:
            state[key] = 0.1 * x
    network.load_state_dict(state)
    return network


@pytest.fixture(scope="module")
def identity() -> IdentityLoss:
    return IdentityLoss(seeded_arcface())


def official_model() -> PSP:
    case = CASES["w_256"]
    state = case.state_dict()
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    model = PSP(infer_config(shapes, "BackboneEncoderUsingLastLayerIntoW", 256))
    model.load_state_dict(state | {"latent_avg": case.latent_avg()})
    return model


def test_every_loss_and_its_gradient_is_the_official_one(identity: IdentityLoss) -> None:
    golden = json.loads((GOLDEN / "losses.json").read_text())
    target = batch(SEED, 10, 0)
    image = (1.2 * batch(SEED, 13)).requires_grad_()
    lpips = lpips_network()
    crop, wanted = face_crop(image), face_crop(target)
    losses = {
        "id": identity(image, target).mean(),
        "l2": (image - target).square().mean(),
        "lpips": lpips(image, target).mean(),
        "l2_crop": (crop - wanted).square().mean(),
        "lpips_crop": lpips(crop, wanted).mean(),
    }
    for name, loss in losses.items():
        (gradient,) = torch.autograd.grad(loss, image)
        assert float(loss) == pytest.approx(golden[name]["value"], rel=2e-5), name
        assert float(gradient.norm()) == pytest.approx(golden[name]["gradient"], rel=1e-3), name


def test_ranger_is_the_official_one() -> None:
    golden = np.load(GOLDEN / "ranger.npz")
    rng = np.random.default_rng([SEED, 11])
    parameters = [torch.nn.Parameter(_draw(rng, shape)) for shape in ((3, 2, 3, 3), (5,))]
    optimizer = Ranger(parameters, lr=1e-2)
    for step in range(20):
        rng = np.random.default_rng([SEED, 12, step])
        for parameter in parameters:
            parameter.grad = _draw(rng, tuple(parameter.shape))
        optimizer.step()
        for parameter, name in zip(parameters, ("conv", "vector"), strict=True):
            np.testing.assert_allclose(parameter.detach().numpy(), golden[name][step], rtol=1e-12, atol=1e-14)


def _draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32)).double()


def official_coach(run: str, identity: IdentityLoss, folder: Path) -> Coach:
    """Our coach on the official model, with the preset's optimizer and the run's pictures."""
    (folder / "data").mkdir()
    Image.new("RGB", (256, 256)).save(folder / "data" / "unused.png")
    name, losses = RUNS[run]
    model = official_model()
    base = preset(name)
    config = dataclasses.replace(
        base,
        model=model.config,
        losses=losses,
        optimizer=dataclasses.replace(base.optimizer, batch=2),
        task="encode",
        measured=0,
    )
    coach = Coach(
        config,
        open_sources(folder / "data"),
        Objective(losses, lpips_network(), identity),
        folder / "run",
        open_accelerator(config, "cpu"),
        Start(model),
    )
    coach._parts = _pictures(run)
    return coach


def _pictures(run: str) -> Iterator[tuple[Tensor, Tensor]]:
    for step in range(8):
        inputs = batch(SEED, 9, step)
        yield inputs, inputs if run == "A" else batch(SEED, 10, step)


def check_steps(run: str, steps: int, identity: IdentityLoss, folder: Path) -> Coach:
    """Do ``steps`` steps; every term of each must be the official one."""
    golden = np.load(GOLDEN / "train_w_256.npz")
    columns = {str(name): index for index, name in enumerate(golden["terms"])}
    coach = official_coach(run, identity, folder)
    for step in range(steps):
        terms = coach.step()
        for official, ours in OURS.items():
            wanted = golden[f"{run}_terms"][step, columns[official]]
            if not np.isnan(wanted):
                assert terms[ours] == pytest.approx(wanted, rel=1e-4), (step, ours)
        assert terms["gradient"] == pytest.approx(golden[f"{run}_grad_norm"][step], rel=2e-3), step
    return coach


@pytest.mark.slow
@pytest.mark.parametrize("run", ["A", "B"])
def test_two_steps_have_the_official_losses_and_gradients(
    run: str, identity: IdentityLoss, tmp_path: Path
) -> None:
    check_steps(run, 2, identity, tmp_path)


@pytest.mark.slow
def test_after_eight_steps_the_weights_are_the_official_ones(identity: IdentityLoss, tmp_path: Path) -> None:
    golden = np.load(GOLDEN / "train_w_256.npz")
    before = CASES["w_256"].state_dict()
    coach = check_steps("A", 8, identity, tmp_path)
    after = coach.model.encoder.state_dict()
    for index, name in enumerate(golden["names"]):
        change = (after[str(name)].double() - before[f"encoder.{name}"].double()).flatten()
        # Changes of 1e-6 to 1e-5 in weights about 1: float32 keeps two or three digits of them.
        np.testing.assert_allclose(
            change[:64], golden["A_diff_head"][index], rtol=5e-3, atol=3e-7, err_msg=str(name)
        )
        assert float(change.norm()) == pytest.approx(golden["A_diff_norm"][index], rel=3e-2), name


def test_the_presets_weigh_the_terms_as_the_official_commands_do() -> None:
    golden = np.load(GOLDEN / "train_w_256.npz")
    columns = {str(name): index for index, name in enumerate(golden["terms"])}
    for run, (_, losses) in RUNS.items():
        assert isinstance(losses, LossWeights)
        for row in golden[f"{run}_terms"]:
            terms = {ours: row[columns[theirs]] for theirs, ours in OURS.items() if ours != "loss"}
            total = sum(getattr(losses, name) * value for name, value in terms.items() if not np.isnan(value))
            assert total == pytest.approx(row[columns["loss"]], rel=1e-6)
