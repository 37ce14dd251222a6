"""Bundled files are believed by their sha256: all are on the lists, and a damaged one is told, not used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from psp import PspPipeline
from psp.checkpoints import load_psp
from psp.cli.main import main
from psp.config import Settings
from psp.errors import CheckpointError, PspError
from psp.faces import detection
from psp.files.bundled import assets_dir
from psp.files.pins import PINNED, SUMS, hash_file, read_pins, require_pinned, write_pins
from psp.inference import examples, quality
from psp.inference.examples import EXAMPLES, rendered

ROOT = assets_dir().parent


def flip(path: Path, count: int = 2000, start: float = 0.5) -> None:
    """Flip ``count`` bytes in the middle: size and header stay, and so do the times."""
    state = path.stat()
    data = bytearray(path.read_bytes())
    begin = int(len(data) * start)
    for index in range(begin, min(begin + count, len(data))):
        data[index] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("folder", PINNED)
def test_every_file_is_on_its_list(folder: str) -> None:
    """Where this fails after files were replaced on purpose, run: python -m psp models pin."""
    place = ROOT / folder
    there = {
        path.relative_to(place).as_posix(): hash_file(path)
        for pattern in PINNED[folder]
        for path in place.glob(pattern)
    }
    assert there
    assert read_pins(place) == there, "run: python -m psp models pin"


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    return shutil.copytree(assets_dir(), tmp_path / "assets")


@pytest.mark.parametrize("task", ["encode", "toonify"])
def test_flipped_bytes_in_a_bundled_model_are_an_error(assets: Path, tmp_path: Path, task: str) -> None:
    settings = Settings(cache_dir=tmp_path / "cache", offline=True)
    load_psp(task=task, settings=settings, assets=assets)
    flip(assets / "mobile-1024" / f"{task}.safetensors")
    with pytest.raises(
        CheckpointError, match=rf"{task}\.safetensors is damaged: its sha256.*Restore assets/"
    ):
        load_psp(task=task, settings=settings, assets=assets)


def test_a_damaged_generator_or_base_is_an_error(assets: Path, tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path / "cache", offline=True)
    for name, task in (("encode", "toonify"), ("generator", "encode")):
        path = assets / "mobile-1024" / f"{name}.safetensors"
        load_psp(task=task, settings=settings, assets=assets)
        flip(path)
        with pytest.raises(CheckpointError, match=rf"{name}\.safetensors is not the (generator|base)"):
            load_psp(task=task, settings=settings, assets=assets)
        flip(path)  # as it was


def test_the_command_line_says_so_and_makes_nothing(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("psp.registry.lookup.assets_dir", lambda: assets)
    monkeypatch.setattr("psp.checkpoints.find.assets_dir", lambda: assets)
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path / "cache"))
    flip(assets / "mobile-1024" / "encode.safetensors")
    photo = ROOT / "examples" / "photos" / "synthetic_1.jpg"
    assert main(["encode", str(photo), "--no-align", "-o", str(tmp_path / "out")]) == 2
    assert "encode.safetensors is damaged" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_truncated_missing_and_unlisted_files_are_told(assets: Path, tmp_path: Path) -> None:
    path = assets / "mobile-1024" / "encode.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(CheckpointError, match="is damaged"):
        require_pinned(path, assets)
    path.write_bytes(bytes(len(whole)))  # a disk that gave zeros
    with pytest.raises(CheckpointError, match="is damaged"):
        require_pinned(path, assets)
    path.write_bytes(whole)
    require_pinned(path, assets)
    (assets / "mobile-1024" / "new.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"does not list mobile-1024/new\.safetensors.*models pin"):
        require_pinned(assets / "mobile-1024" / "new.safetensors", assets)
    before = len(read_pins(assets))
    assert write_pins(assets, PINNED["assets"]) == before + 1
    require_pinned(assets / "mobile-1024" / "new.safetensors", assets)
    (assets / SUMS).write_text("nonsense\n")
    with pytest.raises(CheckpointError, match="assets/SHA256SUMS is damaged"):
        require_pinned(path, assets)
    (assets / SUMS).unlink()
    with pytest.raises(CheckpointError, match="assets/SHA256SUMS cannot be read"):
        require_pinned(path, assets)


def test_a_file_is_hashed_once_as_long_as_it_does_not_change(
    assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    monkeypatch.setattr("psp.files.pins.hash_file", lambda path: hashed.append(path) or hash_file(path))
    path = assets / "lpips" / "lpips-alex.safetensors"
    for _ in range(3):
        require_pinned(path, assets)
    assert hashed == [path]


def test_the_weights_of_the_measure_are_checked(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = assets / "lpips" / "lpips-alex.safetensors"
    monkeypatch.setattr(quality, "LPIPS_FILE", path)
    monkeypatch.setattr(quality, "assets_dir", lambda: assets)
    assert quality.lpips_weights()
    flip(path)
    with pytest.raises(CheckpointError, match=r"lpips-alex\.safetensors is damaged"):
        quality.lpips_weights()


def test_dlibs_files_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "mmod_human_face_detector.dat"
    whole = detection.dlib_file(name)
    (tmp_path / "models").mkdir()
    shutil.copy(whole, tmp_path / "models" / name)

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr("importlib.util.find_spec", lambda package: Spec)
    assert detection.dlib_file(name).parent.parent == tmp_path
    detection._require_whole.cache_clear()
    flip(tmp_path / "models" / name, 20)
    with pytest.raises(PspError, match=r"mmod.*is damaged.*pip install --force-reinstall"):
        detection.dlib_file(name)
    detection._require_whole.cache_clear()


def test_a_damaged_result_of_an_example_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "examples"
    example = EXAMPLES[0]
    shutil.copytree(example.results, folder / example.results.relative_to(examples.FOLDER))
    shutil.copy(examples.FOLDER / SUMS, folder)
    monkeypatch.setattr(examples, "FOLDER", folder)
    monkeypatch.setattr(examples, "RESULTS", folder / "results")
    found = rendered(example)
    for path in (*found.pictures, found.latents):
        before = path.read_bytes()
        flip(path, 20)
        with pytest.raises(CheckpointError, match="is damaged"):
            rendered(example)
        path.write_bytes(before)
    found.latents.with_suffix(".json").write_text("{")
    with pytest.raises(CheckpointError, match=r"encode\.json is damaged"):
        rendered(example)


def test_a_picture_is_not_made_of_numbers_that_are_none(tmp_path: Path) -> None:
    """What no file tells: weights that are sound one by one, and give no picture."""
    import torch

    from psp.checkpoints import save_psp
    from tests.compact import compact_model

    photo = Image.new("RGB", (64, 64), "white")
    for name, change in (("far", 1e11), ("nan", float("-1"))):
        model = compact_model()
        if name == "far":
            model.decoder.to_rgb1.conv.weight.data.mul_(change)
        else:  # a negative variance: its root is no number
            norm = next(m for m in model.encoder.modules() if isinstance(m, torch.nn.BatchNorm2d))
            norm.running_var.fill_(change)
        save_psp(model, tmp_path / f"{name}.safetensors", precision="float32")
        pipe = PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path))
        with pytest.raises(CheckpointError, match=r"The model gave no picture.*get it again"):
            pipe.encode(photo, str(tmp_path / f"{name}.safetensors"), align=False)
