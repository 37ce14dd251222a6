"""The examples of the page: which inputs with which settings, their results rendered ahead of time.

Results are stored small, as the page shows them: WebP of 512 px, and codes in half precision. Each example
has a card besides: its input beside its result.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from psp.codes.latents import codes_to_bytes
from psp.codes.recipe import picture_to_png, picture_to_webp, recipe_from_dict
from psp.errors import CheckpointError
from psp.files.bundled import examples_dir
from psp.files.pins import PINNED, require_pinned, write_pins
from psp.files.saving import made_by, write_files
from psp.inference.cards import example_card
from psp.inference.network import Step
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.parameters import Setting
from psp.pictures.images import load_picture

FOLDER = examples_dir()
RESULTS = FOLDER / "results"
VIDEO = FOLDER / "videos" / "nodding.mp4"
"""A video of two seconds, for the tab that takes one."""

STORED_SIZE = 512
"""Side in pixels of stored pictures, at most."""

_QUALITY = 80  # of WebP: 25 kB a picture
_BEFORE, _CARD = "before.webp", "card.webp"
_BY_SEED: dict[str, Setting] = {"variants": 3, "seed": 93}
_FIRST: dict[str, Setting] = {**_BY_SEED, "variants": 4}  # what the page makes unless somebody says otherwise


@dataclass(frozen=True)
class Example:
    """One example of a tab.

    Attributes:
        task: Name of the task.
        name: Name of its folder of results.
        given: The input, a file below ``examples/``.
        style: The second picture, for style mixing.
        settings: What differs from the task's defaults, by API names.
    """

    task: str
    name: str
    given: str
    style: str | None = None
    settings: dict[str, Setting] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What the page calls it."""
        return self.name.replace("_", " ")

    @property
    def link(self) -> str:
        """Its name in links: "encode/astronaut"."""
        return f"{self.task}/{self.name}"

    @property
    def path(self) -> Path:
        """Where the input is."""
        return FOLDER / self.given

    @property
    def style_path(self) -> Path | None:
        """Where the second picture is."""
        return FOLDER / self.style if self.style else None

    @property
    def results(self) -> Path:
        """The folder of the rendered result."""
        return RESULTS / self.task / self.name

    @property
    def card(self) -> Path:
        """Where its card is, 2:1: the input beside the result."""
        return self.results / _CARD


@dataclass(frozen=True)
class Rendered:
    """The stored result of an example.

    Attributes:
        pictures: The WebP files, in order.
        latents: The file of codes, in half precision.
        details: As the endpoint gives them.
        before: What the model saw; of each task's first example, with which its tab opens.
    """

    pictures: tuple[Path, ...]
    latents: Path
    details: dict[str, Any]
    before: Path | None = None

    def pngs(self) -> list[bytes]:
        """Return the pictures as the studio hands out results: PNG, with the recipe."""
        recipe = recipe_from_dict(self.details["recipe"])
        if len(self.pictures) == 1:
            return [picture_to_png(load_picture(self.pictures[0]), recipe)]
        return [
            picture_to_png(load_picture(path), recipe.of_variant(index))
            for index, path in enumerate(self.pictures)
        ]


_EXACT: dict[str, Setting] = {"likeness": "exact"}
_ASTRONAUT, _TWO = "photos/astronaut.jpg", "photos/two_people.jpg"
_WOMAN, _MAN = "photos/synthetic_1.jpg", "photos/synthetic_2.jpg"

EXAMPLES: tuple[Example, ...] = (
    Example("encode", "synthetic_woman", _WOMAN, settings=_EXACT),
    Example("encode", "astronaut", _ASTRONAUT, settings=_EXACT),
    Example("encode", "second_of_two", _TWO, settings={"face": 1, **_EXACT}),
    Example("encode", "in_uniform", "photos/hopper.jpg", settings=_EXACT),
    Example("edit", "decades_older", _WOMAN, settings={"edits": "age:0.9", **_EXACT}),
    Example("edit", "with_glasses", _MAN, settings={"edits": "glasses:0.8", **_EXACT}),
    Example("edit", "turned_and_serious", _ASTRONAUT, settings={"edits": "yaw:0.6,smile:-0.7", **_EXACT}),
    Example("frontalize", "turned_head", "photos/synthetic_turned.jpg"),
    Example("frontalize", "turned_left", "photos/synthetic_turned_left.jpg"),
    Example("frontalize", "with_glasses", "photos/synthetic_glasses.jpg"),
    Example("sketch_to_face", "woman_in_ink", "sketches/woman_in_ink.png", settings=_FIRST),
    Example("sketch_to_face", "man_in_marker", "sketches/man_in_marker.png", settings=_BY_SEED),
    Example("sketch_to_face", "pencil", "sketches/pencil_photographed.jpg", settings=_BY_SEED),
    Example("sketch_to_face", "from_a_photo", "sketches/from_photo.png", settings=_BY_SEED),
    Example("segmentation_to_face", "painted_woman", "masks/woman_painted.png", settings=_FIRST),
    Example("segmentation_to_face", "painted_man", "masks/man_painted.png", settings=_BY_SEED),
    Example("segmentation_to_face", "from_a_photo", "masks/astronaut.png", settings=_BY_SEED),
    Example("super_resolution", "shrunk_8_times", _ASTRONAUT, settings={"factor": 8, "variants": 4}),
    Example("super_resolution", "48_pixels", "tiny/synthetic_48.png"),
    Example("super_resolution", "32_pixels", "tiny/astronaut_32.png"),
    Example("toonify", "synthetic_woman", _WOMAN),
    Example("toonify", "astronaut", _ASTRONAUT),
    Example("toonify", "lightly_drawn", _MAN, settings={"strength": 0.75}),
    Example("style_mix", "two_faces", _WOMAN, _MAN, {"layers": "pose:0.5,features:0.7,colours:0.3"}),
    Example("style_mix", "colours_by_chance", _MAN, settings={"layers": "colours", **_BY_SEED}),
    Example("style_mix", "features_of_another", _WOMAN, _MAN, {"layers": "features", "variants": 3}),
)
"""Every example, in the order of the page."""


def examples_of(task: str) -> tuple[Example, ...]:
    """Return the examples of one task."""
    return tuple(example for example in EXAMPLES if example.task == task)


def find_example(link: str) -> Example | None:
    """Return the example that ``Example.link`` names, "encode/astronaut"; None where there is none."""
    return next((example for example in EXAMPLES if example.link == link), None)


def run_example(pipeline: PspPipeline, example: Example) -> Result:
    """Run an example on the default model; one that cannot be exact answers quickly."""
    settings: dict[str, Any] = dict(example.settings)
    if settings.get("likeness") == "exact" and not pipeline.network.can_be_exact("auto"):
        settings["likeness"] = "quick"
    if example.style_path:
        settings["style"] = example.style_path
    result: Result = getattr(pipeline, example.task)(example.path, **settings)
    return result


def render_examples(pipeline: PspPipeline, step: Step | None = None) -> None:
    """Run all examples and store what comes out, in place of what is stored.

    Raises:
        SettingsError: A file is among the stored results that the studio has not made; all stays as it is.
    """
    files: dict[Path, bytes] = {}  # what is stored stays until all is there
    for index, example in enumerate(EXAMPLES):
        if step:
            step(f"{example.task}: {example.name}", index / len(EXAMPLES))
        result = run_example(pipeline, example)
        folder = RESULTS / example.task / example.name
        files |= {folder / name: data for name, data in _stored(result).items()}
        assert result.seen is not None, "examples begin with a picture"
        style = load_picture(example.style_path) if example.style_path else None
        # Of steps towards another face, the last one shows it.
        files[folder / _CARD] = example_card(result.seen, result.images[-1 if style else 0], style)
        if example == examples_of(example.task)[0]:
            files[folder / _BEFORE] = _given(result.seen)
    write_files(files, _is_stored_result)
    _remove_others(files)
    write_pins(RESULTS.parent, PINNED["examples"])


def _stored(result: Result) -> dict[str, bytes]:
    """Return the files that are kept of a result, by their names."""
    task = result.recipe.task
    assert result.latents is not None
    names = _names(task, len(result.images))
    files = {
        name: picture_to_webp(_small(picture), _QUALITY)
        for name, picture in zip(names, result.images, strict=True)
    }
    files[f"{task}.safetensors"] = codes_to_bytes(result.latents, result.recipe, half=True)
    files[f"{task}.json"] = json.dumps(result.details, indent=2, ensure_ascii=False).encode()
    return files


def _given(picture: Image.Image) -> bytes:
    """Return what a model saw as a small WebP: as it was given, so not marked as synthetic."""
    out = io.BytesIO()
    _small(picture.convert("RGB")).save(out, "WEBP", quality=_QUALITY, method=6)
    return out.getvalue()


def _small(picture: Image.Image) -> Image.Image:
    if picture.width <= STORED_SIZE:
        return picture
    return picture.resize((STORED_SIZE, STORED_SIZE), Image.Resampling.LANCZOS)


def _names(task: str, count: int) -> list[str]:
    return [f"{task}.webp"] if count == 1 else [f"{task}-{index}.webp" for index in range(count)]


def _remove_others(files: Collection[Path]) -> None:
    """Remove stored results that are not among ``files``: those of examples that there were before."""
    places = sorted(RESULTS.rglob("*"), reverse=True)  # what is inside of a folder comes before it
    old = [path for path in places if path.is_file() and path not in files and _is_stored_result(path)]
    for path in old:
        path.unlink()
    for folder in places:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _is_stored_result(path: Path) -> bool:
    """Whether a file is a rendered result: by its recipe, or as what lies beside codes that have one."""
    codes = path.with_name(f"{path.parent.parent.name}.safetensors")
    return made_by()(codes if path.suffix in (".json", ".webp") else path)


def rendered(example: Example) -> Rendered:
    """Return the stored result of an example.

    Raises:
        FileNotFoundError: It has not been rendered; ``python -m psp render-examples`` does that.
        CheckpointError: A file of it is damaged.
    """
    folder, task = example.results, example.task
    try:
        details = json.loads((folder / f"{task}.json").read_text(encoding="utf-8"))
    except ValueError as error:
        restore = f"Restore examples/results/{task}/{folder.name} from the repository."
        raise CheckpointError(f"{task}.json is damaged.", restore) from error
    count = details["recipe"]["settings"].get("variants", 1)
    pictures = tuple(folder / name for name in _names(task, count))
    before = folder / _BEFORE if example == examples_of(task)[0] else None
    found = Rendered(pictures, folder / f"{task}.safetensors", details, before)
    for path in (*pictures, found.latents, *([before] if before else [])):
        require_pinned(path, RESULTS.parent)
    return found
