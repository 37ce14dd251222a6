"""No command and no call writes over a file of the user's, whatever it is called and wherever it lies."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from PIL import Image

from psp.cli.main import main
from psp.errors import SettingsError
from psp.inference.pipeline import PspPipeline
from tests.full_disk import full_disk


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("PSP_DEVICE", "cpu")


@pytest.fixture(scope="module")
def face(astronaut: Image.Image) -> Image.Image:
    """A square face, so that no face has to be looked for."""
    return astronaut.crop((140, 0, 308, 168)).resize((128, 128))


def state(folder: Path) -> dict[str, str]:
    """Return a hash of every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


NAMES = (
    "IMG.0001.jpg",
    "IMG.0002.jpg",
    "WhatsApp Image 2024-05-01 at 10.15.30.jpeg",
    "WhatsApp Image 2024-05-01 at 10.15.31.jpeg",
    "photo.edited.png",
    "v1.2.png",
    "v1.3.png",
    "photo.png",
    "taken at 10.15.30",
    "taken at 10.15.31",
)


@pytest.mark.parametrize("command", ["encode", "photo_to_sketch", "photo_to_mask"])
def test_results_keep_the_whole_name_and_inputs_stay(face: Image.Image, tmp_path: Path, command: str) -> None:
    for name in NAMES if command == "photo_to_sketch" else NAMES[:2]:
        face.save(tmp_path / name, "PNG")
    before = state(tmp_path)
    for name in before:
        assert main([command, str(tmp_path / name), "-o", str(tmp_path), "--no-align"]) == 0
    after = state(tmp_path)
    assert {name: after[name] for name in before} == before
    stems = {name if name.startswith("taken") else name.rpartition(".")[0] for name in before}
    assert {name for name in after if name not in before and name.endswith(".png")} == {
        f"{stem}-{command}.png" for stem in stems
    }


def test_every_face_of_a_photo_with_dots_gets_a_file(two_people: Image.Image, tmp_path: Path) -> None:
    photo = tmp_path / "WhatsApp Image 2024-05-01 at 10.15.30.jpeg"
    two_people.save(photo, quality=95)
    assert main(["encode", str(photo), "-o", str(tmp_path), "--face", "all", "--paste"]) == 0
    made = sorted(path.name.removeprefix(photo.stem) for path in tmp_path.iterdir() if path != photo)
    assert made == sorted(
        [
            *("-encode-face-0.png", "-encode-face-0.safetensors", "-encode-face-1.png"),
            *("-encode-face-1.safetensors", "-encode-in-the-photo.png"),
        ]
    )


@pytest.mark.parametrize(
    ("task", "taken"),
    [
        ("photo_to_sketch", "photo-photo_to_sketch.png"),
        ("encode", "photo-encode.safetensors"),
        ("encode", "photo-encode-in-the-photo.png"),
    ],
)
def test_a_file_that_is_no_result_is_not_replaced(
    face: Image.Image, tmp_path: Path, task: str, taken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    face.save(tmp_path / "photo.png")
    shutil.copy(tmp_path / "photo.png", tmp_path / taken)
    before = state(tmp_path)
    command = [task, str(tmp_path / "photo.png"), "-o", str(tmp_path), "--no-align"]
    assert main([*command, *(["--paste"] if task == "encode" else [])]) == 2
    assert f"{taken} is there already" in capsys.readouterr().err
    after = state(tmp_path)
    assert {name: after[name] for name in before} == before


def test_an_earlier_result_is_replaced(face: Image.Image, tmp_path: Path) -> None:
    face.save(tmp_path / "photo.png")
    command = ["photo_to_sketch", str(tmp_path / "photo.png"), "-o", str(tmp_path), "--no-align"]
    assert main(command) == main(command) == 0


def test_a_style_picture_that_is_a_result_is_an_input_too(face: Image.Image, tmp_path: Path) -> None:
    face.save(tmp_path / "a.png")
    command = ["style_mix", str(tmp_path / "a.png"), "-o", str(tmp_path), "--no-align"]
    assert main(command) == 0
    before = state(tmp_path)
    assert main([*command, "--style", str(tmp_path / "a-style_mix.png")]) == 2
    assert state(tmp_path) == before


def test_python_keeps_names_inputs_and_models(
    face: Image.Image, tmp_path: Path, pipeline: PspPipeline
) -> None:
    face.save(tmp_path / "me.png")
    out = pipeline.encode(str(tmp_path / "me.png"), align=False)
    assert out.save(tmp_path / "out" / "v1.2") == tmp_path / "out" / "v1.2.png"
    assert out.save(tmp_path / "out" / "v1.3.png").name == "v1.3.png"
    assert out.save(tmp_path / "out" / "IMG.0001.jpg").name == "IMG.0001.png"
    assert out.save(tmp_path / "out" / "IMG.0002.jpg").name == "IMG.0002.png"
    assert len(state(tmp_path / "out")) == 8
    shutil.copy(tmp_path / "me.png", tmp_path / "encode.safetensors")  # as if it were a model
    before = state(tmp_path)
    again = pipeline.encode(tmp_path / "out" / "v1.2.png", align=False)
    codes = pipeline.decode(tmp_path / "out" / "v1.3.safetensors")
    style = pipeline.style_mix(face, style=str(tmp_path / "out" / "v1.3.png"), align=False)
    targets = (
        (out, "me.png"),
        (out, "encode.png"),
        (again, "out/v1.2"),
        (codes, "out/v1.3"),
        (style, "out/v1.3.png"),
    )
    for result, name in targets:
        with pytest.raises(SettingsError, match="already"):
            result.save(tmp_path / name)
    assert state(tmp_path) == before


def test_inputs_are_known_after_a_change_of_folder(
    face: Image.Image, tmp_path: Path, pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    crop = pipeline.photo_to_sketch(face, align=False).save("crop.png")
    made = pipeline.photo_to_sketch("crop.png", align=False)
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(SettingsError, match="already"):
        made.save(tmp_path / crop)


def test_a_full_disk_breaks_no_result(
    face: Image.Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    face.save(tmp_path / "me.png")
    command = ["encode", str(tmp_path / "me.png"), "-o", str(tmp_path / "out"), "--no-align", "--paste"]
    assert main(command) == 0
    before = state(tmp_path)
    with full_disk():
        assert main([*command[:4], "--no-align", "--model", "mobile-1024"]) == 2
    assert "error: " in capsys.readouterr().err
    assert state(tmp_path) == before
    shutil.rmtree(tmp_path / "out")
    with full_disk():
        assert main(command) == 2
    assert not list((tmp_path / "out").iterdir())
