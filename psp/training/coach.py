"""The training of pSp: an encoder for a frozen generator (the paper)."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from psp.errors import PspError, TrainingError
from psp.losses.objective import Objective
from psp.models.compact import CompactConfig, CompactEncoder
from psp.models.psp import PSP
from psp.training.code_distance import CodeDistance
from psp.training.config import TrainConfig
from psp.training.data.pictures import Batch, Item, Pictures
from psp.training.data.prepare import Preparation
from psp.training.data.sources import Source
from psp.training.data.synthetic import SyntheticPairs
from psp.training.data.vary import Pixels
from psp.training.decoding import decode_at, resize
from psp.training.galleries import show_inputs
from psp.training.loop import Pace, Progress, kept_share, run_loop
from psp.training.machine import require_agreement
from psp.training.norms import batch_norms, measure_norms, share_norms
from psp.training.ranger import Ranger
from psp.training.scalars import ScalarLog
from psp.training.sheets import save_sheet
from psp.training.state import Position, RunState, load_state, save_state
from psp.training.step import LossTerms, Plan

if TYPE_CHECKING:
    from accelerate import Accelerator

STATE_FILE = "last.safetensors"
_SHEET_PICTURES = 12
_MEASURED_AT_ONCE = 8
# Batches over which the statistics of batch norms are taken before they are fixed.
_NORM_BATCHES = 60
# Drawn codes over which their spread is measured.
_SPREAD_OVER = 512


def rate_factor(config: TrainConfig, pictures: int) -> float:
    """Return what the learning rate is multiplied by: linear warm-up, 1, then cosine decay."""
    plan = config.optimizer
    warm = min(1.0, (pictures + plan.batch) / max(plan.warmup, 1))
    start = plan.decay_from * config.pictures
    fall = min(max((pictures - start) / max(config.pictures - start, 1), 0.0), 1.0)
    return warm * (plan.final + (1.0 - plan.final) * 0.5 * (1.0 + math.cos(math.pi * fall)))


def build_optimizer(config: TrainConfig, model: PSP) -> torch.optim.Optimizer:
    """Return the optimizer of what learns in ``model``."""
    plan = config.optimizer
    learning = [p for p in model.parameters() if p.requires_grad]
    if not learning:
        raise TrainingError(
            f"Nothing learns: no parameter begins with {', '.join(config.trained)}.", "Change trained."
        )
    betas = (plan.beta1, plan.beta2)
    if plan.name == "ranger":
        return Ranger(learning, lr=plan.lr, betas=betas, eps=plan.eps)
    return torch.optim.Adam(learning, lr=plan.lr, betas=betas, eps=plan.eps, fused=True)


@dataclass(frozen=True)
class Start:
    """What a run starts from.

    Attributes:
        model: The model, its generator pretrained.
        trained: Whether its encoder is too: then it is measured first, and stays the best until it is beaten.
        synthetic: Pictures of the model's generator with their codes, where the run wants any.
        maps: The pictures' 19-class maps, for the task that needs them.
    """

    model: PSP
    trained: bool = False
    synthetic: SyntheticPairs | None = None
    maps: Mapping[tuple[str, str], Pixels] | None = None


class Coach:
    """Trains one model in one folder, resuming what is there.

    Args:
        config: The run.
        sources: Its pictures.
        objective: Its losses.
        out: Folder for checkpoints, picture sheets and scalars.
        accelerator: The machine; every process of a run has a coach.
        start: What the run starts from.
        workers: Processes that read pictures ahead.
        report: Called with every log line, in the main process.
        on_best: Called in the main process with the averaged model and its held-out figures, when they are
            the best so far.
    """

    def __init__(
        self,
        config: TrainConfig,
        sources: tuple[Source, ...],
        objective: Objective,
        out: Path,
        accelerator: Accelerator,
        start: Start,
        *,
        workers: int = 0,
        report: Callable[[Progress], None] = lambda progress: None,
        on_best: Callable[[PSP, Mapping[str, float]], None] = lambda model, figures: None,
    ) -> None:
        self.config, self.out, self.accelerator = config, out, accelerator
        self.device, self.report, self.on_best = accelerator.device, report, on_best
        self.model = _ready(config, start.model, self.device)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        if accelerator.num_processes > 1:
            share_norms(self.model.encoder, self.device)
        self.objective = objective.to(self.device)
        optimizer = build_optimizer(config, self.model)
        self.position, self.best = Position(), math.inf
        average = self.average if config.ema_pictures else None
        self._state = RunState(config.name, self.model, average, optimizer)
        if (out / STATE_FILE).exists():
            self.position, self.best = load_state(out / STATE_FILE, self._state, accelerator.scaler)
        require_agreement(accelerator, self.position.step)
        self._prepare = Preparation.of(config)
        size = max(config.compared_size, self._prepare.size)
        self.pictures = Pictures(sources, config.data, size, config.seed, self._prepare, start.maps)
        self.synthetic, self._trained = start.synthetic, start.trained
        terms = LossTerms(self.model, self.objective, _distance(config, self.model, self.synthetic))
        self._terms, self._optimizer = accelerator.prepare(terms, optimizer)
        if config.compiled:
            terms.compile()
        self._held_out = self.pictures.held_out(config.measured) if accelerator.is_main_process else None
        self._workers = workers
        self._parts: Iterator[Item | PspError] = iter(())

    def run(self, minutes: float | None = None) -> PSP:
        """Train until the run is whole or ``minutes`` are over, and return the averaged model, in eval mode.

        Raises:
            TrainingError: The loss became NaN or infinite, or the disk is full; the last good state stays.
            KeyboardInterrupt: Somebody asked to stop; the state is saved.
        """
        plan, config = self.config.optimizer, self.config
        steps = math.ceil((config.pictures - self.position.pictures) / plan.batch)
        batch = config.data_batch
        first = self.position.step * batch
        accumulate = self.accelerator.gradient_accumulation_steps
        loader = self.pictures.loader(first, first + steps * batch, batch // accumulate, self._workers)
        self._parts = iter(self.accelerator.prepare(loader))
        every = config.log_every, config.sheet_every, config.save_every
        pace = Pace(config.pictures, plan.batch, *every, first=self._trained)
        try:
            run_loop(
                self,
                pace,
                minutes=minutes,
                report=self.report,
                agree=self._agree,
                main=self.accelerator.is_main_process,
            )
        finally:
            self._parts = iter(())  # ends the processes that read
        return self.finished()

    def finished(self) -> PSP:
        """Return the averaged model as it is now, in eval mode; where none is taken, a copy of the model."""
        if not self.config.ema_pictures:
            self.average.load_state_dict(self.model.state_dict())
        return self.average

    def save(self) -> None:
        """Write the state of the run, so that it can go on from here."""
        save_state(self.out / STATE_FILE, self._state, self.position, self.best, self.accelerator.scaler)

    def step(self) -> dict[str, float]:
        """Do one optimizer step on the next batch and return the loss terms, means over all processes.

        Raises:
            TrainingError: The loss or its gradient is not finite.
        """
        factor = rate_factor(self.config, self.position.pictures)
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.optimizer.lr * factor
        self._settle_norms()
        accumulate = self.accelerator.gradient_accumulation_steps
        sums: dict[str, float] = {}
        for index, part in enumerate(itertools.islice(self._parts, accumulate)):
            if isinstance(part, PspError):
                raise part
            for name, value in self._descend(part, index).items():
                sums[name] = sums.get(name, 0.0) + value / accumulate
        if self.config.ema_pictures:
            self._update_average()
        return sums

    def _descend(self, part: Item, index: int) -> dict[str, float]:
        """Take in part number ``index`` of a batch; the last one moves the weights. Return its terms."""
        accelerator = self.accelerator
        with accelerator.accumulate(self._terms):
            terms = self._measure(*part, index)
            loss = self.objective.total(terms)
            measured = {name: value.detach() for name, value in terms.items()} | {"loss": loss.detach()}
            values = accelerator.reduce(torch.stack(list(measured.values())), "mean").tolist()
            self._require_finite("loss", values[-1])
            accelerator.backward(loss)
            out = dict(zip(measured, values, strict=True))
            if accelerator.sync_gradients:
                norm = self._limit_gradient(self.config.optimizer.clip)
                out["gradient"] = norm * accelerator.gradient_accumulation_steps  # a mean is taken later
                if accelerator.scaler is None:  # it passes over steps that overflow by itself
                    self._require_finite("gradient", norm)
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)
        return out

    def _limit_gradient(self, most: float) -> float:
        """Return the gradient's norm, and shorten the gradient to ``most`` where that is not 0."""
        learning = [p for p in self.model.parameters() if p.grad is not None]
        if most:
            return float(self.accelerator.clip_grad_norm_(learning, most))
        self.accelerator.unscale_gradients()
        return float(nn.utils.get_total_norm([p.grad for p in learning if p.grad is not None]))

    def _measure(self, inputs: Tensor, targets: Tensor, index: int) -> dict[str, Tensor]:
        """Return the loss terms of part ``index`` of a batch, with the synthetic pictures that go with it."""
        config, wanted = self.config, None
        share = len(inputs) / config.data_batch  # of a batch: this process's, in this part
        plan = Plan(decoded=max(1, round(share * (config.decoded or config.data_batch))))
        if self.synthetic is not None:
            count = round(share * config.synthetic_batch)
            first = self.position.step * config.synthetic_batch
            first += (index * self.accelerator.num_processes + self.accelerator.process_index) * count
            pairs = self.synthetic.batch(first, count)
            size = targets.shape[-1]
            inputs = torch.cat([inputs, pairs.inputs.to(self.device)])
            targets = torch.cat([targets, resize(pairs.targets.to(self.device), size)])
            wanted = pairs.codes.to(self.device)
            decoded = min(count, round(share * config.data.synthetic.decoded))
            plan = dataclasses.replace(plan, synthetic=count, synthetic_decoded=decoded)
        looks = self.position.step % (1 + _corrections(self.model, config.task))
        plan = dataclasses.replace(plan, corrections=looks)
        inputs = resize(inputs, config.model.encoder.in_size)
        targets = resize(targets, config.compared_size)
        with self.accelerator.autocast():
            terms: dict[str, Tensor] = self._terms(inputs, targets, plan, wanted)
        return terms

    def _require_finite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise TrainingError(
                f"The {what} is {value} at step {self.position.step}.",
                f"Lower the learning rate and start again: {STATE_FILE} holds the last good state.",
            )

    def _agree(self, wish: bool) -> bool:
        """Whether any process wants to stop."""
        if self.accelerator.num_processes == 1:
            return wish
        wishes = self.accelerator.reduce(torch.tensor(float(wish), device=self.device), "sum")
        return bool(wishes > 0)

    @torch.no_grad()
    def _settle_norms(self) -> None:
        """Fix the statistics of the batch norms once the run is as far as its config says."""
        config, pictures = self.config, self.position.pictures
        norms = batch_norms(self.model.encoder)
        if config.keep_norms:
            for norm in norms:
                norm.eval()
            return
        if not config.freeze_norms_from or pictures < config.freeze_norms_from or not norms[0].training:
            return
        batch = config.optimizer.batch
        if pictures - batch < config.freeze_norms_from:  # now, and not before a resume
            ahead = (self.pictures.batch(self.position.step + i, batch).inputs for i in range(_NORM_BATCHES))
            side = config.model.encoder.in_size
            measure_norms(self.model.encoder, (resize(inputs.to(self.device), side) for inputs in ahead))
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
    def show(self, scalars: ScalarLog) -> None:
        """Write a picture sheet and figures of the averaged model on held-out pictures; tell a best one."""
        place, model = self.position, self.finished()
        if self._held_out is None:
            self.on_best(model, {})  # nothing says which is the best: the latest
            return
        outputs, figures = self._reconstruct(self._held_out)
        targets = resize(self._held_out.targets, outputs.shape[-1])
        rows = [targets, outputs]
        if self._prepare.task != "encode" or self._prepare.channels != 3:  # there the inputs are the targets
            seen = show_inputs(self._held_out.inputs, self._prepare.map_classes)
            rows.insert(0, resize(seen, outputs.shape[-1]))
        save_sheet(self.out / f"sheet-{place.pictures:08d}.png", *(row[:_SHEET_PICTURES] for row in rows))
        scalars.add("held_out", place.pictures, figures)
        named = {f"held-out {name}": value for name, value in figures.items()}
        self.report(Progress(place, self.config.pictures, named, 0.0))
        if figures["loss"] < self.best:
            self.best = figures["loss"]
            self.on_best(model, figures)

    def _reconstruct(self, held_out: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return what the averaged model makes of ``held_out``, on the CPU, and its mean loss terms."""
        config = self.config
        compared = config.compared_size
        made, sums = [], dict[str, float]()
        parts = zip(
            held_out.inputs.split(_MEASURED_AT_ONCE), held_out.targets.split(_MEASURED_AT_ONCE), strict=True
        )
        for inputs, targets in parts:
            codes = self.average.encode(resize(inputs.to(self.device), config.model.encoder.in_size))
            outputs = decode_at(self.average, codes, compared)
            wanted = resize(targets.to(self.device), compared)
            terms = self.objective(outputs, wanted, codes - self.average.w_avg)
            terms |= {"loss": self.objective.total(terms)}
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(inputs) / len(held_out.inputs)
            made.append(outputs.float().cpu())
        return torch.cat(made), sums


def _ready(config: TrainConfig, model: PSP, device: torch.device) -> PSP:
    """Return ``model`` on ``device``, ready to learn what the run trains."""
    model = model.to(device).train()
    model.requires_grad_(True)
    model.decoder.eval().requires_grad_(False)
    if isinstance(model.encoder, CompactEncoder) and model.encoder.face is not None:
        model.encoder.face.requires_grad_(False)
    for name, parameter in model.named_parameters():
        if config.trained and not name.startswith(config.trained):
            parameter.requires_grad_(False)
    return model


def _corrections(model: PSP, task: str) -> int:
    """Return how often the model corrects its codes: steps take turns with none, one, … of them."""
    shape = model.config.encoder
    if task == "super_resolution":  # like is compared with like only where it is known how small all were
        return 0
    return shape.corrections if isinstance(shape, CompactConfig) else 0


def _distance(config: TrainConfig, model: PSP, pairs: SyntheticPairs | None) -> CodeDistance | None:
    """Return how far codes of synthetic pictures are from the true ones, where that is asked for."""
    if pairs is None or not config.losses.code:
        return None
    return CodeDistance(model.decoder, pairs.sample(_SPREAD_OVER)).to(model.device)
