"""The encoders there are: the official ones and e4e's, ReStyle's, and the compact one."""

from __future__ import annotations

from typing import TypeAlias

from psp.models.compact import CompactConfig, CompactEncoder
from psp.models.encoder import EncoderConfig, GradualStyleEncoder, LastLayerEncoder, build_official_encoder
from psp.models.restyle import RestyleConfig, RestyleEncoder

AnyEncoderConfig: TypeAlias = EncoderConfig | RestyleConfig | CompactConfig
AnyEncoder: TypeAlias = GradualStyleEncoder | LastLayerEncoder | RestyleEncoder | CompactEncoder


def build_encoder(config: AnyEncoderConfig) -> AnyEncoder:
    """Return an encoder of the shape ``config``, with random weights."""
    if isinstance(config, CompactConfig):
        return CompactEncoder(config)
    return RestyleEncoder(config) if isinstance(config, RestyleConfig) else build_official_encoder(config)
