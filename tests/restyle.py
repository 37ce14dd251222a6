"""Small models of ReStyle, and the files that its official code would leave of them."""

from __future__ import annotations

from typing import Any, Literal

import torch

from psp.models.architecture import RESTYLE_TYPES
from psp.models.generator import GeneratorConfig
from psp.models.irse import Stage
from psp.models.psp import PSP, PSPConfig
from psp.models.restyle import RestyleConfig

KINDS = {f"{kind}_{backbone}": name for name, (kind, backbone) in RESTYLE_TYPES.items()}
"""What the official options call an encoder, by the names that these functions take."""

_CHANNELS = {16: (16, 12, 8), 64: (16, 12, 8, 8, 8)}


def restyle_config(name: str = "restyle_ir_se", passes: int = 3, size: Literal[16, 64] = 16) -> PSPConfig:
    """Codes of 32 for a StyleGAN2 of ``size`` px, of photos of 32 px."""
    kind, backbone = RESTYLE_TYPES[KINDS[name]]
    stages = (Stage(16, 1), Stage(24, 2), Stage(32, 1))
    if backbone == "resnet":  # its first unit neither widens nor halves
        stages = (Stage(8, 2, stride=1), Stage(16, 1), Stage(24, 2))
    generator = GeneratorConfig(size=size, style_dim=32, n_mlp=2, channels=_CHANNELS[size])
    encoder = RestyleConfig(
        in_size=32,
        n_codes=generator.n_codes,
        code_dim=32,
        backbone=backbone,
        width=8,
        stages=stages,
        style_width=16,
        passes=passes,
        kind=kind,
    )
    return PSPConfig(encoder, generator)


def restyle_model(
    name: str = "restyle_ir_se", passes: int = 3, seed: int = 1, size: Literal[16, 64] = 16
) -> PSP:
    """A model with seeded weights, in evaluation mode; its encoder says something in each pass."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PSP(restyle_config(name, passes, size)).eval()
        model.latent_avg.normal_(0, 0.3)
        for key, value in model.decoder.state_dict().items():
            if key.endswith("noise.weight"):
                value.fill_(0.1)
        return model


def restyle_file(name: str = "restyle_ir_se", model: PSP | None = None, **opts: object) -> dict[str, Any]:
    """What the official code would have saved of ``model``, with the options that it leaves."""
    model = model or restyle_model(name)
    assert isinstance(model.config.encoder, RestyleConfig)
    told = {
        "encoder_type": KINDS[name],
        "output_size": model.config.generator.size,
        "input_nc": 6,
        "n_iters_per_batch": model.config.encoder.passes,
        "dataset_type": "ffhq_encode",
    }
    state = model.state_dict()
    average = state.pop("latent_avg")  # no part of the official module
    return {"state_dict": state, "latent_avg": average, "opts": told | opts}
