"""Pairs of picture and codes, drawn from a generator: pair i of a run depends on its seed and i alone.

Codes that cross two or three w at random layers teach an encoder that each code is to be read by itself; half
of the w are drawn towards the average (psi between 0.6 and 1), for that is where photographs lie.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from psp.checkpoints.tensors import load_tensors, read_metadata, save_tensors
from psp.errors import PspError, TrainingError
from psp.inference.compact_parser import map_face
from psp.maps.palette import FACE_CLASSES
from psp.models.psp import PSP
from psp.training.data.pictures import to_batch
from psp.training.data.prepare import Preparation
from psp.training.data.vary import Pixels
from psp.training.decoding import decode_at

# Pairs a file: each is written whole or not at all, so this much is lost at most when rendering breaks off.
_PART = 16
_AT_ONCE = 4
# Share of w that are not drawn towards the average, and how far the others are at most.
_WIDE, _LEAST_PSI = 0.5, 0.6
# Shares of pairs that cross over to a second w, that take a band of layers from one, that go on to a third.
_CROSSED, _BANDED, _THIRD = 0.35, 0.15, 0.08
# Streams of chance, each a function of (seed, its number, index).
_CODES, _INPUTS = 11, 12


@dataclass(frozen=True, eq=False)
class Pairs:
    """Synthetic pictures for one step.

    Attributes:
        inputs: What the encoder sees, [B,C,s,s].
        targets: What it should give, [B,3,S,S] in [−1,1].
        codes: The codes of the targets, [B,n,dim], the average code added.
    """

    inputs: Tensor
    targets: Tensor
    codes: Tensor


@torch.no_grad()
def draw_codes(model: PSP, seed: int, first: int, count: int) -> Tensor:
    """Return the codes [count,n,dim] of the pairs from number ``first`` on.

    About half keep one w for all layers; a third cross over to a second at a random layer (some of them on to
    a third), the rest take a band of layers from it.
    """
    shape = model.config.generator
    n, dim = shape.n_codes, shape.style_dim
    z = np.empty((count, 3, dim), np.float32)
    psi, source = np.empty((count, 3), np.float32), np.zeros((count, n), np.int64)
    for row in range(count):
        rng = np.random.default_rng([seed, _CODES, first + row])
        z[row] = rng.standard_normal((3, dim), np.float32)
        psi[row] = np.where(rng.random(3) < _WIDE, 1.0, rng.uniform(_LEAST_PSI, 1.0, 3))
        source[row] = _sources(n, rng)
    w = model.map(torch.from_numpy(z).to(model.device).flatten(0, 1)).view(count, 3, 1, dim)
    w_avg = model.w_avg[None, None]
    w = w_avg + torch.from_numpy(psi).to(model.device)[:, :, None, None] * (w - w_avg)  # [count,3,n,dim]
    chosen = torch.from_numpy(source).to(model.device)[:, None, :, None].expand(-1, 1, -1, dim)
    return w.gather(1, chosen)[:, 0]


def _sources(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return for each of ``n`` layers which of three w it takes."""
    at = np.arange(n)
    kind = rng.random()
    low, high = np.sort(rng.integers(1, n, 2))
    out = np.zeros(n, np.int64)
    if kind < _CROSSED:
        out[at >= low] = 1
        if kind < _THIRD:
            out[at >= high] = 2
    elif kind < _CROSSED + _BANDED:
        out[(at >= low) & (at < high)] = 1
    return out


class SyntheticPairs:
    """The pairs of one run: kept in a folder and gone through again and again, or each a new one.

    Args:
        model: The model whose generator makes them; it needs a mapping network.
        prepare: Makes the encoder's input of a picture.
        size: Height and width of the targets.
        seed: Seed of the draws.
        pictures: How many are kept; 0: none, each pair is rendered when it is asked for (on a GPU).
        folder: Where they are kept.

    Raises:
        TrainingError: The generator makes nothing from z, or the pictures cannot be mapped.
    """

    def __init__(
        self,
        model: PSP,
        prepare: Preparation,
        size: int,
        seed: int,
        *,
        pictures: int = 0,
        folder: Path = Path(),
    ) -> None:
        if model.config.generator.n_mlp == 0:
            raise TrainingError(
                "The generator has no mapping network, so it makes no synthetic pictures.",
                "Set data.synthetic.share=0.",
            )
        if prepare.map_classes not in (None, FACE_CLASSES):
            raise TrainingError(
                "Synthetic pictures are mapped by the classes of faces, not by others.",
                "Set data.synthetic.share=0 and losses.code=0.",
            )
        self._model, self._prepare, self._size, self._seed = model, prepare, size, seed
        self._kept = -(-pictures // _PART) * _PART
        self._folder = folder / self._key() if pictures else folder
        self._parts: dict[int, dict[str, Tensor]] = {}

    def render(self, tell: Callable[[str], None] = lambda line: None) -> None:
        """Make what is kept and is not there yet.

        Raises:
            TrainingError: The disk is full.
        """
        missing = [part for part in range(self._kept // _PART) if not self._is_there(part)]
        if missing:
            tell(f"Rendering {len(missing) * _PART} synthetic pictures in {self._folder}, once.")
        for part in missing:
            tensors = self._make(part * _PART, _PART)
            tensors["codes"] = tensors["codes"].half()
            try:
                save_tensors(self._path(part), tensors, {"key": self._folder.name})
            except OSError as error:
                raise TrainingError(
                    f"Synthetic pictures cannot be kept: {error.strerror}.",
                    "Free some space, or lower data.synthetic.pictures, and start the same command again.",
                ) from error

    def batch(self, first: int, count: int) -> Pairs:
        """Return ``count`` pairs from number ``first`` on, their inputs drawn anew each time."""
        if self._kept:
            found = [self._read((first + row) % self._kept) for row in range(count)]
        else:
            made = self._make(first, count)
            found = [{name: value[row] for name, value in made.items()} for row in range(count)]
        inputs, targets = [], []
        for row, pair in enumerate(found):
            rng = np.random.default_rng([self._seed, _INPUTS, first + row])
            labels = pair["labels"].numpy() if "labels" in pair else None
            seen, target = self._prepare(pair["pictures"].numpy(), labels, rng)
            inputs.append(torch.from_numpy(np.ascontiguousarray(seen)))
            targets.append(target)
        codes = torch.stack([pair["codes"].float() for pair in found])
        return Pairs(torch.stack(inputs), to_batch(targets), codes)

    def sample(self, count: int) -> Tensor:
        """Return codes [count,n,dim] as those of the pairs, on the model's device, to measure them by."""
        return draw_codes(self._model, self._seed, 0, count)

    @torch.no_grad()
    def _make(self, first: int, count: int) -> dict[str, Tensor]:
        """Render pairs: pictures [N,S,S,3], codes [N,n,dim] and, where they are needed, maps [N,s,s]."""
        codes = draw_codes(self._model, self._seed, first, count)
        images = torch.cat([decode_at(self._model, part, self._size) for part in codes.split(_AT_ONCE)])
        pictures = images.float().clamp(-1.0, 1.0).add(1.0).mul(127.5).round().to(torch.uint8)
        out = {"pictures": pictures.permute(0, 2, 3, 1).contiguous().cpu(), "codes": codes.cpu()}
        if self._prepare.needs_maps:
            out["labels"] = torch.from_numpy(np.stack([self._map(each.numpy()) for each in out["pictures"]]))
        return out

    def _map(self, picture: Pixels) -> Pixels:
        return map_face(Image.fromarray(picture), self._prepare.size)

    def _path(self, part: int) -> Path:
        return self._folder / f"pairs-{part:05d}.safetensors"

    def _is_there(self, part: int) -> bool:
        try:
            return read_metadata(self._path(part)).get("key") == self._folder.name
        except PspError:  # also where there is no such file
            return False

    def _read(self, index: int) -> dict[str, Tensor]:
        part, row = divmod(index, _PART)
        if part not in self._parts:
            self._parts[part] = load_tensors(self._path(part))[0]
        return {name: value[row] for name, value in self._parts[part].items()}

    def _key(self) -> str:
        """Return what tells these pairs from those of another generator, size or seed."""
        needs_maps = self._prepare.needs_maps and self._prepare.size
        digest = hashlib.sha256(json.dumps([self._size, self._seed, needs_maps]).encode())
        for name, value in sorted(self._model.decoder.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().data)
        digest.update(self._model.w_avg.detach().cpu().contiguous().numpy().data)
        return digest.hexdigest()[:16]
