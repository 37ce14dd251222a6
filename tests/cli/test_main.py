"""The command line gives the same bytes as Python, and errors in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from psp.checkpoints import load_psp
from psp.cli.main import main
from psp.config import Settings
from psp.inference.pipeline import PspPipeline, Result
from tests.compact import save_compact_generator


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PSP_DEVICE", "cpu")


@pytest.fixture
def photo(astronaut: Image.Image, tmp_path: Path) -> Path:
    astronaut.save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_encode_writes_what_the_pipeline_makes(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["encode", str(photo), "-o", str(tmp_path / "out")]) == 0
    result = PspPipeline(Settings(device="cpu", cache_dir=tmp_path / "cache")).encode(photo)
    assert (tmp_path / "out" / "photo-encode.png").read_bytes() == result.png()
    assert (tmp_path / "out" / "photo-encode.safetensors").read_bytes() == result.latents_file()
    told = json.loads(capsys.readouterr().out)
    assert told["recipe"] == result.details["recipe"]


def test_a_folder_of_models_is_a_model(photo: Path, tmp_path: Path, small_assets: Path) -> None:
    best = tmp_path / "runs" / "mine" / "best"
    best.mkdir(parents=True)
    for name in ("encode", "generator", "toonify"):
        shutil.copy(small_assets / "mobile-1024" / f"{name}.safetensors", best)
    out = ["-o", str(tmp_path / "out")]
    assert main(["encode", str(photo), "--model", str(best), *out]) == 0
    assert main(["toonify", str(photo), "--model", str(best.parent), "--strength", "0.5", *out]) == 0
    pipe = PspPipeline.from_pretrained(best, Settings(device="cpu", cache_dir=tmp_path / "cache"))
    bundled = PspPipeline(Settings(device="cpu", cache_dir=tmp_path / "cache"))
    assert np.array_equal(pipe.encode(photo).image, bundled.encode(photo).image)
    with Image.open(tmp_path / "out" / "photo-toonify.png") as made:
        assert np.array_equal(made, bundled.toonify(photo, strength=0.5).image)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--face", "7"], "no face number 7"),
        (["--model", "nothing"], "no model called 'nothing'"),
        (["--model", "absent.pt"], "absent.pt"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    photo: Path, more: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["encode", str(photo), "-o", str(tmp_path / "out"), *more]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert words in told
    assert len(told.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        (["frontalize"], {}),
        (["toonify", "--strength", "0.5"], {"strength": 0.5}),
        (["super_resolution", "--factor", "8", "--variants", "2"], {"factor": 8, "variants": 2}),
        (["style_mix", "--layers", "0-3", "--seed", "4"], {"layers": "0-3", "seed": 4}),
        (["align"], {}),
        (["photo_to_sketch", "--no-align"], {"align": False}),
        (["photo_to_mask"], {}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_every_task_on_a_photo_writes_what_the_pipeline_makes(
    photo: Path, tmp_path: Path, command: list[str], settings: dict[str, Any]
) -> None:
    assert main([command[0], str(photo), "-o", str(tmp_path / "out"), *command[1:]]) == 0
    pipeline = PspPipeline(Settings(device="cpu", cache_dir=tmp_path / "cache"))
    result: Result = getattr(pipeline, command[0])(photo, **settings)
    files = result.files(f"photo-{command[0]}")
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert written == {name: data for name, data in files.items() if not name.endswith(".json")}


@pytest.mark.slow
def test_a_clip_goes_through_photos_and_codes(photo: Path, tmp_path: Path) -> None:
    out, short = ["-o", str(tmp_path / "out")], ["--seconds", "1", "--size", "256", "--format", "gif"]
    assert main(["encode", str(photo), *out]) == 0
    codes = tmp_path / "out" / "photo-encode.safetensors"
    assert main(["move", str(photo), "--through", str(codes), str(photo), *short, *out]) == 0
    pipeline = PspPipeline(Settings(device="cpu", cache_dir=tmp_path / "cache"))
    result = pipeline.move(photo, seconds=1, size=256, format="gif", through=[codes, photo])
    assert result.clip is not None and result.recipe.settings["faces"] == 3
    assert (tmp_path / "out" / "photo-move.gif").read_bytes() == result.clip.data
    assert main(["move", str(photo), "--through", *[str(photo)] * 5, *out]) == 2


def test_drawings_and_codes_go_through_the_command_line(photo: Path, tmp_path: Path) -> None:
    out = ["-o", str(tmp_path)]
    assert main(["photo_to_sketch", str(photo), *out]) == 0
    assert main(["photo_to_mask", str(photo), *out]) == 0
    sketch, mask = tmp_path / "photo-photo_to_sketch.png", tmp_path / "photo-photo_to_mask.png"
    assert main(["sketch_to_face", str(sketch), "--seed", "3", "--alpha", "0.5", *out]) == 0
    assert main(["segmentation_to_face", str(mask), "--seed", "3", *out]) == 0
    made = tmp_path / f"{sketch.stem}-sketch_to_face.png"
    assert main(["decode", str(made.with_suffix(".safetensors")), *out]) == 0
    assert (tmp_path / f"{made.stem}-decode.png").read_bytes() == made.read_bytes()


def test_codes_are_refined(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psp.inference.decoders.STEPS", 4)
    pipeline = PspPipeline(Settings(device="cpu", cache_dir=tmp_path / "cache"))
    pipeline.encode(photo).save(tmp_path / "start.png")
    codes = tmp_path / "start.safetensors"
    assert main(["refine", str(photo), "--latents", str(codes), "-o", str(tmp_path / "out")]) == 0
    result = pipeline.refine(photo, codes)
    assert (tmp_path / "out" / "photo-refine.png").read_bytes() == result.png()
    assert (tmp_path / "out" / "photo-refine.safetensors").read_bytes() == result.latents_file()
    assert json.loads(capsys.readouterr().out)["refined"] == result.details["refined"]
    assert main(["refine", str(photo), "--likeness", "quick"]) == 2
    assert "close or exact" in capsys.readouterr().err


def test_all_faces_are_made_and_pasted_back(
    two_people: Image.Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two_people.save(tmp_path / "two.png")
    command = ["encode", str(tmp_path / "two.png"), "-o", str(tmp_path), "--face", "all", "--paste"]
    assert main(command) == 0
    assert [told["alignment"]["face"] for told in json.loads(capsys.readouterr().out)] == [0, 1]
    assert (tmp_path / "two-encode-face-1.png").is_file()
    with Image.open(tmp_path / "two-encode-in-the-photo.png") as pasted:
        assert pasted.size == two_people.size
        assert "Synthetic" in pasted.info["Description"]
    assert main([*command, "--no-align"]) == 2


def test_a_missing_photo_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encode", "nowhere.jpg"]) == 2
    assert "nowhere.jpg" in capsys.readouterr().err


def test_models_lists_what_is_there_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("mobile-1024" in line and "ready" in line for line in lines)
    assert any("psp_ffhq_toonify.pt" in line and "PSP_WEIGHTS_DIR" in line for line in lines)


def test_two_steps_make_a_model(
    astronaut: Image.Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("train", "val"):
        (tmp_path / "data" / part).mkdir(parents=True)
        astronaut.resize((128, 128)).save(tmp_path / "data" / part / "face.png")
    generator = save_compact_generator(tmp_path / "generator.safetensors")
    run = ["train", "--preset", "small", "--data", str(tmp_path / "data"), "--generator", str(generator)]
    run += ["--set", "losses.lpips=0.0"]  # 32 px are too few
    run += ["--out", str(tmp_path / "run"), "--pictures", "4", "--batch", "2", "--device", "cpu"]
    run += ["--no-compile", "--workers", "0"]
    assert main(run) == 0
    path = tmp_path / "run" / "best"
    assert load_psp(path).config.generator.size == 32
    assert main(["evaluate", "--model", str(path), "--data", str(tmp_path / "data")]) == 0
    assert "LPIPS" in capsys.readouterr().out


def test_a_task_is_evaluated_on_held_out_pictures(
    astronaut: Image.Image, tmp_path: Path, small_assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data" / "val").mkdir(parents=True)
    astronaut.resize((128, 128)).save(tmp_path / "data" / "val" / "face.png")
    command = ["evaluate", "--model", str(small_assets / "mobile-1024" / "encode.safetensors")]
    command += ["--data", str(tmp_path / "data"), "--sheet", str(tmp_path / "sheets"), "--task"]
    assert main([*command, "super_resolution"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[1:4]] == ["1/4", "1/8", "1/16"]
    assert [line.split()[:2] for line in lines[-4:-1]] == [["all", f"1/{factor}"] for factor in (4, 8, 16)]
    assert (tmp_path / "sheets" / "super_resolution-data.jpg").is_file()
    assert main([*command, "sketch_to_face"]) == 2
    assert "takes photos (3 channels)" in capsys.readouterr().err


def test_training_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--preset", "nothing", "--data", str(tmp_path)]) == 2
    assert "no preset" in capsys.readouterr().err
