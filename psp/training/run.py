"""From a preset and a folder of pictures to a model that the studio can use."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import torch

from psp.checkpoints import find_file, is_pickle, load_psp, load_tensors, read_info, save_psp
from psp.checkpoints.dlib_file import load_face_descriptor
from psp.checkpoints.face_network import load_face_network
from psp.config import Settings
from psp.losses.identity import DescriptorLoss, IdentityLoss
from psp.losses.lpips import LPIPS
from psp.losses.objective import Objective
from psp.models.psp import PSP, PSPConfig
from psp.quality import LPIPS_FILE
from psp.registry import AUXILIARY
from psp.training.coach import Coach, Progress, fit_prior, recentre
from psp.training.config import TrainConfig
from psp.training.data import Batches
from psp.training.gan_state import GENERATOR_FILE, open_generator
from psp.training.maps import open_maps
from psp.training.prepare import needs_maps
from psp.training.sources import Source, open_sources
from psp.training.vary import VaryConfig

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
        generator: A generator that ``train-generator`` made: it is frozen and gets an encoder (the paper).
        maps: File of the pictures' maps, made when it is missing; None: one in ``out``.
    """

    data: Path
    out: Path
    device: str = "cpu"
    minutes: float | None = None
    start_from: Path | None = None
    identity_file: Path | None = None
    generator: Path | None = None
    maps: Path | None = None


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
        config = dataclasses.replace(config, model=_model_for(config, start))
        if config.train_generator:
            # It goes on, so it neither begins at a low resolution nor measures norms anew.
            config = dataclasses.replace(config, low_size=0, keep_norms=True)
    model = adapt(start, config.model) if start is not None else None
    if options.generator is not None:
        config, model = _on_generator(config, options.generator)
    objective = build_objective(config, options.identity_file).to(device)
    maps = None
    if needs_maps(config.task) or config.data.vary.backgrounds:
        used = tuple(source for source in sources if dict(config.data.shares).get(source.name, 1.0) > 0)
        maps = open_maps(used, options.maps or options.out / "maps.npz", config.model.encoder.in_size)
    coach = Coach(
        config,
        sources,
        objective,
        options.out,
        device,
        model=model,
        teacher=start.to(device) if start is not None else None,
        maps=maps,
        report=report,
    )
    model = coach.run(options.minutes)
    return export(model, config, sources, options, coach.position.pictures)


def _model_for(config: TrainConfig, start: PSP) -> PSPConfig:
    """Return the shape of the model to start from, with the input that the task has."""
    channels = config.model.encoder.in_channels
    return dataclasses.replace(
        start.config, encoder=dataclasses.replace(start.config.encoder, in_channels=channels)
    )


def _on_generator(config: TrainConfig, file: Path) -> tuple[TrainConfig, PSP]:
    """Return the run and a model for a fresh encoder on the frozen generator in ``file``."""
    generator, w_avg = open_generator(file)
    shape = dataclasses.replace(config.model, generator=generator.config)
    config = dataclasses.replace(config, model=shape, train_generator=False, low_size=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = PSP(shape)
    model.decoder.load_state_dict(generator.state_dict())
    model.latent_avg.copy_(w_avg)
    return config, model


def adapt(start: PSP, config: PSPConfig) -> PSP:
    """Return a new model of shape ``config`` with all the weights of ``start`` that fit, ready for training.

    What does not fit (the first layer, where a task's input has other channels) starts from random weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = PSP(config)
    wanted = model.state_dict()
    given = start.state_dict()
    fitting = {key: value for key, value in given.items() if wanted[key].shape == value.shape}
    model.load_state_dict(wanted | fitting)
    return model.requires_grad_(True)


def build_objective(config: TrainConfig, identity_file: Path | None) -> Objective:
    """Return the objective of ``config`` with its networks.

    Raises:
        CheckpointError: The identity network is asked for and cannot be found or used.
    """
    weights = config.losses
    lpips = LPIPS(load_tensors(LPIPS_FILE)[0]) if weights.lpips else None
    identity = None
    if weights.identity:
        identity = _identity_loss(config, identity_file)
    return Objective(weights, lpips, identity)


def _identity_loss(config: TrainConfig, identity_file: Path | None) -> IdentityLoss | DescriptorLoss:
    if config.identity == "dlib" and identity_file is None:
        return DescriptorLoss(load_face_descriptor())
    path = identity_file or find_file(AUXILIARY["identity"], Settings.from_env())
    return IdentityLoss(load_face_network(path))


def export(
    model: PSP, config: TrainConfig, sources: tuple[Source, ...], options: RunOptions, pictures: int
) -> Path:
    """Write ``model`` as the studio loads it, into ``options.out/model``, and return the file.

    A jointly trained model gets its average code back first (see ``recentre``); its generator has a file of
    its own. A model that started from another leaves what is equal in that one's files, copied beside it.
    """
    folder = options.out / "model"
    path = folder / f"{config.task}.safetensors"
    info = {"preset": config.name, "task": config.task, "pictures": str(pictures)}
    base = options.start_from
    if base is not None and not is_pickle(base) and base.name != path.name:
        folder.mkdir(parents=True, exist_ok=True)
        decoder = read_info(base).get("decoder")
        for file in (base, base.with_name(decoder)) if decoder else (base,):
            shutil.copyfile(file, folder / file.name)
        save_psp(model, path, precision=config.precision, base=base.name, info=info)
        return path
    if config.train_generator:
        plan = dataclasses.replace(config.data, vary=VaryConfig())
        count = min(_AVERAGED_PICTURES, sum(len(source.train) for source in sources))
        batches = Batches(sources, plan, config.model.encoder.in_size, min(count, 32), config.seed + 1)
        images = torch.cat([batches.batch(step).targets for step in range(max(1, count // 32))])
        recentre(model, images)
        if model.config.generator.prior_rank:
            fit_prior(model, images)
        (folder / GENERATOR_FILE).unlink(missing_ok=True)  # an earlier export of this run
    save_psp(model, path, precision=config.precision, decoder_file=GENERATOR_FILE, info=info)
    return path
