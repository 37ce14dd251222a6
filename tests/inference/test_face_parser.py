"""SegFormer maps photos where it can be had, the compact network elsewhere; which of them did is told."""

from __future__ import annotations

import importlib.machinery
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from psp import PspPipeline
from psp.checkpoints import save_tensors
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError, SettingsError
from psp.faces.alignment import align
from psp.inference import face_parser
from psp.inference.compact_parser import map_face
from psp.inference.face_parser import FaceParser
from psp.maps.landmark_parser import photo_to_map
from psp.maps.palette import CLASSES, Labels, map_to_picture, picture_to_map

HAT, CLOTH = CLASSES.index("hat"), CLASSES.index("cloth")


class Stand(nn.Module):
    """Stands in for SegFormer: a hat where the picture is bright, cloth where it is dark."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.head = nn.Conv2d(config["num_channels"], config["num_labels"], 4, stride=4)
        self.seen: list[Tensor] = []

    @classmethod
    def from_pretrained(
        cls, path: None, config: dict[str, Any], state_dict: dict[str, Tensor], **options: bool
    ) -> tuple[Stand, dict[str, list[str]]]:
        """Load as transformers does: what does not fit is told, not raised."""
        assert path is None and options == {"ignore_mismatched_sizes": True, "output_loading_info": True}
        network = cls(config)
        wrong = [
            name for name, value in network.state_dict().items() if value.shape != state_dict[name].shape
        ]
        if not wrong:
            network.load_state_dict(state_dict)
        return network, {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": wrong}

    def forward(self, pixel_values: Tensor) -> SimpleNamespace:
        self.seen.append(pixel_values)
        return SimpleNamespace(logits=self.head(pixel_values))


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the package transformers."""
    module = ModuleType("transformers")
    module.__spec__ = importlib.machinery.ModuleSpec("transformers", None)
    module.SegformerConfig = dict  # type: ignore[attr-defined]  # a module made for the test
    module.SegformerForSemanticSegmentation = Stand  # type: ignore[attr-defined]  # a module made for the test
    monkeypatch.setitem(sys.modules, "transformers", module)


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the package transformers."""
    monkeypatch.setattr(face_parser.importlib.util, "find_spec", lambda name: None)


def weights(folder: Path, classes: int = len(CLASSES)) -> Settings:
    """Return settings with a folder that holds weights of the stand-in."""
    bias, kernel = torch.full((classes,), -9.0), torch.zeros(classes, 3, 4, 4)
    bias[[HAT, CLOTH]] = 0.0
    kernel[HAT], kernel[CLOTH] = 1.0, -1.0
    path = folder / "face-parsing" / "model.safetensors"
    path.parent.mkdir()
    save_tensors(path, {"head.weight": kernel, "head.bias": bias}, {})
    return Settings(weights_dir=folder, cache_dir=folder / "cache", offline=True)


@pytest.fixture(scope="module")
def crop(astronaut: Image.Image) -> Image.Image:
    return align(astronaut).crop


@pytest.mark.usefixtures("package")
def test_the_compact_network_maps_where_there_are_no_weights_of_segformer(
    tmp_path: Path, crop: Image.Image
) -> None:
    settings = Settings(weights_dir=tmp_path, cache_dir=tmp_path / "cache")
    labels, parser = FaceParser(settings).map(crop)
    assert parser == "compact"
    assert np.array_equal(labels, map_face(crop))


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(("wish", "maker"), [("compact", map_face), ("landmarks", photo_to_map)])
def test_another_than_segformer_can_be_asked_for(
    tmp_path: Path, crop: Image.Image, wish: str, maker: Callable[[Image.Image], Labels]
) -> None:
    labels, parser = FaceParser(replace(weights(tmp_path), face_parser=wish)).map(crop)
    assert parser == wish
    assert np.array_equal(labels, maker(crop))


@pytest.mark.usefixtures("package")
def test_segformer_maps_where_its_weights_are(tmp_path: Path) -> None:
    picture = Image.new("RGB", (100, 100), "white")
    picture.paste("black", (0, 0, 50, 100))
    parser = FaceParser(weights(tmp_path))
    labels, name = parser.map(picture)
    assert (name, labels.shape, labels.dtype) == ("segformer", (100, 100), np.uint8)
    assert (labels[:, :46] == CLOTH).all() and (labels[:, 54:] == HAT).all()
    again, _ = parser.map(picture)
    assert np.array_equal(labels, again)
    seen = parser._network.seen
    assert len(seen) == 2, "loaded once"
    assert seen[0].shape == (1, 3, 512, 512)
    white = [(1 - mean) / deviation for mean, deviation in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))]
    assert seen[0][0, :, 0, 511].tolist() == pytest.approx(white)


@pytest.mark.usefixtures("package")
def test_the_recipe_of_a_map_says_who_made_it(tmp_path: Path, astronaut: Image.Image) -> None:
    settings = weights(tmp_path)
    made = PspPipeline(settings).photo_to_mask(astronaut)
    assert made.recipe.settings["parser"] == "segformer"
    labels, _ = picture_to_map(made.image)
    assert set(np.unique(labels)) <= {HAT, CLOTH}
    for name, maker in (("compact", map_face), ("landmarks", photo_to_map)):
        plain = PspPipeline(replace(settings, face_parser=name)).photo_to_mask(astronaut)
        assert plain.recipe.settings["parser"] == name
        assert plain.image.tobytes() == map_to_picture(maker(align(astronaut).crop)).tobytes()


@pytest.mark.usefixtures("no_package")
def test_a_missing_package_is_told_once_and_the_compact_network_maps(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    face_parser._tell_what_is_missing.cache_clear()
    parser = FaceParser(weights(tmp_path))
    with caplog.at_level(logging.WARNING):
        assert [parser.choose(), parser.choose()] == ["compact", "compact"]
    assert len(caplog.records) == 1
    assert "pip install transformers" in caplog.text


@pytest.mark.usefixtures("no_package")
def test_asking_for_segformer_without_its_package_says_what_to_do(tmp_path: Path, crop: Image.Image) -> None:
    parser = FaceParser(replace(weights(tmp_path), face_parser="segformer"))
    with pytest.raises(SettingsError, match="pip install transformers"):
        parser.map(crop)


@pytest.mark.usefixtures("package")
def test_asking_for_segformer_offline_without_its_weights_says_where_to_put_them(
    tmp_path: Path, crop: Image.Image
) -> None:
    settings = Settings(cache_dir=tmp_path, offline=True, face_parser="segformer")
    with pytest.raises(ModelNotFoundError, match="face-parsing"):
        FaceParser(settings).map(crop)


@pytest.mark.usefixtures("package")
def test_weights_of_something_else_are_refused(tmp_path: Path, crop: Image.Image) -> None:
    with pytest.raises(CheckpointError, match="other tensors"):
        FaceParser(weights(tmp_path, classes=21)).map(crop)
