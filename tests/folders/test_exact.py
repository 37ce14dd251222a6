"""A folder of photos with exact likeness: what each single one gives, with the details in its codes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from psp.errors import InputError, SettingsError
from psp.folders.infer import Inference, infer_folder
from psp.inference.pipeline import PspPipeline
from tests.folders.test_infer import EXAMPLES, Into, assert_alike


@pytest.mark.slow
def test_likeness_is_exact_where_that_is_asked_for(into: Into, tmp_path: Path, true_family: None) -> None:
    (tmp_path / "given").mkdir()
    shutil.copy(EXAMPLES / "photos" / "hopper.jpg", tmp_path / "given")
    folders = into(tmp_path / "given")
    infer_folder(folders, Inference("encode", latents=True, likeness="exact"))
    studio = PspPipeline(folders.settings)
    single = studio.encode(EXAMPLES / "photos" / "hopper.jpg", likeness="exact")
    assert_alike(folders.out / "hopper.png", single)
    data = (folders.out / "latents" / "hopper.safetensors").read_bytes()
    assert data == single.latents_file()
    with pytest.raises(SettingsError, match="setting of encode"):
        infer_folder(folders, Inference("toonify", likeness="exact"))
    with pytest.raises(InputError, match="likeness"):
        infer_folder(folders, Inference("encode", likeness="similar"))
