"""Maps of any number of classes: training, best/, sheets, evaluation, Python, folders, command line."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp import PspPipeline
from psp.checkpoints import read_info
from psp.checkpoints.push import plan_push
from psp.cli.main import main
from psp.cli.train import add_train, configure
from psp.config import Settings
from psp.errors import SettingsError, TrainingError
from psp.evaluation.run import Evaluation, run
from psp.folders.batch import Folders
from psp.folders.infer import Inference, infer_folder
from psp.losses.objective import LossWeights
from psp.maps.classes import named_classes, numbered_classes
from psp.maps.palette import map_to_picture
from psp.training.config import OptimizerConfig, TrainConfig
from psp.training.run import RunOptions, open_data, train
from tests.compact import compact_config, save_compact_generator


def configured(count: int | None, *more: str, task: str = "encode") -> TrainConfig:
    """A small run as the command line makes it, two steps."""
    config = TrainConfig(
        name="test",
        task=task,
        model=compact_config(n_mlp=2),
        losses=LossWeights(lpips=0.0, identity=0.0),
        optimizer=OptimizerConfig(batch=2),
        pictures=4,
        ema_pictures=0,
    )
    parser = argparse.ArgumentParser()
    add_train(parser.add_subparsers(), lambda line: None)
    given = [] if count is None else ["--label-nc", str(count)]
    return configure(config, parser.parse_args(["train", "--preset", "domain", "--data", "d", *given, *more]))


def options(data: Path, out: Path, inputs: Path) -> RunOptions:
    generator = save_compact_generator(out.with_name("generator.safetensors"))
    return RunOptions(data, out, inputs=inputs, generator=generator, device="cpu")


def maps(count: int, side: int = 32) -> np.ndarray:
    rows = int(np.ceil(count**0.5))
    small = np.arange(rows * rows).reshape(rows, rows) % count
    return np.asarray(Image.fromarray(small.astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six pictures, two of them held out."""
    rng = np.random.default_rng(0)
    for index in range(6):
        path = tmp_path / "data" / ("val" if index < 2 else "train") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        soft = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
        soft.resize((32, 32), Image.Resampling.BICUBIC).save(path)
    return tmp_path / "data"


def give_maps(data: Path, labels: np.ndarray, save: str = "L") -> Path:
    """Maps for all pictures, as numbers (L), palette indices (P) or colours (RGB)."""
    folder = data.with_name("maps")
    classes = numbered_classes(int(labels.max()) + 1)
    for path in data.rglob("*.png"):
        place = folder / path.relative_to(data)
        place.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(labels)
        if save == "P":
            picture = picture.convert("P")
            picture.putpalette([level for index in range(256) for level in (index, 255 - index, 9)])
        (map_to_picture(labels, classes) if save == "RGB" else picture).save(place)
    return folder


_COUNTS = [
    (3, "P"),
    *(pytest.param(*each, marks=pytest.mark.slow) for each in ((2, "L"), (4, "RGB"), (12, "L"), (19, "L"))),
]


@pytest.mark.parametrize(("count", "save"), _COUNTS)
def test_own_classes_work_from_training_to_results(data: Path, tmp_path: Path, count: int, save: str) -> None:
    labels = maps(count)
    inputs = give_maps(data, labels, save)
    path = train(configured(count), options(data, tmp_path / "run", inputs))
    assert path == tmp_path / "run" / "best" / "segmentation_to_face.safetensors"
    (sheet,) = (tmp_path / "run").glob("sheet-*.png")
    with Image.open(sheet) as picture:
        assert picture.size == (12 * 32, 3 * 32)  # targets, maps, results
    settings = Settings(device="cpu", offline=True, cache_dir=tmp_path / "cache")
    pipe = PspPipeline(settings)
    classes = pipe.network.map_classes(str(tmp_path / "run"))
    assert len(classes) == count
    number = Image.fromarray(labels)
    result = pipe.segmentation_to_face(number, str(tmp_path / "run"), alpha=0.0)
    assert result.image.size == (32, 32)
    assert result.seen is not None
    assert result.seen.tobytes() == map_to_picture(labels, classes).tobytes()
    coloured = pipe.segmentation_to_face(map_to_picture(labels, classes), str(tmp_path / "run"), alpha=0.0)
    assert coloured.image.tobytes() == result.image.tobytes()

    folders = Folders(inputs, tmp_path / "out", 1, False, settings, lambda line: None)
    infer_folder(folders, Inference("segmentation_to_face", str(path), couples=True))
    assert len(list((tmp_path / "out" / "couples").rglob("*.png"))) == 6

    said: list[str] = []
    evaluation = Evaluation(
        "segmentation_to_face", str(path), data, "cpu", settings, sheets=tmp_path / "sheets", inputs=inputs
    )
    run(evaluation, said.append)
    assert "variety" in said[0] and said[1].split()[:2] == ["data", "2"]
    assert list((tmp_path / "sheets").glob("*.jpg"))
    if count != 19:
        with pytest.raises(SettingsError, match=rf"{count} classes.*--inputs"):
            run(dataclasses.replace(evaluation, inputs=None), said.append)
    card = plan_push(str(path.parent), "me/mine", settings).card
    assert f"{count} " in card and ("class 1" in card or count == 19)


def test_names_and_colours_go_with_the_model(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(None, "--set", 'classes=["ground", "sky #87ceeb", "sea #0000ff"]')
    assert config.model.encoder.in_channels == 3 and config.task == "segmentation_to_face"
    classes = named_classes(config.classes)
    inputs = give_maps(data, maps(3))
    map_to_picture(maps(3), classes).save(inputs / "val" / "0.png")
    path = train(config, options(data, tmp_path / "run", inputs))
    assert read_info(path)["classes"] == classes.to_json()
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path / "cache"))
    command = ["segmentation_to_face", str(inputs / "val" / "0.png"), "--model", str(path.parent)]
    assert main([*command, "-o", str(tmp_path / "out")]) == 0
    assert '"warnings": []' in capsys.readouterr().out
    assert main(["encode", *command[1:], "-o", str(tmp_path / "out")]) == 2
    assert "no model for 'encode'" in capsys.readouterr().err


def test_maps_of_other_classes_are_found_before_training(data: Path, tmp_path: Path) -> None:
    inputs = give_maps(data, maps(4))
    Image.fromarray(maps(7)).save(inputs / "train" / "3.png")
    Image.new("RGB", (32, 32), (250, 10, 200)).save(inputs / "train" / "4.png")
    given = options(data, tmp_path / "run", inputs)
    with pytest.raises(TrainingError, match=r"2 no map: .*3\.png has the class 6.*0 to 3.*#fa0ac8"):
        open_data(configured(4), given, lambda words: None)
    (source,) = open_data(configured(4), dataclasses.replace(given, skip_bad=True), lambda words: None)
    assert source.train == ("train/2.png", "train/5.png")
    Image.fromarray(np.where(maps(4) == 3, 255, maps(4)).astype(np.uint8)).save(inputs / "train" / "3.png")
    Image.fromarray(maps(4)).save(inputs / "train" / "4.png")
    open_data(configured(4), given, lambda words: None)  # 255 is "ignore"


def test_what_cannot_be_is_told(data: Path, tmp_path: Path) -> None:
    for count in (-1, 0, 257):
        with pytest.raises(SystemExit):  # the command's own check of its arguments
            configured(count)
    with pytest.raises(SettingsError, match=r"no maps of 1 class.*sketch_to_face"):
        configured(1)
    with pytest.raises(SettingsError, match="2 classes are named, but the encoder takes 3"):
        configured(3, "--set", 'classes=["a", "b"]')
    with pytest.raises(TrainingError, match=r"19 classes of faces, not by 4 others.*--inputs"):
        open_data(configured(4), RunOptions(data, tmp_path / "run"), lambda words: None)
    assert configured(4, task="toonify").task == "segmentation_to_face"
