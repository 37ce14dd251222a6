"""Seeded weights and inputs of the official architecture, as the golden numbers were computed with them."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Case:
    """One golden case: its file stem, random seed, input channels and number of codes."""

    name: str
    seed: int
    channels: int
    n_codes: int
    latent_rows: int

    def keys(self) -> dict[str, tuple[list[int], str]]:
        return json.loads(gzip.decompress((GOLDEN / f"{self.name}_keys.json.gz").read_bytes()))

    def golden(self) -> dict[str, np.ndarray]:
        return dict(np.load(GOLDEN / f"{self.name}.npz"))

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All tensors of the official state dict, seeded key by key."""
        return {key: _value(key, tuple(shape), self.seed) for key, (shape, _) in self.keys().items()}

    def latent_avg(self) -> torch.Tensor:
        rng = np.random.default_rng([self.seed, zlib.crc32(b"latent_avg")])
        return torch.from_numpy(0.3 * rng.standard_normal((self.latent_rows, 512)).astype(np.float32))

    def images(self) -> torch.Tensor:
        low = -1 if self.channels == 3 else 0
        rng = np.random.default_rng([self.seed, 7])
        return torch.from_numpy(rng.uniform(low, 1, (1, self.channels, 256, 256)).astype(np.float32))

    def z(self) -> torch.Tensor:
        return torch.from_numpy(
            np.random.default_rng([self.seed, 8]).standard_normal((1, 512)).astype(np.float32)
        )

    def opts(self) -> dict[str, object]:
        """What a training run of the official code leaves in the checkpoint's ``opts``."""
        kinds = {
            "w_256": "BackboneEncoderUsingLastLayerIntoW",
            "wplus_256": "BackboneEncoderUsingLastLayerIntoWPlus",
        }
        return {
            "encoder_type": kinds.get(self.name, "GradualStyleEncoder"),
            "output_size": int(self.name.split("_")[1]),
            "learn_in_w": self.name == "w_256",
        }

    def checkpoint(self) -> dict[str, object]:
        return {"state_dict": self.state_dict(), "latent_avg": self.latent_avg(), "opts": self.opts()}


CASES = {
    case.name: case
    for case in (
        Case("encode_1024", 2026, 3, 18, 18),
        Case("sketch_256", 2027, 1, 14, 14),
        Case("seg_512", 2028, 19, 16, 16),
        Case("w_256", 2029, 3, 14, 1),
        Case("wplus_256", 2030, 3, 14, 14),
    )
}


def _value(key: str, shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """One tensor, by the first rule that fits its key."""
    if key.endswith(".kernel"):
        taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32)
        return torch.from_numpy(taps / taps.sum() * 4)
    if key.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    x = np.random.default_rng([seed, zlib.crc32(key.encode())]).standard_normal(shape).astype(np.float32)
    return torch.from_numpy(np.asarray(_scaled(key, shape, x), dtype=np.float32))


def _scaled(key: str, shape: tuple[int, ...], x: np.ndarray) -> np.ndarray:
    encoder = key.startswith("encoder.")
    rules = (
        (key.endswith("running_var"), lambda: 1 + 0.1 * np.abs(x)),
        (key.endswith("noise.weight"), lambda: 0.1 * x),
        (encoder and len(shape) == 4, lambda: x * math.sqrt(1 / math.prod(shape[1:]))),
        (key == "encoder.output_layer_2.3.weight", lambda: x * math.sqrt(1 / shape[1])),
        (encoder and len(shape) == 2, lambda: x),
        (encoder and len(shape) == 1 and key.endswith(".weight"), lambda: 0.5 + 0.1 * x),
        (encoder, lambda: 0.1 * x),
        (key.startswith("decoder.style.") and key.endswith(".weight"), lambda: 100 * x),
        (key.endswith("modulation.bias"), lambda: 1 + 0.1 * x),
        (key.endswith("bias"), lambda: 0.1 * x),
    )
    return next((value() for fits, value in rules if fits), x)
