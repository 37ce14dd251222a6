"""From a preset and a folder of pictures to a model that the studio can use."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psp.checkpoints.find import find_file
from psp.checkpoints.generators import open_generator
from psp.checkpoints.load import load_psp
from psp.config import Settings
from psp.errors import TrainingError
from psp.files.saving import write_files
from psp.maps.palette import CLASSES, FACE_CLASSES
from psp.models.psp import PSP
from psp.registry.folder import model_files
from psp.registry.lookup import families, find_entry, tasks_of
from psp.training.coach import Coach, Start
from psp.training.config import TrainConfig
from psp.training.data.check import check_data, fingerprint, require_good, tell, unpaired_findings, without
from psp.training.data.maps import open_maps
from psp.training.data.pairs import pair_sources
from psp.training.data.prepare import Preparation
from psp.training.data.sources import Source, open_sources
from psp.training.data.synthetic import SyntheticPairs
from psp.training.data.vary import Pixels
from psp.training.export import BEST, export
from psp.training.limits import check_channels, check_config, check_run
from psp.training.loop import Progress
from psp.training.machine import open_accelerator
from psp.training.networks import build_objective, on_generator, on_model, start_encoder
from psp.training.overrides import to_toml
from psp.training.run_folder import CONFIG_FILE, CONFIG_MARK, SYNTHETIC, require_run_folder

if TYPE_CHECKING:
    from accelerate import Accelerator

_CHECK_FILE = "data-check.json"


@dataclass(frozen=True)
class RunOptions:
    """Where a run reads and writes, on what it computes, and when it stops.

    Attributes:
        data: Folder of pictures or zip files: what the model should make.
        out: Folder of the run; a run that is there is resumed.
        inputs: Folder of what the encoder sees, with the names of ``data``; None: it is made of the pictures.
        device: "auto", "cpu", "cuda", "mps".
        minutes: Stop after this time, with a checkpoint; None: when the run is whole.
        start_from: A model to start from: a family, a folder or a file; it goes before the preset's.
        generator: A generator to freeze and to give an encoder (the paper): a name or a path; it goes before
            the preset's.
        identity_file: ArcFace IR-SE50 weights; None: the registry's.
        similarity_file: MoCo v2 weights, for a run with a similarity term.
        maps: File of the pictures' maps, made when it is missing; None: one in ``out``.
        synthetic: Folder of synthetic pictures, rendered where they are missing; None: one in ``out``.
        accumulate: Parts that a batch is cut into to save memory.
        workers: Processes that read pictures ahead.
        check: Whether all pictures are looked at first.
        skip_bad: Whether to train without pictures that cannot be used, rather than to refuse.
    """

    data: Path
    out: Path
    inputs: Path | None = None
    device: str = "auto"
    minutes: float | None = None
    start_from: str | Path | None = None
    generator: str | Path | None = None
    identity_file: Path | None = None
    similarity_file: Path | None = None
    maps: Path | None = None
    synthetic: Path | None = None
    accumulate: int = 1
    workers: int = 0
    check: bool = True
    skip_bad: bool = False


@dataclass(frozen=True)
class Reports:
    """Who is told what happens, in the main process.

    Attributes:
        progress: Called with every log line.
        words: Called with everything else that a person should know.
    """

    progress: Callable[[Progress], None] = lambda progress: None
    words: Callable[[str], None] = lambda words: None


def train(config: TrainConfig, options: RunOptions, reports: Reports = Reports()) -> Path:
    """Train ``config`` and return the path of the best model, ``out/best/<task>.safetensors``.

    Raises:
        SettingsError: A number is outside of its limits, or settings do not go together.
        TrainingError: Data or settings cannot be used, the loss became NaN, or the disk is full.
        CheckpointError: A file to start from cannot be used.
        KeyboardInterrupt: Somebody asked to stop; the state is saved.
    """
    check_config(config)
    if options.inputs is None:
        check_channels(config)
    check_run(workers=options.workers, minutes=options.minutes, accumulate=options.accumulate)
    accelerator = open_accelerator(config, options.device, options.accumulate)
    # The main process looks at the data and makes the maps; the others find them made.
    with accelerator.main_process_first():
        sources = open_data(config, options, reports.words)
        config, start, base = _open_start(config, options)
        path = options.out / BEST / f"{config.task}.safetensors"
        _require_apart(base, path)
        pairs = _open_synthetic(config, options, start.model, accelerator, reports.words)
        start = dataclasses.replace(start, maps=_open_maps(config, options, sources), synthetic=pairs)
        if accelerator.is_main_process:
            text = CONFIG_MARK + to_toml(config)
            write_files({options.out / CONFIG_FILE: text.encode()})
    objective = build_objective(config, options.identity_file, options.similarity_file)
    folder = options.out / BEST

    def on_best(model: PSP, figures: Mapping[str, float]) -> None:
        export(model, config, sources, folder, pictures=coach.position.pictures, figures=figures)

    coach = Coach(
        config,
        sources,
        objective,
        options.out,
        accelerator,
        start,
        workers=options.workers,
        report=reports.progress,
        on_best=on_best,
    )
    try:
        coach.run(options.minutes)
    finally:
        _close(accelerator)
    if coach.position.pictures == 0:
        raise TrainingError("The time was over before the first step.", "Give more --minutes.")
    return path


def _require_apart(base: Path | None, path: Path) -> None:
    """Refuse to write the best model to ``path`` where that is the model to start from."""
    if base is not None and path.exists() and path.samefile(base):
        raise TrainingError(
            f"{path} is the model to start from, and the run would write over it.",
            "Give another folder with --out.",
        )


def _close(accelerator: Accelerator) -> None:
    """End the processes' group, without waiting for those that failed."""
    import torch  # noqa: PLC0415  (loaded long since; here for its process group alone)

    accelerator.free_memory()
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def open_data(config: TrainConfig, options: RunOptions, words: Callable[[str], None]) -> tuple[Source, ...]:
    """Return the pictures of a run, with their inputs where these lie ready, after looking at all of them.

    Raises:
        TrainingError: There are none, or some cannot be used and none may be skipped; says which.
    """
    classes = config.map_classes
    if options.inputs is None and classes not in (None, FACE_CLASSES):
        raise TrainingError(
            f"Pictures can be mapped by the {len(CLASSES)} classes of faces, not by {len(classes)} others.",
            "Give their maps with --inputs: a folder with the same names.",
        )
    require_run_folder(options.out)
    options.out.mkdir(parents=True, exist_ok=True)
    sources = open_sources(options.data, words)
    unpaired: tuple[str, ...] = ()
    if options.inputs is not None:
        sources, unpaired = pair_sources(sources, open_sources(options.inputs, words))
    if not options.check:
        return sources
    size = config.compared_size
    note = options.out / _CHECK_FILE
    prepare = Preparation.of(config)
    seen = fingerprint(sources, size) + (classes.to_json() if classes else "")
    if not unpaired and note.exists() and note.read_bytes() == json.dumps(seen).encode():
        return sources
    findings = unpaired_findings(unpaired) + check_data(sources, size, prepare)
    if findings and options.skip_bad:
        words(f"Left out: {tell(findings, options.out)}")
        sources = without(sources, findings)
        if not any(source.train for source in sources):
            raise TrainingError("No picture is left to train on.", "Give other data.")
        return sources
    require_good(findings, options.out)
    write_files({note: json.dumps(seen).encode()})
    return sources


def _open_start(config: TrainConfig, options: RunOptions) -> tuple[TrainConfig, Start, Path | None]:
    """Return the run as its start shapes it, what it starts from, and the file of the model to start from."""
    # What the command line names goes before what the preset does.
    model = options.start_from or ("" if options.generator else config.start)
    generator = options.generator or config.generator
    if model:
        settings = Settings.from_env()
        base = find_file(find_entry(model, _task_of(model, config.task, settings), settings), settings)
        given = load_psp(base, settings=settings)
        config, adapted = on_model(config, given)
        # Where the first layer is another, it knows nothing yet.
        return config, Start(adapted, trained=adapted.config == given.config), base
    if not generator:
        raise TrainingError(
            f"The preset {config.name!r} needs a pretrained generator.",
            "Give it with --generator: a StyleGAN2 .pt of rosinality's, or one of train-generator.",
        )
    config, fresh = on_generator(config, open_generator(generator))
    if config.encoder == "ir_se50":
        start_encoder(fresh, options.identity_file)
    return config, Start(fresh), None


def _task_of(model: str | Path, task: str, settings: Settings) -> str:
    """Return whose model of a family or folder a run starts from: its own task's, or that for photos."""
    if str(model) in families(settings):
        return task if task in tasks_of(str(model), settings) else "encode"
    return task if Path(model).is_dir() and task in model_files(Path(model)) else "encode"


def _open_maps(
    config: TrainConfig, options: RunOptions, sources: tuple[Source, ...]
) -> Mapping[tuple[str, str], Pixels] | None:
    wanted = Preparation.of(config).needs_maps or config.data.vary.backgrounds
    if options.inputs is not None or not wanted:
        return None
    used = tuple(source for source in sources if dict(config.data.shares).get(source.name, 1.0) > 0)
    return open_maps(used, options.maps or options.out / "maps.npz", config.model.encoder.in_size)


def _open_synthetic(
    config: TrainConfig,
    options: RunOptions,
    model: PSP,
    accelerator: Accelerator,
    words: Callable[[str], None],
) -> SyntheticPairs | None:
    """Return the synthetic pictures of a run, rendered ahead where no GPU makes them on the way."""
    if not config.synthetic_batch:
        return None
    prepare = Preparation.of(config)
    size = max(config.compared_size, prepare.size)
    kept = config.data.synthetic.pictures if accelerator.device.type == "cpu" else 0
    folder = options.synthetic or options.out / SYNTHETIC
    pairs = SyntheticPairs(model, prepare, size, config.seed, pictures=kept, folder=folder)
    pairs.render(words if accelerator.is_main_process else lambda line: None)
    return pairs
