"""``config.json`` says what models are, as their files say it; nothing is ever loaded by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from psp.checkpoints import load_psp, read_info, save_psp
from psp.checkpoints.model_config import CONFIG, config_json, write_config
from psp.config import Settings
from psp.errors import CheckpointError
from psp.models.architecture import config_from_json
from psp.version import __version__
from tests.checkpoints.samples import TINY, assert_same, make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_psp(make(), tmp_path / "encode.safetensors", info={"task": "encode"})
    save_psp(make(), tmp_path / "toonify.safetensors", info={"task": "toonify"})
    (tmp_path / "last.safetensors").write_bytes(b"no model")
    write_config(tmp_path)
    return tmp_path


def test_it_says_what_the_files_say(folder: Path) -> None:
    told = json.loads((folder / CONFIG).read_text())
    assert (told["library_name"], told["psp_version"]) == ("psp-studio", __version__)
    assert list(told["tasks"]) == ["encode", "toonify"]
    model = told["tasks"]["encode"]
    assert model["file"] == "encode.safetensors"
    assert model["input"] == {"kind": "photo", "channels": 3, "size": 32}
    assert (model["codes"], model["size"]) == ([6, 32], 16)
    assert config_from_json(json.dumps(model["architecture"])) == TINY


def test_the_same_models_give_the_same_bytes(folder: Path) -> None:
    first = (folder / CONFIG).read_bytes()
    write_config(folder)
    assert (folder / CONFIG).read_bytes() == first
    infos = {task: read_info(folder / f"{task}.safetensors") for task in ("encode", "toonify")}
    assert config_json(infos).encode() == first


@pytest.mark.parametrize("text", ["{", '{"tasks": {"encode": {"size": 4096, "architecture": {}}}}', ""])
def test_one_that_disagrees_with_the_tensors_changes_nothing(folder: Path, text: str) -> None:
    before = load_psp(folder, settings=Settings(cache_dir=folder / "cache"))
    (folder / CONFIG).write_text(text)
    assert_same(load_psp(folder, settings=Settings(cache_dir=folder / "cache")), before)


def test_a_model_that_says_nothing_of_itself_is_told() -> None:
    with pytest.raises(CheckpointError):
        config_json({"encode": {}})
