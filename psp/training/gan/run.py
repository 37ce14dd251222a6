"""From a preset and a folder of pictures to a generator that a pSp model can be built on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from psp.checkpoints.generators import save_generator
from psp.errors import TrainingError
from psp.inference.launched import Place
from psp.inference.quality import lpips_weights
from psp.losses.lpips import LPIPS
from psp.training.data.sources import open_sources
from psp.training.gan.coach import GanCoach
from psp.training.gan.config import GanConfig
from psp.training.gan.state import GENERATOR_FILE
from psp.training.limits import check_config, check_run
from psp.training.loop import Progress
from psp.training.run_folder import require_run_folder


@dataclass(frozen=True)
class GanRunOptions:
    """Where a run reads and writes, and when it stops.

    Attributes:
        data: Folder of pictures or zip files.
        out: Folder of the run; a run that is there is resumed.
        device: "cpu", "cuda", "mps".
        minutes: Stop after this time, with a checkpoint; None: when the run is whole.
        workers: Processes that read pictures ahead.
        start_from: Folder that ``GanCoach.save_for_later`` wrote; None: fresh weights. Resuming goes before.
    """

    data: Path
    out: Path
    device: str = "cpu"
    minutes: float | None = None
    start_from: Path | None = None
    workers: int = 0


def train_generator(
    config: GanConfig,
    options: GanRunOptions,
    report: Callable[[Progress], None] = lambda progress: None,
    words: Callable[[str], None] = lambda words: None,
) -> Path:
    """Train ``config`` and return the path of the generator, ``out/model/generator.safetensors``.

    Beside it ``out/training`` gets what ``start_from`` of a later run takes.

    Args:
        config: The run.
        options: Where it reads and writes.
        report: Called with every log line.
        words: Called with everything else that a person should know.

    Raises:
        SettingsError: A number is outside of its limits.
        TrainingError: Data or settings cannot be used, or a loss became NaN.
        CheckpointError: A file to start from cannot be used.
    """
    check_config(config)
    check_run(workers=options.workers, minutes=options.minutes)
    if not Place.from_env().alone:
        raise TrainingError("A generator is trained in one process.", "Start it without a launcher.")
    require_run_folder(options.out)
    device = torch.device(options.device)
    lpips = LPIPS(lpips_weights()).to(device) if config.frechet_pictures else None
    sources = open_sources(options.data, words)
    coach = GanCoach(config, sources, options.out, device, lpips, report, options.workers)
    if options.start_from is not None and not coach.resumed:
        coach.start_from(options.start_from)
    generator = coach.run(options.minutes)
    coach.save_for_later(options.out / "training")
    path = options.out / "model" / GENERATOR_FILE
    info = {"preset": config.name, "pictures": str(coach.state.position.pictures)}
    save_generator(path, generator, coach.state.w_avg, info)
    return path
