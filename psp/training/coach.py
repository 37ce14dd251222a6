"""The training loop of pSp: encoder alone on a frozen generator (the paper), or both together."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.errors import TrainingError
from psp.losses.lpips import LPIPS
from psp.losses.objective import Objective
from psp.models.encoder import GradualStyleEncoder, MapToStyle
from psp.models.generator import ToRGB
from psp.models.psp import PSP
from psp.training.config import TrainConfig
from psp.training.data import Batch, Batches, held_out, prepare_all
from psp.training.distill import code_loss
from psp.training.prepare import preparation
from psp.training.scalars import ScalarLog
from psp.training.sheets import save_sheet
from psp.training.sources import Source
from psp.training.state import Position, load_state, save_state
from psp.training.vary import Pixels

STATE_FILE = "last.safetensors"
_SHEET_PICTURES = 12
# Batches over which the statistics of batch norms are taken before they are fixed.
_NORM_BATCHES = 60


@dataclass(frozen=True)
class Progress:
    """One line of a run's log.

    Attributes:
        position: How far the run is.
        total: Pictures of the whole run.
        terms: The loss terms, means since the last line, or held-out figures.
        rate: Pictures a second since the last line; 0 for held-out figures.
    """

    position: Position
    total: int
    terms: dict[str, float]
    rate: float

    def line(self) -> str:
        """Return it as one line for a person."""
        place = self.position
        terms = "  ".join(f"{name} {value:.4f}" for name, value in self.terms.items())
        rate = f"  {self.rate:.1f}/s" if self.rate else ""
        return f"{place.pictures}/{self.total}  {place.seconds:.0f} s{rate}  {terms}"


def kept_share(batch: int, ema_pictures: int, step: int) -> float:
    """Return how much of a moving average of weights stays in a step; a young average forgets faster."""
    return min(0.5 ** (batch / max(ema_pictures, 1)), (1 + step) / (10 + step))


def rate_factor(config: TrainConfig, pictures: int) -> float:
    """Return what the learning rates are multiplied by: linear warm-up, 1, then cosine decay."""
    plan = config.optimizer
    warm = min(1.0, (pictures + plan.batch) / max(plan.warmup, 1))
    start = plan.decay_from * config.pictures
    fall = min(max((pictures - start) / max(config.pictures - start, 1), 0.0), 1.0)
    return warm * (plan.final + (1.0 - plan.final) * 0.5 * (1.0 + math.cos(math.pi * fall)))


class Coach:
    """Trains one model in one folder, resuming what is there.

    Args:
        config: The run.
        sources: Its pictures.
        objective: Its losses, on ``device``.
        out: Folder for checkpoints, picture sheets and scalars.
        device: Where to compute.
        model: A model to start from (its generator pretrained); a fresh one by default.
        teacher: A model for the pictures themselves, whose codes ``LossWeights.code`` holds the encoder to.
        maps: The pictures' 19-class maps, for the task that needs them.
        report: Called with every log line.
    """

    def __init__(
        self,
        config: TrainConfig,
        sources: tuple[Source, ...],
        objective: Objective,
        out: Path,
        device: torch.device,
        model: PSP | None = None,
        teacher: PSP | None = None,
        maps: Mapping[tuple[str, str], Pixels] | None = None,
        report: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        if model is None and not config.train_generator:
            raise TrainingError(
                "A frozen generator needs pretrained weights.",
                "Give a checkpoint, or train the generator too.",
            )
        self.config, self.objective, self.device = config, objective, device
        self.out, self.report = out, report
        self.model = (model or _fresh_model(config)).to(device).train()
        if not config.train_generator:
            self.model.decoder.eval().requires_grad_(False)
        for name, parameter in self.model.named_parameters():
            if config.trained and not name.startswith(config.trained):
                parameter.requires_grad_(False)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        plan = config.optimizer
        groups = [
            {"params": [p for p in part.parameters() if p.requires_grad], "lr": rate}
            for part, rate in ((self.model.encoder, plan.lr), (self.model.decoder, plan.generator_lr))
        ]
        self.optimizer = torch.optim.Adam(groups, betas=(plan.beta1, plan.beta2), fused=True)
        self._measure = torch.compile(self._terms) if config.compiled else self._terms
        self.peak_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.position = Position()
        if (out / STATE_FILE).exists():
            self.position = load_state(
                out / STATE_FILE, config.name, self.model, self.average, self.optimizer
            )
        size = config.model.generator.size
        prepare = preparation(config.task, config.model.encoder.in_size)
        self.batches = Batches(sources, config.data, size, plan.batch, config.seed, prepare, maps)
        self.code_loss = code_loss(teacher, self.batches) if teacher and config.losses.code else None
        shown = [held_out(source, size, _SHEET_PICTURES) for source in sources if source.val]
        self.shown = prepare_all(torch.cat(shown), prepare) if shown else None

    def run(self, minutes: float | None = None) -> PSP:
        """Train until the run is whole or ``minutes`` are over, and return the averaged model, in eval mode.

        Raises:
            TrainingError: The loss became NaN or infinite; the last good checkpoint stays.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        scalars = ScalarLog(self.out)
        began, before = time.monotonic(), self.position.seconds
        sums: dict[str, float] = {}
        window, config = (began, self.position.step), self.config
        for batch in self.batches.from_step(self.position.step):
            if self.position.pictures >= config.pictures:
                break
            if minutes is not None and time.monotonic() - began > 60 * minutes:
                break
            for name, value in self._step(batch).items():
                sums[name] = sums.get(name, 0.0) + value
            now, done = time.monotonic(), self.position
            self.position = Position(
                done.step + 1, done.pictures + config.optimizer.batch, before + now - began
            )
            step = self.position.step
            if step % config.log_every == 0:
                steps = step - window[1]
                means = {name: value / steps for name, value in sums.items()}
                rate = steps * config.optimizer.batch / (now - window[0])
                self.report(Progress(self.position, config.pictures, means, rate))
                scalars.add("train", self.position.pictures, means | {"pictures_per_second": rate})
                sums, window = {}, (now, step)
            if step % config.save_every == 0:
                self.save()
            if step % config.sheet_every == 0:
                self._show(scalars)
        self._show(scalars)
        self.save()
        scalars.close()
        return self.average

    def save(self) -> None:
        """Write the state of the run, so that it can go on from here."""
        path = self.out / STATE_FILE
        save_state(path, self.position, self.config.name, self.model, self.average, self.optimizer)

    def _step(self, batch: Batch) -> dict[str, float]:
        """Do one optimizer step on ``batch`` and return the loss terms."""
        config = self.config
        size = config.size_at(self.position.pictures)
        factor = rate_factor(config, self.position.pictures)
        for group, peak in zip(self.optimizer.param_groups, self.peak_rates, strict=True):
            group["lr"] = peak * factor
        inputs = resize(batch.inputs.to(self.device), config.model.encoder.in_size)
        targets = resize(batch.targets.to(self.device), size)
        self._settle_norms()
        wanted = None
        if self.code_loss is not None:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=config.half):
                wanted = self.code_loss.wanted(targets).float()
        terms = self._measure(inputs, targets, size, wanted)
        loss = self.objective.total(terms)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"The loss is {loss.item()} at step {self.position.step}.",
                f"Lower the learning rate and start again: {STATE_FILE} holds the last good state.",
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        trained = [p for p in self.model.parameters() if p.grad is not None]
        norm = nn.utils.clip_grad_norm_(trained, config.optimizer.clip)
        self.optimizer.step()
        self._update_average()
        measured = {name: float(value.detach()) for name, value in terms.items()}
        return measured | {"loss": float(loss.detach()), "gradient": float(norm)}

    def _terms(self, inputs: Tensor, targets: Tensor, size: int, wanted: Tensor | None) -> dict[str, Tensor]:
        """Return the loss terms of one batch, ``wanted`` the teacher's codes: what is compiled."""
        decoded = self.config.decoded or len(inputs)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.half):
            offsets = self.model.encoder(inputs)
            outputs = self.model.decode(offsets[:decoded] + self.model.w_avg, size)
            terms: dict[str, Tensor] = self.objective(outputs, targets[:decoded], offsets)
        if self.code_loss is not None and wanted is not None:
            terms["code"] = self.code_loss(offsets.float() + self.model.w_avg, wanted)
        return terms

    @torch.no_grad()
    def _settle_norms(self) -> None:
        """Fix the statistics of the batch norms once the run is as far as its config says."""
        config, pictures = self.config, self.position.pictures
        norms = [module for module in self.model.modules() if isinstance(module, nn.BatchNorm2d)]
        if config.keep_norms:
            for norm in norms:
                norm.eval()
            return
        if not config.freeze_norms_from or pictures < config.freeze_norms_from or not norms[0].training:
            return
        if pictures - config.optimizer.batch < config.freeze_norms_from:  # now, and not before a resume
            momenta = [norm.momentum for norm in norms]
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # a plain mean over all that follows
            for ahead in range(_NORM_BATCHES):
                inputs = self.batches.batch(self.position.step + ahead).inputs.to(self.device)
                self.model.encoder(resize(inputs, config.model.encoder.in_size))
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
        for norm in norms:
            norm.eval()

    @torch.no_grad()
    def _update_average(self) -> None:
        """Move the averaged weights and running statistics towards the current ones."""
        config = self.config
        keep = kept_share(config.optimizer.batch, config.ema_pictures, self.position.step)
        current = self.model.state_dict()
        for name, value in self.average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(current[name], 1.0 - keep)
            else:
                value.copy_(current[name])

    @torch.no_grad()
    def _show(self, scalars: ScalarLog) -> None:
        """Write a picture sheet and figures of the averaged model on some held-out pictures."""
        if self.shown is None:
            return
        config = self.config
        size = config.size_at(self.position.pictures - 1)
        inputs = resize(self.shown.inputs.to(self.device), config.model.encoder.in_size)
        outputs = self.average.decode(self.average.encode(inputs), size)
        targets = resize(self.shown.targets.to(self.device), size)
        figures = {"l2": float((outputs - targets).square().mean())}
        if isinstance(self.objective.lpips, LPIPS):
            figures["lpips"] = float(self.objective.lpips(outputs, targets).mean())
        save_sheet(self.out / f"sheet-{self.position.pictures:08d}.png", targets, outputs)
        scalars.add("held_out", self.position.pictures, figures)
        named = {f"held-out {name}": value for name, value in figures.items()}
        self.report(Progress(self.position, config.pictures, named, 0.0))


def resize(images: Tensor, size: int) -> Tensor:
    """Return ``images`` [B,C,S,S] at ``size``, each pixel the mean of what it covers."""
    return images if images.shape[-1] == size else F.interpolate(images, size, mode="area")


def _fresh_model(config: TrainConfig) -> PSP:
    """Return a model with weights drawn from the run's own seed; the global random state stays untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = PSP(config.model)
    if config.low_size:
        # The colour layers that join later start silent, so that they do not disturb what is learned already.
        for to_rgb in list(model.decoder.to_rgbs)[int(math.log2(config.low_size)) - 2 :]:
            assert isinstance(to_rgb, ToRGB)
            nn.init.zeros_(to_rgb.conv.weight)
    return model


@torch.no_grad()
def recentre(model: PSP, images: Tensor, batch: int = 32) -> PSP:
    """Move the mean code of ``images`` [N,C,S,S] into ``w_avg``; what the model computes stays the same.

    After joint training the average code is part of the encoder's biases; this gives it back its meaning.
    """
    codes = torch.cat([model.encode(part) for part in images.to(model.device).split(batch)])
    mean = codes.mean(dim=0)
    shift = mean - model.w_avg
    assert isinstance(model.encoder, GradualStyleEncoder) and model.config.encoder.kind == "gradual"
    for to_style, delta in zip(model.encoder.styles, shift, strict=True):
        assert isinstance(to_style, MapToStyle)
        to_style.linear.bias.sub_(delta)
    model.latent_avg.copy_(mean)
    return model


@torch.no_grad()
def fit_prior(model: PSP, images: Tensor, batch: int = 32) -> PSP:
    """Fit the Gaussian over codes to those of ``images`` [N,C,S,S]: their principal directions."""
    rank = model.config.generator.prior_rank
    codes = torch.cat([model.encode(part) for part in images.to(model.device).split(batch)])
    centred = (codes - codes.mean(dim=0)).flatten(1).double()
    _, lengths, directions = torch.linalg.svd(centred, full_matrices=False)
    count = min(rank, len(lengths))
    deviations = lengths[:count] / max(len(codes) - 1, 1) ** 0.5
    basis = (directions[:count] * deviations[:, None]).float().view(count, *codes.shape[1:])
    model.decoder.prior.basis.zero_()
    model.decoder.prior.basis[:count] = basis
    return model
