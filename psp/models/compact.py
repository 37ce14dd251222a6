"""A compact pSp encoder for photographs, drawings and maps, and the correction of its own results.

IR-SE units and a feature pyramid as in pSp (section 3); one trunk a level in place of one map2style network
a code; codes are one base code plus an offset each (e4e, arXiv 2102.02766). To each level's vector comes what
a frozen face network sees. The correction is ReStyle's idea (arXiv 2104.02699): look at the picture that the
codes make, and compare.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.descriptor import FaceDescriptor
from psp.models.encoder import add_upsampled
from psp.models.frontal import Frontal
from psp.models.irse import Stage, body, input_layer
from psp.models.sight import SEEN, FaceSight

LEVELS = 3
"""Levels of the pyramid: coarse, medium, fine."""

_STAGES = (Stage(64, 2), Stage(128, 2), Stage(192, 3), Stage(256, 2))
_NARROW = 96  # width of what a drawing's side keeps of what is seen
_HIDDEN = 448  # width inside the correction

_TURNED = 7  # codes up to 16 px: shape and pose

FACE_WEIGHTS = "encoder.face.network."
"""Keys of the face network in a model: in no file of a model, for they come with the requirements."""

Decode = Callable[[Tensor, int], Tensor]
Vectors = tuple[Tensor, Tensor, Tensor]
"""One vector [B,vector] a level."""


@dataclass(frozen=True)
class CompactConfig:
    """The shape of a compact encoder; the defaults are those for photographs.

    Attributes:
        in_channels: 3 for colour, 1 for drawings, 19 for maps.
        in_size: Height and width of the input in pixels.
        n_codes: Codes to make.
        code_dim: Width of a code.
        patch: Space-to-depth factor of the input: ``patch``² pixels become one position.
        width: Channels of the first layer.
        stages: The backbone; the last three stages feed the pyramid.
        pyramid: Channels of the pyramid and of its trunks.
        vector: Width of a level's vector.
        coarse: Codes before this index come from the coarse level.
        medium: Codes before this index, and not coarse, come from the medium level; the rest from the fine.
        sight: How what the face network sees comes in: by a network a level ("photo"), by one narrow network
            ("drawing"), or not at all ("none").
        corrections: How often codes are corrected by the picture that they make.
        frontal_rank: Directions that codes are moved in to look ahead; 0: they are not.
        kind: Tells it from the official encoders where it is written down.
    """

    in_channels: int = 3
    in_size: int = 256
    n_codes: int = 23
    code_dim: int = 512
    patch: int = 4
    width: int = 64
    stages: tuple[Stage, ...] = _STAGES
    pyramid: int = 192
    vector: int = 256
    coarse: int = 4
    medium: int = 10
    sight: Literal["photo", "drawing", "none"] = "photo"
    corrections: int = 0
    frontal_rank: int = 0
    kind: Literal["compact"] = "compact"

    @property
    def passes(self) -> int:
        """How often it looks: at the photo, and at each picture that corrects its codes."""
        return 1 + self.corrections

    def level_size(self, level: int) -> int:
        """Return the height of pyramid level 0 (coarse) to 2 (fine)."""
        stages = self.stages[: len(self.stages) - level]
        return self.in_size // self.patch // math.prod(stage.stride for stage in stages)

    def level_of(self, code: int) -> int:
        """Return the level, 0 (coarse) to 2 (fine), that a code comes from."""
        return (code >= self.coarse) + (code >= self.medium)


class _Trunk(nn.Module):
    """Halves a level's map down to 2×2, then one vector."""

    def __init__(self, config: CompactConfig, level: int) -> None:
        super().__init__()
        width, layers = config.pyramid, []
        for _ in range(int(math.log2(config.level_size(level))) - 1):
            layers += [nn.Conv2d(width, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width)]
        self.convs = nn.Sequential(*layers)
        self.linear = nn.Linear(width * 4, config.vector)
        self.act = nn.PReLU(config.vector)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.act(self.linear(self.convs(x).flatten(1)))
        return out


class _PhotoSight(nn.Module):
    """What is seen of a photo, as a vector for each level, by a network each."""

    def __init__(self, vector: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(SEEN, affine=False)
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Linear(SEEN, vector), nn.PReLU(vector), nn.Linear(vector, vector))
            for _ in range(LEVELS)
        )

    def forward(self, seen: Tensor) -> list[Tensor]:
        seen = self.norm(seen)
        return [level(seen) for level in self.levels]


class _DrawingSight(nn.Module):
    """What is seen of a drawing, as a vector for each level, by one narrow network: a drawing tells less."""

    def __init__(self, vector: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(SEEN, affine=False)
        self.narrow = nn.Sequential(nn.Linear(SEEN, _NARROW), nn.PReLU(_NARROW))
        self.levels = nn.ModuleList(nn.Linear(_NARROW, vector) for _ in range(LEVELS))

    def forward(self, seen: Tensor) -> list[Tensor]:
        seen = self.narrow(self.norm(seen))
        return [level(seen) for level in self.levels]


class CompactEncoder(nn.Module):
    """Pictures to codes relative to the average, by a vector for each level of a pyramid.

    Args:
        config: The shape of the encoder.
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        assert len(config.stages) >= LEVELS and config.level_size(0) >= 2, "the coarse level is 2×2 at least"
        self.config = config
        self.input_layer = input_layer(config.in_channels * config.patch**2, config.width)
        self.body = body(config.width, config.stages)
        depths = [stage.depth for stage in reversed(config.stages[-LEVELS:])]
        self.laterals = nn.ModuleList(nn.Conv2d(depth, config.pyramid, 1) for depth in depths)
        self.trunks = nn.ModuleList(_Trunk(config, level) for level in range(LEVELS))
        self.sight: nn.Module | None = None
        self.face: FaceSight | None = None
        if config.sight != "none":
            self.face = FaceSight(FaceDescriptor())
        if config.sight == "none":
            self.unseen = nn.Parameter(torch.zeros(LEVELS, config.vector))
        else:
            self.sight = (_PhotoSight if config.sight == "photo" else _DrawingSight)(config.vector)
        self.base = nn.Linear(config.vector, config.code_dim)
        self.heads = nn.ModuleList(nn.Linear(config.vector, config.code_dim) for _ in range(config.n_codes))
        self.correction = Correction(config.vector) if config.corrections else None
        moved = min(_TURNED, config.medium)
        rank = config.frontal_rank
        self.frontal = Frontal(config.medium, moved, config.code_dim, rank) if rank else None
        self._ends = tuple(itertools.accumulate(stage.units for stage in config.stages))[-LEVELS:]

    def invert(self, images: Tensor, w_avg: Tensor, decode: Decode, detail: int | None = None) -> Tensor:
        """Return the codes [B,n_codes,code_dim] of ``images``, the average added, corrected and turned.

        Args:
            images: [B,in_channels,in_size,in_size].
            w_avg: The average code, [n_codes,code_dim].
            decode: Makes the pictures [B,3,S,S] of codes at a size S, or smaller where it has none so large.
            detail: Side in pixels of what ``images`` were enlarged from, so that like is compared with like;
                None: they are sharp.
        """
        wanted = self.vectors(images)
        codes = self.codes(wanted) + w_avg
        if self.correction is not None:
            size = self.config.in_size
            for _ in range(self.config.corrections):
                made = decode(codes, size).clamp(-1, 1)
                if detail is not None and detail < made.shape[-1]:
                    made = F.interpolate(made, size=(detail, detail), mode="bicubic", antialias=True)
                if made.shape[-1] != size:  # shrunk just now, or of a smaller generator
                    made = F.interpolate(made, size=(size, size), mode="bilinear").clamp(-1, 1)
                codes = codes + self.correction(self, wanted, self.vectors(made))
        if self.frontal is not None:
            codes = self.frontal(codes)
        return codes

    def vectors(self, images: Tensor) -> Vectors:
        """Return what the encoder makes of ``images`` [B,in_channels,in_size,in_size], one vector a level."""
        x = self.input_layer(F.pixel_unshuffle(images, self.config.patch))
        taps = []
        for index, unit in enumerate(self.body, start=1):
            x = unit(x)
            if index in self._ends:
                taps.append(x)
        level, made = None, []
        for lateral, tap, trunk in zip(self.laterals, reversed(taps), self.trunks, strict=True):
            level = lateral(tap) if level is None else add_upsampled(level, lateral(tap))
            made.append(trunk(level))
        coarse, medium, fine = (own + more for own, more in zip(made, self._sides(images), strict=True))
        return coarse, medium, fine

    def codes(self, vectors: Vectors) -> Tensor:
        """Return the codes [B,n_codes,code_dim] of ``vectors``, relative to the average."""
        base = self.base(vectors[0])
        heads = (head(vectors[self.config.level_of(i)]) for i, head in enumerate(self.heads))
        return torch.stack([base + head for head in heads], dim=1)

    def offsets(self, vectors: Vectors) -> Tensor:
        """Return the change of codes [B,n_codes,code_dim] that changes of vectors make: no biases."""
        base = F.linear(vectors[0], self.base.weight)
        moves = []
        for index, head in enumerate(self.heads):
            assert isinstance(head, nn.Linear)
            moves.append(base + F.linear(vectors[self.config.level_of(index)], head.weight))
        return torch.stack(moves, dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Encode ``images`` [B,in_channels,in_size,in_size] as codes [B,n_codes,code_dim], relative."""
        return self.codes(self.vectors(images))

    def _sides(self, images: Tensor) -> list[Tensor]:
        """Return what the face network sees, one vector [B,vector] a level; it is shown drawings too."""
        if self.face is None or self.sight is None:
            return [unseen.expand(len(images), -1) for unseen in self.unseen]
        shown = images.expand(-1, 3, -1, -1) * 2 - 1 if images.shape[1] == 1 else images
        sides: list[Tensor] = self.sight(self.face(shown)[0])
        return sides


class Correction(nn.Module):
    """What the difference between a picture and the picture of its codes says about the codes.

    Both go through the same encoder. A share of the difference of their vectors, and what small networks make
    of both, move the codes through the encoder's own heads.

    Args:
        vector: Width of the encoder's vectors.
    """

    def __init__(self, vector: int = 256) -> None:
        super().__init__()
        self.nets = nn.ModuleList(self._net(vector) for _ in range(LEVELS))
        self.gain = nn.Parameter(torch.full((LEVELS,), 0.5))

    def forward(self, encoder: CompactEncoder, wanted: Vectors, made: Vectors) -> Tensor:
        """Return what to add to the codes, [B,n_codes,code_dim].

        Args:
            encoder: The encoder of both.
            wanted: The vectors of the picture.
            made: The vectors of the picture that its codes make.
        """
        moves = []
        for net, gain, here, there in zip(self.nets, self.gain, wanted, made, strict=True):
            both = torch.cat([here, here - there, wanted[0], wanted[0] - made[0]], dim=1)
            moves.append(net(both) + gain * (here - there))
        return encoder.offsets((moves[0], moves[1], moves[2]))

    @staticmethod
    def _net(vector: int) -> nn.Sequential:
        last = nn.Linear(_HIDDEN, vector)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        return nn.Sequential(
            nn.Linear(4 * vector, _HIDDEN), nn.LayerNorm(_HIDDEN), nn.GELU(),
            nn.Linear(_HIDDEN, _HIDDEN), nn.GELU(), last,
        )  # fmt: skip
