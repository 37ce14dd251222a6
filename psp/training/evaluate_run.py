"""One evaluation: load the models, translate held-out pictures, and say one line a source."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from psp.checkpoints import load_psp
from psp.config import Settings
from psp.errors import TrainingError
from psp.images import to_pictures
from psp.models.psp import PSP
from psp.palette import CLASSES, map_to_tensor
from psp.parsing import photo_to_map
from psp.quality import lpips_network
from psp.registry import BUNDLED, has_model
from psp.sketches import photo_to_sketch, sketch_to_tensor
from psp.training import evaluate_tasks as tasks
from psp.training import galleries
from psp.training.config import DataConfig
from psp.training.data import draw_shares, held_out, to_batch
from psp.training.evaluate import Figures, describe, evaluate
from psp.training.presets import preset
from psp.training.sources import Source, decode_picture, open_sources

Report = Callable[[str], None]
Row = Sequence[str | int | float]

SIZE = 128
"""Everything is measured at this size in pixels, whatever the models' own."""

_RANDOM = 2000
_SHOWN = 36
_AT_ONCE = 16
_CHANNELS = {"sketch_to_face": 1, "segmentation_to_face": len(CLASSES)}

_FIGURES = ("pictures", "LPIPS", "MSE", "identity", "wrong", "own nearest")
_HEADERS = {
    "encode": _FIGURES,
    "frontalize": (
        *("pictures", "identity", "wrong", "yaw in", "out", "encode", "turned in", "out", "encode"),
        *("mirror LPIPS", "encode"),
    ),
    "sketch_to_face": (
        *("pictures", "line F1", "chance", "variety", "photos'", "LPIPS", "identity", "wrong"),
    ),
    "segmentation_to_face": (
        *("pictures", "IoU", "chance", "variety", "photos'", "LPIPS", "identity", "wrong"),
    ),
    "super_resolution": (
        *("factor", "pictures", "LPIPS", "bicubic", "MSE", "bicubic", "identity", "bicubic"),
        *("wrong", "bicubic"),
    ),
    "toonify": (
        *("pictures", "LPIPS", "identity", "wrong", "own nearest", "to cartoon", "encode"),
        *("toons", "encode"),
    ),
    "generator": ("pictures", "Fréchet", "encoded", "real", "variety", "real"),
}


@dataclass(frozen=True)
class Evaluation:
    """What to measure.

    Attributes:
        task: One of ``evaluate_command.TASKS``.
        model: A family's name, or the path of a file or folder.
        data: Folder of pictures or zip files with held-out pictures in ``val``.
        device: Where to compute.
        settings: Say where models are.
        pictures: At most so many a source; None: all, or 2,000 random faces.
        sheets: Folder for picture sheets; None: none are made.
    """

    task: str
    model: str
    data: Path
    device: str
    settings: Settings
    pictures: int | None = None
    sheets: Path | None = None

    def load(self, task: str) -> PSP:
        """Return the model for ``task``: of the family, folder or file; else the bundled one."""
        own = task == self.own_task or has_model(self.model, task, self.settings)
        name = self.model if own else BUNDLED
        return load_psp(name, self.device, task=task, settings=self.settings)

    @property
    def own_task(self) -> str:
        """The task whose model is measured."""
        return "encode" if self.task == "generator" else self.task


def run(evaluation: Evaluation, report: Report) -> None:
    """Measure, and ``report`` a table line by line; sheets are written on the way.

    Raises:
        PspError: A model or the pictures are not there, or do not go with the task.
    """
    sources = open_sources(evaluation.data)
    model = evaluation.load(evaluation.own_task)
    wanted, found = _CHANNELS.get(evaluation.task, 3), model.config.encoder.in_channels
    if wanted != found:
        raise TrainingError(
            f"{evaluation.model} is no model for {evaluation.task}: its encoder takes {found} channels, "
            f"not {wanted}.",
            "Give the task that it was trained for with --task.",
        )
    headers = _HEADERS[evaluation.task]
    rows = _generator_rows if evaluation.task == "generator" else _task_rows
    for index, row in enumerate(rows(evaluation, model, sources)):
        if index == 0:  # not before an error
            report(_line(("source", *headers), headers))
        report(_line(row, headers))


def _line(row: Row, headers: Sequence[str]) -> str:
    cells = [f"{row[0]:<12}"]
    for value, header in zip(row[1:], headers, strict=True):
        text = f"{value:.4f}" if isinstance(value, float) else str(value)
        cells.append(f"{text:>{max(len(header), 6) + 2}}")
    return "".join(cells)


def _task_rows(evaluation: Evaluation, model: PSP, sources: tuple[Source, ...]) -> Iterator[Row]:
    held = [source for source in sources if source.val]
    if not held:
        raise TrainingError("There are no held-out pictures.", "Put some into a folder called val.")
    measure = _MEASURES[evaluation.task]
    for source in held:
        photos = held_out(source, SIZE, evaluation.pictures)
        for row in measure(evaluation, model, photos, source.name):
            yield source.name, *row


def _made(model: PSP, inputs: Tensor) -> Tensor:
    return galleries.decode_at(model, galleries.encode_all(model, inputs), SIZE)


def _show(evaluation: Evaluation, name: str, *rows: Tensor, count: int = _SHOWN) -> None:
    """Write a sheet of the task's first results."""
    if evaluation.sheets is not None:
        file = name if evaluation.task == "encode" else f"{evaluation.task}-{name}"
        galleries.save_gallery(evaluation.sheets / f"{file}.jpg", *[row[:count] for row in rows])


def _encode(evaluation: Evaluation, model: PSP, photos: Tensor, name: str) -> Iterator[Row]:
    made = _made(model, photos)
    _show(evaluation, name, photos, made)
    f = evaluate(photos, made, lpips_network())
    yield f.pictures, f.lpips, f.mse, f.identity, f.wrong_pairs, _percent(f.nearest)


def _frontalize(evaluation: Evaluation, model: PSP, photos: Tensor, name: str) -> Iterator[Row]:
    encode = evaluation.load("encode")
    mirrored = photos.flip(-1)
    made = (_made(model, photos), _made(model, mirrored))
    encoded = (_made(encode, photos), _made(encode, mirrored))
    _show(evaluation, name, photos, made[0])
    f = tasks.frontalized(photos, made, encoded, lpips_network())
    own = f.figures
    yield own.pictures, own.identity, own.wrong_pairs, *f.yaw, *f.turned_yaw, *f.mirror_lpips


def _sketch(evaluation: Evaluation, model: PSP, photos: Tensor, name: str) -> Iterator[Row]:
    sketches = [photo_to_sketch(picture) for picture in to_pictures(photos)]
    side = model.config.encoder.in_size
    made = _made(model, torch.cat([sketch_to_tensor(sketch, side) for sketch in sketches]))
    shown = torch.cat([sketch_to_tensor(sketch, SIZE) for sketch in sketches])
    _show(evaluation, name, galleries.show_inputs(shown), made)
    yield _followed(tasks.follow_sketches(sketches, photos, made, lpips_network()))


def _segmentation(evaluation: Evaluation, model: PSP, photos: Tensor, name: str) -> Iterator[Row]:
    maps = [photo_to_map(picture) for picture in to_pictures(photos)]
    side = model.config.encoder.in_size
    parts = [maps[i : i + _AT_ONCE] for i in range(0, len(maps), _AT_ONCE)]  # 1.2 MB a map, as planes
    made = [_made(model, torch.cat([map_to_tensor(labels, side) for labels in part])) for part in parts]
    shown = torch.cat([map_to_tensor(labels, SIZE) for labels in maps[:_SHOWN]])
    _show(evaluation, name, galleries.show_inputs(shown), torch.cat(made))
    yield _followed(tasks.follow_maps(maps, photos, torch.cat(made), lpips_network()))


def _followed(f: tasks.Followed) -> Row:
    own = f.figures
    drawn = (f.agreement, f.by_chance, f.variety, f.real_variety)
    return own.pictures, *drawn, own.lpips, own.identity, own.wrong_pairs


def _super_resolution(evaluation: Evaluation, model: PSP, photos: Tensor, name: str) -> Iterator[Row]:
    given, shown = describe(photos), []
    for factor in tasks.FACTORS:
        inputs = tasks.degraded(photos, factor)
        made = _made(model, inputs)
        shown += [inputs, made]
        f = tasks.restored(photos, made, factor, lpips_network(), given)
        yield f"1/{factor}", f.model.pictures, *_beside(f.model, f.bicubic)
    _show(evaluation, name, *shown, photos, count=12)


def _beside(own: Figures, plain: Figures) -> Row:
    pairs = [(getattr(own, n), getattr(plain, n)) for n in ("lpips", "mse", "identity", "wrong_pairs")]
    return [value for pair in pairs for value in pair]


def _toonify(evaluation: Evaluation, model: PSP, photos: Tensor, name: str) -> Iterator[Row]:
    made, encoded = _made(model, photos), _made(evaluation.load("encode"), photos)
    _show(evaluation, name, photos, made)
    f = tasks.tooned(photos, made, encoded, lpips_network())
    own = f.figures
    figures = (own.pictures, own.lpips, own.identity, own.wrong_pairs, _percent(own.nearest))
    yield *figures, f.to_cartoon, f.encode_to_cartoon, _percent(f.toons), _percent(f.encode_toons)


_MEASURES: dict[str, Callable[[Evaluation, PSP, Tensor, str], Iterator[Row]]] = {
    "encode": _encode,
    "frontalize": _frontalize,
    "sketch_to_face": _sketch,
    "segmentation_to_face": _segmentation,
    "super_resolution": _super_resolution,
    "toonify": _toonify,
}


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _generator_rows(evaluation: Evaluation, model: PSP, sources: tuple[Source, ...]) -> Iterator[Row]:
    config = preset("portraits128-encode").data
    count = evaluation.pictures or _RANDOM
    real, others = _real_halves(sources, config, count)
    codes = galleries.random_codes(model, len(real))
    faces = galleries.decode_at(model, codes, SIZE)
    if evaluation.sheets is not None:
        _generator_sheets(evaluation.sheets, model, faces, _interleaved(sources, config))
    f = tasks.random_figures(faces, real, others, _made(model, others), lpips_network())
    yield "random", f.pictures, f.frechet, f.encoded, f.real, f.variety, f.real_variety


def _real_halves(sources: tuple[Source, ...], config: DataConfig, count: int) -> tuple[Tensor, Tensor]:
    """Return two sets of up to ``count`` real pictures each, trained on or not, no picture twice.

    The sources have the shares that training draws them with, since the generator learned that mixture.
    """
    all_of = tuple(dataclasses.replace(s, train=tuple(sorted(s.train + s.val)), val=()) for s in sources)
    rng = np.random.default_rng(0)
    halves: tuple[list[Tensor], list[Tensor]] = ([], [])
    for source, share in zip(all_of, draw_shares(all_of, config), strict=True):
        each = min(round(share * count), len(source.train) // 2)
        drawn = [source.train[i] for i in rng.permutation(len(source.train))[: 2 * each]]
        halves[0].append(_read(source, drawn[:each]))
        halves[1].append(_read(source, drawn[each:]))
    real, others = torch.cat(halves[0]), torch.cat(halves[1])
    if len(real) < 2:
        raise TrainingError("There are too few pictures to compare with.", "Give at least four.")
    order = torch.from_numpy(rng.permutation(len(real)))
    return real[order], others[order]


def _read(source: Source, names: Sequence[str]) -> Tensor:
    read = source.reader()
    pictures = [np.asarray(decode_picture(read(name), name, SIZE)) for name in names]
    return to_batch(pictures) if pictures else torch.empty(0, 3, SIZE, SIZE)


def _interleaved(sources: tuple[Source, ...], config: DataConfig, count: int = 16) -> Tensor:
    """Return up to ``count`` held-out pictures, of each source that is trained on in turn."""
    unused = {name for name, share in config.shares if share == 0}
    held = [source for source in sources if source.val and source.name not in unused]
    if not held:
        return torch.empty(0, 3, SIZE, SIZE)
    each = [list(held_out(source, SIZE, -(-count // len(held)))) for source in held]
    return torch.stack([picture for turn in zip(*each, strict=False) for picture in turn])


def _generator_sheets(folder: Path, model: PSP, faces: Tensor, held: Tensor) -> None:
    galleries.save_gallery(folder / "random.jpg", faces[:64], columns=8)
    if len(held) < 4:
        return
    pairs = len(held) // 2
    codes = galleries.encode_all(model, held)
    steps = galleries.interpolate(model, codes[0 : 2 * pairs : 2], codes[1 : 2 * pairs : 2], 8, SIZE)
    galleries.save_gallery(folder / "interpolation.jpg", steps, columns=8)
    some = min(5, pairs)
    table = galleries.mix_styles(model, held[1 : 2 * some : 2], held[0 : 2 * some : 2])
    galleries.save_gallery(folder / "mixing.jpg", table, columns=1 + some)
