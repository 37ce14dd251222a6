"""What a model takes: told from its channels and its file, and checked before anything is prepared."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp import PspPipeline
from psp.checkpoints import save_psp
from psp.checkpoints.model_input import ModelInput, model_input
from psp.checkpoints.push import plan_push
from psp.cli.main import main
from psp.codes.latents import codes_from_bytes
from psp.config import Settings
from psp.errors import CheckpointError, InputError, PspError
from psp.evaluation.run import Evaluation, run
from psp.folders.batch import Folders
from psp.folders.infer import Inference, infer_folder
from psp.inference.network import Network, Work
from psp.maps.classes import named_classes
from psp.maps.palette import FACE_CLASSES
from psp.models.psp import PSPConfig
from tests.compact import compact_config, compact_model

PHOTO_TASKS = "encode or edit or frontalize or super_resolution or toonify or style_mix"
FITS = {1: "sketch_to_face", 3: PHOTO_TASKS, 4: "segmentation_to_face", 6: "segmentation_to_face",
        12: "segmentation_to_face", 19: "segmentation_to_face"}  # fmt: skip


def with_channels(count: int) -> PSPConfig:
    config = compact_config()
    return dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, in_channels=count))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of every number of channels."""
    folder = tmp_path_factory.mktemp("models")
    for count in FITS:
        save_psp(compact_model(with_channels(count)), folder / f"takes{count}.safetensors")
    return folder


@pytest.fixture(scope="module")
def pipe(folder: Path) -> PspPipeline:
    return PspPipeline(Settings(device="cpu", offline=True, cache_dir=folder / "cache", max_models=10))


def given(kind: str) -> Image.Image:
    """A picture of each kind, without a face: the model is refused first."""
    if kind == "mask":
        return Image.fromarray((np.indices((64, 64)).sum(axis=0) // 32 % 4).astype(np.uint8))
    picture = Image.new("RGB", (64, 64), "white")
    picture.paste("black", (20, 20, 24, 60))
    return picture


def test_channels_and_what_the_file_says_tell_what_is_taken() -> None:
    def takes(channels: int, **info: str) -> ModelInput:
        return model_input(channels, info, "m.safetensors")

    assert takes(1).kind == "sketch" and takes(3).kind == "photo"
    assert takes(3, task="toonify").kind == "photo"
    assert takes(19).classes == FACE_CLASSES == takes(19, task="segmentation_to_face").classes
    assert takes(3, task="segmentation_to_face").words() == "maps of 3 classes (3 channels)"
    assert [len(takes(count).classes or ()) for count in (2, 4, 256)] == [2, 4, 256]
    named = named_classes(["a", "b", "c"])
    assert takes(3, classes=named.to_json()).classes == named
    assert takes(257).kind is None and takes(257).tasks() == ()
    with pytest.raises(CheckpointError, match="names 3 classes, but its encoder takes 4"):
        takes(4, classes=named.to_json())
    with pytest.raises(CheckpointError, match="cannot be read"):
        takes(4, classes="{")
    with pytest.raises(CheckpointError, match="257 channels, which nothing here gives"):
        takes(257).require("encode", "m.safetensors")


@pytest.mark.parametrize("channels", FITS)
def test_a_model_given_to_the_wrong_task_says_what_it_takes_and_which_task_fits(
    pipe: PspPipeline, folder: Path, channels: int
) -> None:
    path, fits = folder / f"takes{channels}.safetensors", FITS[channels]
    for task, kind in {
        **dict.fromkeys(
            ("encode", "edit", "frontalize", "toonify", "super_resolution", "style_mix"), "photo"
        ),
        "sketch_to_face": "sketch",
        "segmentation_to_face": "mask",
    }.items():
        if task in fits:
            continue
        with pytest.raises(CheckpointError) as caught:
            getattr(pipe, task)(given(kind), model=str(path))
        said = str(caught.value)
        assert said.startswith(f"takes{channels}.safetensors takes ") and repr(task) in said
        assert f"({channels} channel{'s' * (channels > 1)})" in said
        assert f"Use it with {fits}" in said


def test_a_model_given_to_its_own_task_works(pipe: PspPipeline, folder: Path) -> None:
    def path(channels: int) -> str:
        return str(folder / f"takes{channels}.safetensors")

    assert pipe.encode(given("photo"), path(3), align=False).image.size == (32, 32)
    assert pipe.sketch_to_face(given("sketch"), path(1)).image.size == (32, 32)
    for channels in (4, 6, 12, 19):
        assert pipe.segmentation_to_face(given("mask"), path(channels)).image.size == (32, 32)
    with pytest.raises(CheckpointError, match="takes photos"):
        pipe.network.map_classes(path(3))
    assert len(pipe.network.map_classes(path(12))) == 12


def test_codes_need_no_encoder_so_that_any_model_mixes_and_decodes_them(
    pipe: PspPipeline, folder: Path
) -> None:
    path = str(folder / "takes1.safetensors")
    made = pipe.sketch_to_face(given("sketch"), path)
    codes = codes_from_bytes(made.latents_file())
    assert pipe.decode(codes, path).image.tobytes() == made.image.tobytes()
    assert pipe.style_mix(codes, model=path, layers="all").image.size == (32, 32)
    with pytest.raises(CheckpointError, match="takes sketches"):
        pipe.style_mix(codes, given("photo"), model=path)


def test_folders_evaluation_pushing_and_the_command_line_say_the_same(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(device="cpu", offline=True, cache_dir=tmp_path / "cache")
    (tmp_path / "in" / "val").mkdir(parents=True)
    given("photo").save(tmp_path / "in" / "val" / "a.png")
    twelve = folder / "takes12.safetensors"
    words = re.escape("takes maps of 12 classes (12 channels), but 'encode' gives it photos (3 channels).")

    folders = Folders(tmp_path / "in", tmp_path / "out", 1, False, settings, lambda line: None)
    with pytest.raises(CheckpointError, match=words):
        infer_folder(folders, Inference("encode", str(twelve)))
    with pytest.raises(CheckpointError, match=words):
        run(Evaluation("encode", str(twelve), tmp_path / "in", "cpu", settings), lambda line: None)
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "encode.safetensors").write_bytes(twelve.read_bytes())
    with pytest.raises(CheckpointError, match=words):
        plan_push(str(tmp_path / "best"), "me/mine", settings)
    (tmp_path / "models.toml").write_text('[mine]\npath = "best"\n')
    own = PspPipeline(dataclasses.replace(settings, models_file=tmp_path / "models.toml"))
    with pytest.raises(CheckpointError, match=f"mine {words}"):
        own.encode(given("photo"), model="mine")
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path / "cache"))
    photo = tmp_path / "in" / "val" / "a.png"
    command = ["encode", str(photo), "--model", str(twelve), "-o", str(tmp_path / "made")]
    assert main(command) == 2
    assert re.search(words, capsys.readouterr().err)


def test_what_reaches_the_network_all_the_same_is_told_too(folder: Path, tmp_path: Path) -> None:
    network = Network(Settings(device="cpu", offline=True, cache_dir=tmp_path))
    inputs = np.zeros((1, 3, 64, 64), np.float32)
    for channels in (3, 4):
        with pytest.raises(InputError, match=f"takes {channels} channels of 32 px, but it was given 3"):
            network.run(Work(str(folder / f"takes{channels}.safetensors"), "encode", inputs))


def test_toonify_between_two_models_needs_the_same_pictures(tmp_path: Path) -> None:
    save_psp(compact_model(with_channels(4)), tmp_path / "best" / "encode.safetensors")
    save_psp(compact_model(), tmp_path / "best" / "toonify.safetensors")
    pipe = PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path))
    assert pipe.toonify(given("photo"), str(tmp_path / "best"), align=False).image.size == (32, 32)
    with pytest.raises(PspError, match="must take the same pictures"):
        pipe.toonify(given("photo"), str(tmp_path / "best"), align=False, strength=0.5)
