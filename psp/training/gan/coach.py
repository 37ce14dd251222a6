"""The training loop of StyleGAN2: a generator against a discriminator, on few pictures.

References: StyleGAN2 (Karras et al. 2020, arXiv 1912.04958), ADA (Karras et al. 2020, arXiv 2006.06676).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from psp.checkpoints.generators import save_generator
from psp.errors import PspError, TrainingError
from psp.losses.adversarial import discriminator_loss, generator_loss, path_lengths, r1_penalty
from psp.losses.lpips import LPIPS
from psp.models.discriminator import Discriminator
from psp.models.generator import Generator
from psp.training.data.pictures import Item, Pictures
from psp.training.data.sources import Source
from psp.training.gan.augment import AdaptiveProbability, augment
from psp.training.gan.config import GanConfig
from psp.training.gan.frechet import Gaussian, fit_gaussian, frechet_distance, picture_features
from psp.training.gan.state import (
    DISCRIMINATOR_FILE,
    GENERATOR_FILE,
    GanState,
    load_discriminator,
    load_gan_state,
    load_generator,
    save_discriminator,
    save_gan_state,
)
from psp.training.loop import Pace, Progress, kept_share, run_loop
from psp.training.scalars import ScalarLog
from psp.training.sheets import save_sheet
from psp.training.state import Position

STATE_FILE = "gan.safetensors"
_SHEET_PICTURES = 24
# Truncation of a sheet's second row: how far w is from w_avg (StyleGAN, arXiv 1812.04948, appendix B).
_TRUNCATION = 0.7
_MEASURED_AT_ONCE = 32
_PATH_DECAY = 0.01
# Streams of chance, each a function of (seed, its number, step).
_STEP, _SHEET, _FRECHET = 0, 1, 2


def seeded(*numbers: int) -> torch.Generator:
    """Return a generator of chance on the CPU whose draws depend on ``numbers`` alone."""
    seed = np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed >> np.uint64(1)))


def lazy_adam(
    parameters: Iterable[torch.nn.Parameter], lr: float, betas: tuple[float, float], every: int
) -> torch.optim.Adam:
    """Return Adam for a loss that is followed by a regularisation step every ``every`` steps (0: never).

    StyleGAN2, appendix B: with c = k/(k + 1), the rate becomes c·λ and the decays βᶜ, so that a cycle of
    k + 1 steps moves as far, and remembers as long, as k steps of an optimizer without the extra one.
    """
    c = every / (every + 1) if every else 1.0
    return torch.optim.Adam(parameters, lr=c * lr, betas=(betas[0] ** c, betas[1] ** c), eps=1e-8)


class GanCoach:
    """Trains one generator in one folder, resuming what is there.

    Args:
        config: The run.
        sources: Its pictures.
        out: Folder for checkpoints, picture sheets and scalars.
        device: Where to compute.
        lpips: The network whose features the Fréchet distance takes, on ``device``; None: no distance.
        report: Called with every log line.
        workers: Processes that read pictures ahead.
    """

    def __init__(
        self,
        config: GanConfig,
        sources: tuple[Source, ...],
        out: Path,
        device: torch.device,
        lpips: LPIPS | None = None,
        report: Callable[[Progress], None] = lambda progress: None,
        workers: int = 0,
    ) -> None:
        self.config, self.out, self.device = config, out, device
        self.lpips, self.report = lpips, report
        self.state = _fresh_state(config, device)
        self.resumed = (out / STATE_FILE).exists()
        if self.resumed:
            load_gan_state(out / STATE_FILE, config.name, self.state)
        size = config.generator.size
        self.pictures = Pictures(sources, config.data, size, config.seed)
        # Measured against other draws than the run's own, with the same shares.
        self._measured = Pictures(sources, config.data, size, config.seed + 1)
        self._workers = workers
        self._batches: Iterator[Item | PspError] = iter(())
        self._real: Gaussian | None = None
        self._autocast = config.half and device.type == "cuda"

    def run(self, minutes: float | None = None) -> Generator:
        """Train until the run is whole or ``minutes`` are over, and return the averaged generator.

        Raises:
            TrainingError: A loss became NaN or infinite, or the disk is full; the last good state stays.
            KeyboardInterrupt: Somebody asked to stop; the state is saved.
        """
        config, first = self.config, self.position.step * self.config.batch
        left = math.ceil((config.pictures - self.position.pictures) / config.batch) * config.batch
        self._batches = iter(self.pictures.loader(first, first + left, config.batch, self._workers))
        pace = Pace(config.pictures, config.batch, config.log_every, config.sheet_every, config.save_every)
        try:
            run_loop(self, pace, minutes=minutes, report=self.report)
        finally:
            self._batches = iter(())  # ends the processes that read
        return self.state.average

    @property
    def position(self) -> Position:
        """How far the run is."""
        return self.state.position

    @position.setter
    def position(self, position: Position) -> None:
        self.state.position = position

    def step(self) -> dict[str, float]:
        """Do one step of each network on the next batch and return the terms.

        Raises:
            TrainingError: A term is not finite, or a picture cannot be used.
        """
        batch = next(self._batches)
        if isinstance(batch, PspError):
            raise batch
        return self._step(batch[1].to(self.device)) | {"p": self.state.ada.p}

    def save(self) -> None:
        """Write the state of the run, so that it can go on from here.

        Raises:
            TrainingError: A weight is NaN or infinite; the last good checkpoint stays.
        """
        save_gan_state(self.out / STATE_FILE, self.config.name, self.state)

    def save_for_later(self, folder: Path) -> None:
        """Write the averaged generator and the discriminator to ``folder``, each in half precision.

        Less than ``save`` keeps (no optimizers, no exact weights), and small enough to be bundled.
        """
        state = self.state
        info = {"preset": self.config.name, "pictures": str(state.position.pictures)}
        save_generator(folder / GENERATOR_FILE, state.average, state.w_avg, info)
        save_discriminator(folder / DISCRIMINATOR_FILE, state.discriminator, info | {"p": repr(state.ada.p)})

    def start_from(self, folder: Path) -> None:
        """Take over the networks that ``save_for_later`` wrote to ``folder``; the run starts at 0 pictures.

        Raises:
            CheckpointError: A file is missing or damaged.
            TrainingError: The files are of another architecture.
        """
        state = self.state
        w_avg, _ = load_generator(folder / GENERATOR_FILE, state.average)
        metadata = load_discriminator(folder / DISCRIMINATOR_FILE, state.discriminator)
        state.generator.load_state_dict(state.average.state_dict())
        state.w_avg.copy_(w_avg)
        if self.config.ada_pictures:
            state.ada.p = min(float(metadata.get("p", "0")), state.ada.most)

    def _step(self, images: Tensor) -> dict[str, float]:
        """Do one step of each network against ``images`` [B,3,S,S] and return the terms."""
        config, state, step = self.config, self.state, self.state.position.step
        draw = seeded(config.seed, _STEP, step)
        terms, fakes = self._generator_step(draw)
        if config.path and step % config.path_every == 0:
            terms["path"] = self._path_step(draw)
        reals = augment(images, state.ada.p, draw)
        terms |= self._discriminator_step(reals, fakes)
        if config.r1_every and step % config.r1_every == 0:
            terms["r1"] = self._r1_step(reals)
        self._update_average(draw)
        # One wait for the device a step, not one a term.
        values = dict(zip(terms, torch.stack(list(terms.values())).tolist(), strict=True))
        for name, value in values.items():
            if not np.isfinite(value):
                raise TrainingError(
                    f"The term {name!r} is {value} at step {step}.",
                    f"Lower the learning rates and start again: {STATE_FILE} holds the last good state.",
                )
        if config.ada_pictures:
            state.ada.update(values["sign"], config.batch)
        return values

    def _generator_step(self, draw: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
        """Update the generator; return its loss, and what it made, as the discriminator saw it."""
        state = self.state
        state.discriminator.requires_grad_(False)
        codes = self._draw_codes(self.config.batch, draw)  # the mapping network stays in float32
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._autocast):
            fakes = augment(state.generator(codes).float(), state.ada.p, draw)
            loss = generator_loss(state.discriminator(fakes))
        _descend(state.generator_optimizer, loss)
        state.discriminator.requires_grad_(True)
        return {"generator": loss.detach()}, fakes.detach()

    def _path_step(self, draw: torch.Generator) -> Tensor:
        """Regularise the path lengths (StyleGAN2, equation 4), on half a batch, and return their mean."""
        config, state = self.config, self.state
        codes = self._draw_codes(max(1, config.batch // 2), draw)
        lengths = path_lengths(state.generator(codes), codes, draw)
        state.path_mean.lerp_(lengths.detach().mean(), _PATH_DECAY)
        penalty = (lengths - state.path_mean).square().mean()
        _descend(state.generator_optimizer, penalty * config.path * config.path_every)
        return lengths.detach().mean()

    def _discriminator_step(self, reals: Tensor, fakes: Tensor) -> dict[str, Tensor]:
        """Update the discriminator on ``reals`` and ``fakes`` [B,3,S,S], both augmented."""
        state = self.state
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._autocast):
            on_real, on_fake = state.discriminator(reals), state.discriminator(fakes)
            loss = discriminator_loss(on_real, on_fake)
        _descend(state.discriminator_optimizer, loss)
        return {"discriminator": loss.detach(), "sign": on_real.detach().sign().mean()}

    def _r1_step(self, reals: Tensor) -> Tensor:
        """Regularise the discriminator on the pictures that it was shown, in float32; return the penalty."""
        config, state = self.config, self.state
        penalty = r1_penalty(state.discriminator, reals, config.r1)
        _descend(state.discriminator_optimizer, penalty * config.r1_every)
        return penalty.detach()

    def _draw_codes(self, count: int, draw: torch.Generator) -> Tensor:
        """Return codes [count,n,dim], some of two w (mixing regularisation, StyleGAN, section 3.1)."""
        shape, generator = self.config.generator, self.state.generator
        z = torch.randn(2, count, shape.style_dim, generator=draw).to(self.device)
        mixed = torch.rand(count, generator=draw) < self.config.mixing
        crossing = torch.randint(1, shape.n_codes, (count,), generator=draw)
        crossing = torch.where(mixed, crossing, shape.n_codes)
        second = torch.arange(shape.n_codes) >= crossing[:, None]  # [count,n]
        w = generator.map(z.flatten(0, 1)).unflatten(0, (2, count))
        return torch.where(second.to(self.device)[:, :, None], w[1][:, None], w[0][:, None])

    @torch.no_grad()
    def _update_average(self, draw: torch.Generator) -> None:
        """Move the averaged generator towards the current one, and w_avg towards its mean w."""
        config, state = self.config, self.state
        keep = kept_share(config.batch, config.ema_pictures, state.position.step)
        current = state.generator.state_dict()
        for name, value in state.average.state_dict().items():
            value.lerp_(current[name], 1.0 - keep)
        z = torch.randn(config.batch, config.generator.style_dim, generator=draw).to(self.device)
        state.w_avg.lerp_(state.average.map(z).mean(dim=0), 1.0 - keep)

    @torch.no_grad()
    def _sample(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """Return pictures [B,3,S,S] of the averaged generator for ``z`` [B,dim]."""
        state = self.state
        w = torch.lerp(state.w_avg, state.average.map(z), truncation)
        made: Tensor = state.average(w[:, None].expand(-1, self.config.generator.n_codes, -1))
        return made

    def show(self, scalars: ScalarLog) -> None:
        """Write a sheet of fixed samples (plain, then truncated) and the Fréchet distance."""
        config, place = self.config, self.state.position
        draw = seeded(config.seed, _SHEET)
        z = torch.randn(_SHEET_PICTURES, config.generator.style_dim, generator=draw).to(self.device)
        save_sheet(
            self.out / f"sheet-{place.pictures:08d}.png", self._sample(z), self._sample(z, _TRUNCATION)
        )
        if self.lpips is None or not config.frechet_pictures:
            return
        figures = {"frechet": self.measure(self.lpips)}
        scalars.add("samples", place.pictures, figures)
        self.report(Progress(place, config.pictures, figures, 0.0))

    def measure(self, network: LPIPS) -> float:
        """Return the Fréchet distance of the averaged generator's pictures to the training pictures."""
        steps = max(1, self.config.frechet_pictures // _MEASURED_AT_ONCE)
        if self._real is None:
            reals = (
                self._measured.batch(step, _MEASURED_AT_ONCE).targets.to(self.device) for step in range(steps)
            )
            self._real = fit_gaussian(picture_features(network, images) for images in reals)
        fakes = fit_gaussian(picture_features(network, images) for images in self._samples(steps))
        return frechet_distance(self._real, fakes)

    def _samples(self, steps: int) -> Iterator[Tensor]:
        draw = seeded(self.config.seed, _FRECHET)
        for _ in range(steps):
            z = torch.randn(_MEASURED_AT_ONCE, self.config.generator.style_dim, generator=draw)
            yield self._sample(z.to(self.device))


def _descend(optimizer: torch.optim.Adam, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _fresh_state(config: GanConfig, device: torch.device) -> GanState:
    """Return networks with weights drawn from the run's own seed; the global random state stays untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator = Generator(config.generator).to(device).train()
        discriminator = Discriminator(config.discriminator).to(device).train()
    betas = (config.beta1, config.beta2)
    path_every = config.path_every if config.path else 0
    return GanState(
        generator,
        copy.deepcopy(generator).eval().requires_grad_(False),
        discriminator,
        lazy_adam(generator.parameters(), config.generator_lr, betas, path_every),
        lazy_adam(discriminator.parameters(), config.discriminator_lr, betas, config.r1_every),
        torch.zeros(config.generator.style_dim, device=device),
        torch.zeros((), device=device),
        AdaptiveProbability(config.ada_target, config.ada_pictures, config.ada_every),
        Position(),
    )
