"""A folder of models: which tasks it has, and what is told where it has none for a task."""

from __future__ import annotations

from pathlib import Path

import pytest

from psp.errors import ModelNotFoundError
from psp.registry.folder import model_file, model_files


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_a_folder_has_the_tasks_whose_files_are_there(tmp_path: Path) -> None:
    put(tmp_path / "toonify.safetensors", tmp_path / "encode.safetensors", tmp_path / "generator.safetensors")
    assert model_files(tmp_path) == {
        "encode": tmp_path / "encode.safetensors",
        "toonify": tmp_path / "toonify.safetensors",
    }
    assert model_file(tmp_path, "toonify") == tmp_path / "toonify.safetensors"


@pytest.mark.parametrize("inside", ["best", "model"])
def test_of_a_run_the_usable_model_is_taken(tmp_path: Path, inside: str) -> None:
    put(tmp_path / "last.safetensors", tmp_path / inside / "encode.safetensors")
    assert model_file(tmp_path, "encode") == tmp_path / inside / "encode.safetensors"


def test_the_best_goes_before_the_last(tmp_path: Path) -> None:
    put(tmp_path / "best" / "encode.safetensors", tmp_path / "model" / "encode.safetensors")
    assert model_file(tmp_path, "encode").parent.name == "best"


def test_a_missing_task_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    put(tmp_path / "encode.safetensors", tmp_path / "toonify.safetensors")
    with pytest.raises(
        ModelNotFoundError, match=r"no frontalize\.safetensors in it\. It has: encode, toonify"
    ):
        model_file(tmp_path, "frontalize")


def test_a_folder_without_models_is_told_with_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"has no model.*no weight files.*runs/mine/best"):
        model_file(tmp_path, "encode")
    put(tmp_path / "last.safetensors", tmp_path / "notes.txt")
    with pytest.raises(ModelNotFoundError, match=r"It has: last\.safetensors\. Give"):
        model_file(tmp_path, "encode")


def test_no_folder_has_no_models(tmp_path: Path) -> None:
    assert model_files(tmp_path / "gone") == {}
