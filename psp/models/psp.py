"""pSp: encode a picture, add the average code, decode with the generator (pSp paper, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from psp.errors import PspError
from psp.models.begun import Begun
from psp.models.compact import CompactEncoder
from psp.models.encoder import EncoderConfig
from psp.models.encoders import AnyEncoderConfig, build_encoder
from psp.models.generator import GeneratorConfig
from psp.models.generators import AnyConfig, build_generator
from psp.models.restyle import Look, RestyleConfig, RestyleEncoder


@dataclass(frozen=True)
class PSPConfig:
    """The shape of a whole model.

    Attributes:
        encoder: The encoder's shape.
        generator: The generator's shape; it must take the codes that the encoder makes.
        mirror: Whose pictures an encoder compares with the photo where it corrects itself: the model's own
            generator's, or those of the generator that it was tuned from. A cartoon is no likeness.
    """

    encoder: AnyEncoderConfig = field(default_factory=EncoderConfig)
    generator: AnyConfig = field(default_factory=GeneratorConfig)
    mirror: Literal["own", "parent"] = "own"

    def __post_init__(self) -> None:
        assert self.encoder.n_codes == self.generator.n_codes, "encoder and generator differ in their codes"
        assert self.encoder.code_dim == self.generator.style_dim, "encoder and generator differ in code width"

    @property
    def decodes(self) -> int:
        """How many pictures at full size are made to encode a photo: one before each look of ReStyle's."""
        return self.encoder.passes if isinstance(self.encoder, RestyleConfig) else 0


class PSP(nn.Module):
    """psp(x) = G(E(x) + w_avg).

    Args:
        config: The shape of the model.

    Attributes:
        info: What its file says of it besides, such as "task"; nothing for a fresh one.
        parent: The generator that ``decoder`` was tuned from, where the encoder needs it.
    """

    latent_avg: Tensor

    def __init__(self, config: PSPConfig) -> None:
        super().__init__()
        self.config = config
        self.info: dict[str, str] = {}
        self.encoder = build_encoder(config.encoder)  # checkpoint name
        self.decoder = build_generator(config.generator)  # checkpoint name
        self.parent = build_generator(config.generator) if config.mirror == "parent" else None
        # The official `w` model has one average for all layers.
        rows = 1 if config.encoder.kind == "w" else config.generator.n_codes
        self.register_buffer("latent_avg", torch.zeros(rows, config.generator.style_dim))  # checkpoint name

    @property
    def w_avg(self) -> Tensor:
        """The average code, [n_codes, style_dim]."""
        return self.latent_avg.expand(self.config.generator.n_codes, -1)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.latent_avg.device

    def encode(self, images: Tensor, detail: int | None = None, look: Look | None = None) -> Tensor:
        """Encode ``images`` [B,C,S,S] (colour in [−1,1], sketches and maps in [0,1]) as W+ codes [B,n,dim].

        The average code is added already. Of pictures that were enlarged, ``detail`` says from which side in
        pixels, for compact encoders, which compare them with their own result. ``look`` is told of each pass
        of an encoder whose passes take long (ReStyle's).
        """
        shape = self.config.encoder
        assert images.shape[1:] == (shape.in_channels, shape.in_size, shape.in_size), tuple(images.shape)
        if isinstance(self.encoder, CompactEncoder):
            return self.encoder.invert(images, self.w_avg, self.parent or self.decoder, detail)
        if isinstance(self.encoder, RestyleEncoder):
            return self.encoder.invert(images, self.w_avg, self.decode, look)
        codes: Tensor = self.encoder(images)
        return codes + self.w_avg

    def decode(self, codes: Tensor, max_size: int | None = None, begun: Begun | None = None) -> Tensor:
        """Decode ``codes`` [B,n,dim] to images [B,3,size,size], about [−1,1], with the stored noise.

        ``max_size`` stops at a lower resolution; ``begun`` is what the decoder began for these codes.
        """
        images: Tensor = self.decoder(codes, max_size, begun=begun)
        return images

    def map(self, z: Tensor) -> Tensor:
        """Map ``z`` [B,dim], standard normal, to w [B,dim] by the generator's mapping network.

        Raises:
            PspError: The model's file has no mapping network.
        """
        if self.config.generator.n_mlp == 0:
            raise PspError(
                "This model has no mapping network, so it makes no random styles.",
                "Take the codes of another picture.",
            )
        return self.decoder.map(z)

    def mix(
        self, codes: Tensor, w: Tensor, layers: Sequence[int], alpha: float | Sequence[float] = 1.0
    ) -> Tensor:
        """Blend ``codes`` [B,n,dim] with ``w`` [B,dim] or [B,n,dim] in ``layers``: α·w + (1 − α)·code.

        Paper, section 3.2 (multi-modal synthesis). ``alpha`` is in [0,1], one for all or one for each of
        ``layers``; ``codes`` stays untouched.
        """
        style = w[:, None].expand_as(codes) if w.dim() == 2 else w
        mixed = codes.clone()
        index = list(layers)
        alphas = [alpha] * len(index) if isinstance(alpha, int | float) else [*alpha]
        assert len(alphas) == len(index), f"{len(alphas)} shares for {len(index)} layers"
        ours = codes.new_tensor([1.0 - share for share in alphas])[:, None]
        theirs = codes.new_tensor(alphas)[:, None]
        mixed[:, index] = theirs * style[:, index] + ours * codes[:, index]
        return mixed

    def forward(self, images: Tensor, detail: int | None = None) -> Tensor:
        """Translate ``images`` [B,C,S,S] to faces [B,3,size,size]; ``detail`` as for ``encode``."""
        return self.decode(self.encode(images, detail))
