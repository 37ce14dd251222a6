"""StyleGAN2 generators from files: every kind that is known opens, every other one says what to do."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

import pytest
import torch

from psp.checkpoints import open_generator, save_psp
from psp.checkpoints.generators import average_code, save_generator
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from psp.models.generator import Generator, GeneratorConfig
from tests.compact import compact_config, compact_model

SHAPE = GeneratorConfig(size=256, style_dim=32, n_mlp=2, channels=(16, 16, 16, 16, 8, 8, 4))


@pytest.fixture(scope="module")
def generator() -> Generator:
    """256 px, narrow, as rosinality's code has it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Generator(SHAPE).eval()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", offline=True)


def rosinality(generator: Generator, path: Path, **more: object) -> Path:
    """A checkpoint of a training: averaged generator, other networks, options."""
    state = generator.state_dict()
    torch.save({"g_ema": state, "g": state, "d": {}, "args": argparse.Namespace(size=256), **more}, path)
    return path


def test_rosinalitys_checkpoint_opens_whatever_its_shape(
    generator: Generator, tmp_path: Path, settings: Settings
) -> None:
    average = torch.arange(32.0)
    path = rosinality(generator, tmp_path / "mine.pt", latent_avg=average)
    opened = open_generator(path, settings)
    assert opened.generator.config == SHAPE
    assert torch.equal(opened.w_avg, average.expand(14, -1))
    codes = torch.randn(1, 14, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(opened.generator(codes), generator(codes))


def test_an_absent_average_is_computed_and_always_the_same(
    generator: Generator, tmp_path: Path, settings: Settings
) -> None:
    path = rosinality(generator, tmp_path / "mine.pt")
    first, second = open_generator(path, settings).w_avg, open_generator(path, settings).w_avg
    assert torch.equal(first, second)
    draw = torch.Generator().manual_seed(99)  # other samples, so that equality is not by construction
    with torch.inference_mode():
        others = generator.map(torch.randn(100_000, 32, generator=draw))
    spread = others.std(dim=0)
    assert ((first[0] - others.mean(dim=0)).abs() < 6 * spread * (2 / 100_000) ** 0.5).all()
    assert torch.equal(first[0], average_code(generator))


def test_a_checkpoint_without_noise_gets_fixed_noise(
    generator: Generator, tmp_path: Path, settings: Settings
) -> None:
    state = {key: value for key, value in generator.state_dict().items() if not key.startswith("noises.")}
    torch.save({"g_ema": state}, tmp_path / "old.pt")
    first, second = (open_generator(tmp_path / "old.pt", settings).generator for _ in range(2))
    assert first.config == SHAPE
    assert torch.equal(first.noises[12], second.noises[12]) and first.noises[12].std() > 0.9


def test_the_studios_own_generators_open(tmp_path: Path, settings: Settings) -> None:
    model = compact_model(compact_config(n_mlp=2))
    save_generator(tmp_path / "alone.safetensors", model.decoder, torch.full((32,), 0.25), {})
    opened = open_generator(tmp_path / "alone.safetensors", settings)
    assert opened.generator.config == model.config.generator
    assert opened.w_avg.eq(0.25).all()
    save_psp(model, tmp_path / "encode.safetensors", precision="float32", decoder_file="part.safetensors")
    of_model = open_generator(tmp_path / "encode.safetensors", settings).generator
    assert torch.equal(of_model.input.input, model.decoder.input.input)
    with pytest.raises(CheckpointError, match=r"encode\.safetensors"):
        open_generator(tmp_path / "part.safetensors", settings)


def test_a_family_gives_its_generator(settings: Settings) -> None:
    opened = open_generator("mobile-1024", settings)
    assert opened.generator.config.size == 128
    assert opened.w_avg.abs().sum() > 0


def test_the_official_generator_is_told_to_be_absent_with_what_to_do(settings: Settings) -> None:
    with pytest.raises(ModelNotFoundError, match="PSP_WEIGHTS_DIR"):
        open_generator("stylegan2-ffhq", settings)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"synthesis.b4.const": torch.zeros(2)}, "stylegan2-ada-pytorch"),
        ({"g_ema": {"synthesis.L0_36_512.weight": torch.zeros(2)}}, "StyleGAN3"),
        ({"generator.progression.0.conv": torch.zeros(2)}, r"StyleGAN \(1\)"),
        ({"weights": torch.zeros(2)}, "it holds weights"),
        ({"g_ema": 3}, "no 'g_ema'"),
    ],
)
def test_other_networks_are_named_with_how_to_convert_them(
    content: dict[str, object], words: str, tmp_path: Path, settings: Settings
) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=f"{words}.*convert_weight.py.*export_weights.py"):
        open_generator(tmp_path / "other.pt", settings)


def test_nvidias_pickles_are_refused_without_running_them(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "network.pkl").write_bytes(pickle.dumps({"G_ema": argparse.ArgumentParser}))
    with pytest.raises(CheckpointError, match=r"pickle of NVIDIA's code.*export_weights.py"):
        open_generator(tmp_path / "network.pkl", settings)


def test_a_generator_with_other_layers_is_refused(
    generator: Generator, tmp_path: Path, settings: Settings
) -> None:
    state = generator.state_dict() | {"convs.0.attention.weight": torch.zeros(2)}
    torch.save({"g_ema": state}, tmp_path / "odd.pt")
    with pytest.raises(CheckpointError, match="attention"):
        open_generator(tmp_path / "odd.pt", settings)
