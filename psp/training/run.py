"""From a preset and a folder of pictures to a model that the studio can use."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import torch

from psp.checkpoints import find_file, is_pickle, load_pickle, load_psp, load_tensors, save_psp
from psp.config import Settings
from psp.errors import TrainingError
from psp.losses.identity import IdentityLoss
from psp.losses.lpips import LPIPS
from psp.losses.objective import Objective
from psp.models.irse import ArcFace
from psp.models.psp import PSP
from psp.quality import LPIPS_FILE
from psp.registry import AUXILIARY
from psp.training.coach import Coach, Progress, recentre
from psp.training.config import TrainConfig
from psp.training.data import Batches, Source, open_sources

GENERATOR_FILE = "generator.safetensors"
_AVERAGED_PICTURES = 2048


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """Where a run reads and writes, and when it stops.

    Attributes:
        data: Folder of pictures or zip files.
        out: Folder of the run; a run that is there is resumed.
        device: "cpu", "cuda", "mps".
        minutes: Stop after this time, with a checkpoint; None: when the run is whole.
        start_from: A checkpoint to start from (the frozen generator's, for one); None: fresh weights.
        identity_file: ArcFace IR-SE50 weights, for a run with an identity term; None: the registry's.
    """

    data: Path
    out: Path
    device: str = "cpu"
    minutes: float | None = None
    start_from: Path | None = None
    identity_file: Path | None = None


def train(
    config: TrainConfig, options: RunOptions, report: Callable[[Progress], None] = lambda progress: None
) -> Path:
    """Train ``config`` and return the path of the finished model, ``out/model/<task>.safetensors``.

    Raises:
        TrainingError: Data or settings cannot be used, or the loss became NaN.
        CheckpointError: A file to start from cannot be used.
    """
    device = torch.device(options.device)
    sources = open_sources(options.data)
    settings = Settings.from_env()
    start = load_psp(options.start_from, settings=settings) if options.start_from else None
    if start is not None:
        start.requires_grad_(True)
        config = dataclasses.replace(config, model=start.config)
    objective = build_objective(config, options.identity_file).to(device)
    coach = Coach(config, sources, objective, options.out, device, start, report)
    model = coach.run(options.minutes)
    return export(model, config, sources, options.out / "model", coach.position.pictures)


def build_objective(config: TrainConfig, identity_file: Path | None) -> Objective:
    """Return the objective of ``config`` with its networks.

    Raises:
        CheckpointError: The identity network is asked for and cannot be found or used.
    """
    weights = config.losses
    lpips = LPIPS(load_tensors(LPIPS_FILE)[0]) if weights.lpips else None
    identity = None
    if weights.identity:
        path = identity_file or find_file(AUXILIARY["identity"], Settings.from_env())
        identity = IdentityLoss(_load_arcface(path))
    return Objective(weights, lpips, identity)


def _load_arcface(path: Path) -> ArcFace:
    tensors = load_pickle(path) if is_pickle(path) else load_tensors(path)[0]
    with torch.device("meta"):
        network = ArcFace()
    try:
        network.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError as error:
        raise TrainingError(
            f"{path.name} is not an ArcFace IR-SE50 network.", "Give another file."
        ) from error
    return network


def export(model: PSP, config: TrainConfig, sources: tuple[Source, ...], folder: Path, pictures: int) -> Path:
    """Write ``model`` as the studio loads it: encoder and average code in one file, the generator in another.

    Jointly trained models get their average code back first (see ``recentre``).
    """
    if config.train_generator:
        plan = dataclasses.replace(config.data, jitter=0.0)
        count = min(_AVERAGED_PICTURES, sum(len(source.train) for source in sources))
        batches = Batches(sources, plan, config.model.encoder.in_size, min(count, 32), config.seed + 1)
        recentre(model, torch.cat([batches.batch(step) for step in range(max(1, count // 32))]))
        (folder / GENERATOR_FILE).unlink(missing_ok=True)  # an earlier export of this run
    path = folder / f"{config.task}.safetensors"
    info = {"preset": config.name, "task": config.task, "pictures": str(pictures)}
    save_psp(model, path, decoder_file=GENERATOR_FILE, info=info)
    return path
