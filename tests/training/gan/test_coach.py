"""The real loop of a generator's training, a few steps on a CPU, and its losses against values by hand."""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from psp.checkpoints import load_tensors
from psp.checkpoints.generators import save_generator
from psp.cli.train_generator import add_train_generator
from psp.errors import ModelNotFoundError, TrainingError
from psp.inference.quality import lpips_network
from psp.losses.adversarial import discriminator_loss, generator_loss, path_lengths, r1_penalty
from psp.models.discriminator import Discriminator, DiscriminatorConfig
from psp.models.generator import Generator, GeneratorConfig
from psp.training.data.sources import open_sources
from psp.training.gan.coach import STATE_FILE, GanCoach, lazy_adam, seeded
from psp.training.gan.config import GanConfig, gan_preset, gan_preset_names
from psp.training.gan.run import GanRunOptions, train_generator
from psp.training.gan.state import GanState, load_generator, save_discriminator
from psp.training.loop import Progress
from psp.training.state import Position

CONFIG = GanConfig(
    name="test",
    generator=GeneratorConfig(size=16, style_dim=16, n_mlp=2, channels=(8, 8, 8)),
    discriminator=DiscriminatorConfig(size=16, channels=(8, 8, 8)),
    batch=4,
    r1_every=2,
    ema_pictures=16,
    ada_target=-1.0,  # all but always exceeded, so that the augmentation joins in
    ada_pictures=40,
    ada_every=2,
    pictures=24,
    seed=2,
    log_every=2,
    sheet_every=100,
    save_every=3,
    frechet_pictures=0,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight smooth pictures."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "train"
    folder.mkdir(parents=True)
    for index in range(8):
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        small.resize((16, 16), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return tmp_path / "data"


def coach(data: Path, out: Path, config: GanConfig = CONFIG, **more: object) -> GanCoach:
    return GanCoach(config, open_sources(data), out, torch.device("cpu"), **more)  # type: ignore[arg-type]


def everything(state: GanState) -> dict[str, torch.Tensor]:
    """All that a run changes, flat."""
    out = {"w_avg": state.w_avg, "path_mean": state.path_mean}
    for name in ("generator", "average", "discriminator"):
        out |= {f"{name}.{key}": value for key, value in getattr(state, name).state_dict().items()}
    for name in ("generator_optimizer", "discriminator_optimizer"):
        for index, entry in getattr(state, name).state_dict()["state"].items():
            out |= {f"{name}.{index}.{key}": value for key, value in entry.items()}
    return out


def test_the_logistic_losses_by_hand() -> None:
    real, fake = torch.tensor([0.0, 2.0]), torch.tensor([1.0, -1.0])
    on_real = (math.log(2) + math.log(1 + math.exp(-2))) / 2
    on_fake = (math.log(1 + math.e) + math.log(1 + math.exp(-1))) / 2
    assert discriminator_loss(real, fake).item() == pytest.approx(on_real + on_fake)
    assert generator_loss(fake).item() == pytest.approx(on_fake)  # symmetric scores
    assert generator_loss(torch.tensor([3.0])).item() == pytest.approx(math.log(1 + math.exp(-3)))
    # Non-saturating: the worse the picture, the stronger the pull, up to 1.
    scores = torch.tensor([-20.0, 20.0], requires_grad=True)
    generator_loss(scores).backward()
    assert scores.grad is not None
    assert scores.grad.tolist() == pytest.approx([-0.5, 0.0], abs=1e-6)


def test_the_gradient_penalty_of_a_linear_discriminator_is_its_weights() -> None:
    weight = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    images = torch.rand(5, 3, 4, 4)
    penalty = r1_penalty(lambda x: (x * weight).sum(dim=(1, 2, 3)), images, gamma=3.0)
    assert penalty.item() == pytest.approx(1.5 * weight.detach().square().sum().item(), rel=1e-5)
    penalty.backward()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, 3.0 * weight.detach())
    assert not images.requires_grad


def test_the_path_length_of_a_scaling_is_its_factor() -> None:
    # G(w) = 5·w as a picture: Jᵀy = 5·y, and |y| = √3 for three channels (divided by √(H·W)).
    codes = torch.randn(64, 1, 3 * 16 * 16, generator=torch.Generator().manual_seed(0), requires_grad=True)
    lengths = path_lengths(5.0 * codes.view(64, 3, 16, 16), codes, torch.Generator().manual_seed(1))
    assert lengths.mean().item() == pytest.approx(5 * math.sqrt(3), rel=0.02)


def test_a_lazy_optimizer_moves_as_far_and_remembers_as_long() -> None:
    group = lazy_adam([torch.nn.Parameter(torch.zeros(1))], 0.0017, (0.0, 0.99), 16).param_groups[0]
    assert group["lr"] == pytest.approx(0.0016)
    assert group["betas"] == pytest.approx((0.0, 0.99 ** (16 / 17)))
    group = lazy_adam([torch.nn.Parameter(torch.zeros(1))], 0.002, (0.0, 0.99), 0).param_groups[0]
    assert (group["lr"], group["betas"]) == (0.002, (0.0, 0.99))


def test_chance_depends_on_its_numbers_alone() -> None:
    first = torch.randn(4, generator=seeded(1, 0, 7))
    assert torch.equal(first, torch.randn(4, generator=seeded(1, 0, 7)))
    assert not torch.equal(first, torch.randn(4, generator=seeded(1, 0, 8)))


def test_both_networks_learn_and_the_average_follows(data: Path, tmp_path: Path) -> None:
    runner = coach(data, tmp_path / "run")
    before = {key: value.clone() for key, value in everything(runner.state).items()}
    state = torch.get_rng_state()
    for step in range(2):
        runner.state.position = Position(step, 4 * step)
        terms = runner._step(runner.pictures.batch(step, CONFIG.batch).targets)
        assert {"generator", "discriminator", "sign"} <= set(terms)
        assert ("r1" in terms) == (step % 2 == 0)
    assert torch.equal(torch.get_rng_state(), state)
    after = everything(runner.state)
    for name in ("generator", "average", "discriminator"):
        for key, _ in getattr(runner.state, name).named_parameters():
            assert not torch.equal(before[f"{name}.{key}"], after[f"{name}.{key}"]), f"{name}.{key}"
    assert runner.state.w_avg.abs().sum() > 0
    assert runner.state.ada.p > 0


def test_half_precision_keeps_weights_and_losses_in_float32(data: Path, tmp_path: Path) -> None:
    runner, exact = coach(data, tmp_path / "run"), coach(data, tmp_path / "run")
    runner._autocast = True  # on the CPU too, here
    images = runner.pictures.batch(0, CONFIG.batch).targets
    terms, wanted = runner._step(images), exact._step(images)
    assert all(
        terms[name] == pytest.approx(wanted[name], abs=0.02) for name in ("generator", "discriminator")
    )
    assert {value.dtype for value in everything(runner.state).values()} == {torch.float32}


@pytest.mark.gpu
def test_a_run_on_cuda_resumes(data: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, half=True, frechet_pictures=32, path=2.0)
    device = torch.device("cuda")
    for pictures in (12, 24):
        part = dataclasses.replace(config, pictures=pictures)
        runner = GanCoach(part, open_sources(data), tmp_path / "run", device, lpips_network().to(device))
        runner.run()
        assert runner.state.position.pictures == pictures
    lpips_network().cpu()


def test_the_average_moves_by_its_half_life(data: Path, tmp_path: Path) -> None:
    runner = coach(data, tmp_path / "run", dataclasses.replace(CONFIG, ema_pictures=4))
    runner.state.position = dataclasses.replace(runner.state.position, step=1000)
    with torch.no_grad():
        runner.state.generator.to_rgb1.bias.fill_(1.0)
        runner._update_average(seeded(0))
    bias = runner.state.average.to_rgb1.bias
    torch.testing.assert_close(bias, torch.full_like(bias, 0.5))  # a batch of 4 is one half-life
    torch.testing.assert_close(
        runner.state.w_avg, 0.5 * runner.state.average.map(torch.randn(4, 16, generator=seeded(0))).mean(0)
    )


def test_codes_mix_two_w_at_one_layer(data: Path, tmp_path: Path) -> None:
    never = coach(data, tmp_path / "run", dataclasses.replace(CONFIG, mixing=0.0))._draw_codes(8, seeded(0))
    assert torch.equal(never, never[:, :1].expand_as(never))
    always = coach(data, tmp_path / "run", dataclasses.replace(CONFIG, mixing=1.0))._draw_codes(8, seeded(0))
    changes = (always[:, 1:] != always[:, :-1]).any(dim=2).sum(dim=1)
    assert changes.tolist() == [1] * 8
    assert torch.equal(always[:, 0], never[:, 0])


@pytest.mark.parametrize("path", [0.0, 2.0])
def test_a_resumed_run_equals_the_unbroken_one(data: Path, tmp_path: Path, path: float) -> None:
    config = dataclasses.replace(CONFIG, path=path, path_every=2)
    whole = coach(data, tmp_path / "whole", config)
    whole.run()
    first = coach(data, tmp_path / "parts", config)
    stop = iter([False, False, False, False, True])  # the fifth step never happens; the third was saved
    original = first._step

    def step(images: torch.Tensor) -> dict[str, float]:
        if next(stop):
            raise KeyboardInterrupt
        return original(images)

    first._step = step  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        first.run()
    second = coach(data, tmp_path / "parts", config)
    assert second.resumed
    assert second.state.position.step == 3
    second.run()
    assert second.state.position.pictures == whole.state.position.pictures == 24
    assert second.state.ada == whole.state.ada
    assert whole.state.ada.p > 0
    wanted, got = everything(whole.state), everything(second.state)
    assert wanted.keys() == got.keys()
    for key, value in wanted.items():
        assert torch.equal(value, got[key]), key
    assert (whole.state.path_mean > 0) == (path > 0)


def test_a_run_leaves_curves_sheets_and_a_distance(data: Path, tmp_path: Path) -> None:
    lines: list[Progress] = []
    config = dataclasses.replace(CONFIG, pictures=16, sheet_every=2, frechet_pictures=32)
    coach(data, tmp_path / "run", config, report=lines.append, lpips=lpips_network()).run()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"scalars.csv", STATE_FILE, "sheet-00000008.png", "sheet-00000016.png"} <= names
    with Image.open(tmp_path / "run" / "sheet-00000016.png") as sheet:
        assert sheet.size == (12 * 16, 4 * 16)
    measured = [line.terms["frechet"] for line in lines if "frechet" in line.terms]
    assert len(measured) == 2  # the last sheet counts once
    assert all(value > 0 for value in measured)
    assert "samples,16,frechet" in (tmp_path / "run" / "scalars.csv").read_text(encoding="utf-8")


def test_the_clock_stops_a_run_with_a_checkpoint(data: Path, tmp_path: Path) -> None:
    coach(data, tmp_path / "run", dataclasses.replace(CONFIG, pictures=10**9)).run(minutes=0.005)
    assert (tmp_path / "run" / STATE_FILE).exists()


@pytest.mark.parametrize("broken", ["generator", "discriminator"])
def test_a_nan_stops_the_run_and_the_last_good_state_stays(data: Path, tmp_path: Path, broken: str) -> None:
    runner = coach(data, tmp_path / "run")
    with torch.no_grad():
        next(getattr(runner.state, broken).parameters()).fill_(float("nan"))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / STATE_FILE).write_bytes(b"the last good one")
    with pytest.raises(TrainingError, match="nan"):
        runner.run()
    with pytest.raises(TrainingError, match="NaN"):
        runner.save()
    assert (tmp_path / "run" / STATE_FILE).read_bytes() == b"the last good one"


def test_a_state_of_another_run_is_refused(data: Path, tmp_path: Path) -> None:
    runner = coach(data, tmp_path / "run")
    runner.save()
    with pytest.raises(TrainingError, match="'test'"):
        coach(data, tmp_path / "run", dataclasses.replace(CONFIG, name="other"))
    wider = dataclasses.replace(CONFIG, discriminator=DiscriminatorConfig(16, (8, 8, 16)))
    with pytest.raises(TrainingError, match="architecture"):
        coach(data, tmp_path / "run", wider)


@pytest.mark.slow
def test_a_later_run_goes_on_from_what_was_kept(data: Path, tmp_path: Path) -> None:
    first = coach(data, tmp_path / "first")
    first.run()
    first.save_for_later(tmp_path / "kept")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {
        "generator.safetensors",
        "discriminator.safetensors",
    }
    second = coach(data, tmp_path / "second")
    second.start_from(tmp_path / "kept")
    assert second.state.position.pictures == 0
    assert second.state.ada.p == first.state.ada.p > 0
    torch.testing.assert_close(second.state.w_avg, first.state.w_avg, rtol=1e-3, atol=1e-3)
    for ours, theirs in (
        (second.state.generator, first.state.average),
        (second.state.average, first.state.average),
        (second.state.discriminator, first.state.discriminator),
    ):
        wanted = theirs.state_dict()
        for key, value in ours.state_dict().items():
            torch.testing.assert_close(value, wanted[key], rtol=1e-3, atol=1e-3)
    second.run()


def test_what_was_not_kept_by_this_preset_is_refused(data: Path, tmp_path: Path) -> None:
    runner = coach(data, tmp_path / "run")
    with pytest.raises(ModelNotFoundError):
        runner.start_from(tmp_path / "nothing")
    runner.save_for_later(tmp_path / "kept")
    wider = dataclasses.replace(CONFIG, discriminator=DiscriminatorConfig(16, (8, 8, 16)))
    with pytest.raises(TrainingError, match="architecture"):
        coach(data, tmp_path / "other", wider).start_from(tmp_path / "kept")
    (tmp_path / "kept" / "discriminator.safetensors").rename(tmp_path / "kept" / "generator.safetensors")
    with pytest.raises(TrainingError, match="folder"):
        runner.start_from(tmp_path / "kept")


def test_what_comes_out_is_a_decoder_with_its_average_code(data: Path, tmp_path: Path) -> None:
    path = train_generator(CONFIG, GanRunOptions(data, tmp_path / "run"))
    assert path == tmp_path / "run" / "model" / "generator.safetensors"
    tensors, metadata = load_tensors(path)
    assert metadata["format"] == "psp-studio/1-decoder"
    assert metadata["pictures"] == "24"
    generator = Generator(CONFIG.generator)
    assert set(tensors) == {"latent_avg", *(f"decoder.{key}" for key in generator.state_dict())}
    assert tensors["latent_avg"].shape == (CONFIG.generator.n_codes, 16)
    w_avg, _ = load_generator(path, generator)
    assert generator(w_avg.expand(1, CONFIG.generator.n_codes, -1)).shape == (1, 3, 16, 16)
    again = dataclasses.replace(CONFIG, pictures=8)
    train_generator(again, GanRunOptions(data, tmp_path / "more", start_from=tmp_path / "run" / "training"))


@pytest.mark.parametrize("name", gan_preset_names())
def test_every_preset_fits_a_space(name: str, tmp_path: Path) -> None:
    config = gan_preset(name)
    with torch.random.fork_rng(devices=[]):
        generator, discriminator = Generator(config.generator), Discriminator(config.discriminator)
    save_generator(tmp_path / "g", generator, torch.zeros(config.generator.style_dim), {})
    save_discriminator(tmp_path / "d", discriminator, {})
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert max(sizes) < 10_000_000
    assert sum(sizes) < 16_000_000


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(TrainingError, match="small128"):
        gan_preset("nothing")


def test_the_command_trains_and_says_what_it_does(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psp.training.gan.config.gan_preset", lambda name: CONFIG)
    parser = argparse.ArgumentParser()
    lines: list[str] = []
    add_train_generator(parser.add_subparsers(), lines.append, lambda setting: "cpu")
    arguments = ["train-generator", "--preset", "test", "--data", str(data), "--out", str(tmp_path / "run")]
    options = parser.parse_args([*arguments, "--pictures", "16", "--batch", "8", "--seed", "3"])
    options.run(options)
    assert lines[0].startswith("16/16")
    assert "discriminator" in lines[0]
    assert str(tmp_path / "run" / "model" / "generator.safetensors") in lines[-1]
