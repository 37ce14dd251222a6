"""The networks that a run starts from and is measured by: generator, encoder, and those of the losses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from psp.checkpoints.dlib_file import load_face_descriptor
from psp.checkpoints.face_network import load_face_network
from psp.checkpoints.find import find_file
from psp.checkpoints.generators import OpenedGenerator
from psp.checkpoints.official import load_pickle
from psp.config import Settings
from psp.errors import TrainingError
from psp.inference.quality import lpips_weights
from psp.losses.identity import DescriptorLoss, IdentityLoss
from psp.losses.lpips import LPIPS
from psp.losses.objective import Objective
from psp.losses.similarity import SimilarityLoss, moco_network
from psp.models.compact import CompactConfig, CompactEncoder
from psp.models.encoders import AnyEncoderConfig
from psp.models.psp import PSP, PSPConfig
from psp.models.restyle import RestyleConfig
from psp.registry.lookup import AUXILIARY
from psp.training.config import TrainConfig

_GREY, _COLOUR = 1, 3


def on_generator(config: TrainConfig, opened: OpenedGenerator) -> tuple[TrainConfig, PSP]:
    """Return the run and a model for a fresh encoder on a frozen generator, whatever that one's shape."""
    shape = opened.generator.config
    encoder = dataclasses.replace(config.model.encoder, n_codes=shape.n_codes, code_dim=shape.style_dim)
    config = dataclasses.replace(config, model=PSPConfig(encoder, shape))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = PSP(config.model)
    model.decoder.load_state_dict(opened.generator.state_dict())
    if config.start_from_w_avg:
        rows = model.latent_avg.shape[0]  # one for an encoder of a single code
        model.latent_avg.copy_(opened.w_avg[:rows])
    return config, _with_face(model)


def on_model(config: TrainConfig, given: PSP) -> tuple[TrainConfig, PSP]:
    """Return the run and a model that goes on from ``given``, with all of its weights that fit.

    What does not fit (the first layer, where a task's input has other channels) starts from random weights.

    Raises:
        TrainingError: It is ReStyle's, whose passes are not trained here.
    """
    shape = _encoder_like(given, config)
    config = dataclasses.replace(config, model=PSPConfig(shape, given.config.generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = PSP(config.model)
    wanted = model.state_dict()
    fitting = {
        key: value
        for key, value in given.state_dict().items()
        if key in wanted and wanted[key].shape == value.shape
    }
    model.load_state_dict(wanted | fitting)
    return config, _with_face(model)


def _encoder_like(given: PSP, config: TrainConfig) -> AnyEncoderConfig:
    """Return the shape of ``given``'s encoder for what the run's encoder sees."""
    shape, channels = given.config.encoder, config.model.encoder.in_channels
    if isinstance(shape, RestyleConfig):
        raise TrainingError(
            "The model to start from has an encoder of ReStyle, whose passes are not trained here.",
            "Use it as it is, or give its file with --generator: a new encoder is trained for its generator.",
        )
    if not isinstance(shape, CompactConfig):
        return dataclasses.replace(shape, in_channels=channels)
    if channels == shape.in_channels and given.info.get("task", config.task) == config.task:
        return shape
    # What it sees is no longer the picture that it makes, so there is nothing to compare; and a face network
    # makes nothing of a map.
    sight = shape.sight if channels in (_GREY, _COLOUR) else "none"
    return dataclasses.replace(shape, in_channels=channels, corrections=0, frontal_rank=0, sight=sight)


def _with_face(model: PSP) -> PSP:
    """Give a compact encoder the face network of the requirements, which is in no file of a model."""
    if isinstance(model.encoder, CompactEncoder) and model.encoder.face is not None:
        model.encoder.face.network.load_state_dict(load_face_descriptor().state_dict())
    return model


def start_encoder(model: PSP, file: Path | None = None) -> PSP:
    """Give the encoder of ``model`` the backbone of ArcFace's IR-SE50, as the paper does; return the model.

    The first layer too where the encoder takes colour. ``file`` are the weights; by default the registry's.

    Raises:
        CheckpointError: The weights cannot be found or used.
        TrainingError: The encoder has another backbone.
    """
    wanted = model.encoder.state_dict()
    given = load_face_network(file or _registry_file("identity")).state_dict()
    parts = ("input_layer.", "body.") if model.config.encoder.in_channels == _COLOUR else ("body.",)
    taken = {key: value for key, value in given.items() if key.startswith(parts)}
    if any(key not in wanted or wanted[key].shape != value.shape for key, value in taken.items()):
        raise TrainingError(
            "The encoder's backbone is not IR-SE50, so that it cannot start from ArcFace's weights.",
            "Set encoder=random.",
        )
    model.encoder.load_state_dict(wanted | taken)
    return model


def build_objective(
    config: TrainConfig, identity_file: Path | None = None, similarity_file: Path | None = None
) -> Objective:
    """Return the objective of ``config`` with its networks.

    Raises:
        CheckpointError: A network is asked for and cannot be found or used.
        TrainingError: The similarity term has a weight and no file.
    """
    weights = config.losses
    lpips = LPIPS(lpips_weights()) if weights.lpips or weights.lpips_crop else None
    identity = _identity_loss(config, identity_file) if weights.identity else None
    similarity = None
    if weights.similarity:
        if similarity_file is None:
            raise TrainingError(
                "The similarity term needs the weights of MoCo v2.",
                "Download moco_v2_800ep_pretrain.pth.tar (github.com/facebookresearch/moco; CC BY-NC 4.0) "
                "and give it with --similarity, or set losses.similarity=0.",
            )
        similarity = SimilarityLoss(moco_network(similarity_file.name, load_pickle(similarity_file)))
    return Objective(weights, lpips, identity, similarity)


def _identity_loss(config: TrainConfig, file: Path | None) -> IdentityLoss | DescriptorLoss:
    if config.identity == "dlib" and file is None:
        return DescriptorLoss(load_face_descriptor())
    return IdentityLoss(load_face_network(file or _registry_file("identity")))


def _registry_file(name: str) -> Path:
    return find_file(AUXILIARY[name], Settings.from_env())
