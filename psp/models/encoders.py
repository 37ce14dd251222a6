"""The encoders there are: the official ones and e4e's, and the compact one."""

from __future__ import annotations

from typing import TypeAlias

from psp.models.compact import CompactConfig, CompactEncoder
from psp.models.encoder import EncoderConfig, GradualStyleEncoder, LastLayerEncoder, build_official_encoder

AnyEncoderConfig: TypeAlias = EncoderConfig | CompactConfig
AnyEncoder: TypeAlias = GradualStyleEncoder | LastLayerEncoder | CompactEncoder


def build_encoder(config: AnyEncoderConfig) -> AnyEncoder:
    """Return an encoder of the shape ``config``, with random weights."""
    return CompactEncoder(config) if isinstance(config, CompactConfig) else build_official_encoder(config)
