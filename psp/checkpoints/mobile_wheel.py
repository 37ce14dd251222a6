"""MobileStyleGAN from the wheel ``random-face`` (PyPI, Apache-2.0 as published): its graphs as tensors."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from psp.checkpoints.average import average_code
from psp.checkpoints.generators import OpenedGenerator, first_misfit
from psp.checkpoints.openvino_ir import Floats, Graph, read_graph
from psp.checkpoints.sound import require_sound
from psp.errors import CheckpointError
from psp.models.mobile import MobileConfig, MobileGenerator

LICENCE = (
    "MobileStyleGAN by S. Belousov (Apache-2.0 as published), distilled from NVIDIA's StyleGAN2-FFHQ, whose "
    "own terms are non-commercial; FFHQ is CC BY-NC-SA 4.0. For research and non-commercial use."
)
"""What goes into every file that is made of the wheel."""

EIGHT_BITS = re.compile(r"style\.weight|noise|^first\.weight")
"""Tensors that 8 bits do for, 16 numbers a scale: 0.9 % of the values of 16 pictures are then off by more
than a grey level. In half precision it is 0.01 %, with the pointwise convolutions it would be 10 %, with the
mapping 52 %.
"""
LARGEST = 9_500_000
"""Bytes a file: every host takes that."""

_DRAWS = 200_000  # as many as the average has that the bundled encoders were trained with
_FOLDER = "random_face/data/"
_LARGEST = 64 << 20  # bytes a file: the larger one has 32 million
_NEXT = "Get it with: pip download --no-deps random-face==2021.7.21.1"


def open_mobile_wheel(path: Path) -> OpenedGenerator:
    """Return the generator in the wheel, in float32 on the CPU, with its average code.

    The scales of modulations are folded into their weights, so that values differ by rounding only.

    Raises:
        CheckpointError: The file is another one, or its graphs are not those of MobileStyleGAN.
        OSError: It cannot be read.
    """
    tensors = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in _tensors(path)}
    require_sound(path.name, tensors)
    generator = MobileGenerator(_shape(path.name, tensors))
    try:
        generator.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"{path.name} holds another network: {first_misfit(error)}", _NEXT) from error
    generator.eval().requires_grad_(False)
    return OpenedGenerator(generator, average_code(generator, _DRAWS).expand(generator.config.n_codes, -1))


def _tensors(path: Path) -> Iterator[tuple[str, Floats]]:
    """Yield the tensors of ``MobileGenerator`` by name."""
    try:
        with zipfile.ZipFile(path) as wheel:
            mapping, synthesis = (_graph(wheel, name) for name in ("MappingNetwork", "SynthesisNetwork"))
    except zipfile.BadZipFile as error:
        raise CheckpointError(f"{path.name} is no wheel.", _NEXT) from error
    yield from _mapping(mapping)
    yield "input", synthesis.named("m.input.input")
    yield from _conv(synthesis, "first", "m.conv1", dense=True)
    blocks = sum(f"m.layers.{k}.up.modulation.weight" in synthesis.ids for k in range(16))
    for k in range(blocks):
        yield from _affine(synthesis, f"blocks.{k}.style", f"m.layers.{k}.up", scaled=False)
        for conv in ("conv1", "conv2"):
            yield from _conv(synthesis, f"blocks.{k}.{conv}", f"m.layers.{k}.{conv}")
    last = f"m.layers.{blocks - 1}.to_img"
    yield from _affine(synthesis, "to_bands.style", f"{last}.conv")
    yield "to_bands.weight", synthesis.named(f"{last}.conv.weight")
    yield "to_bands.bias", synthesis.named(f"{last}.bias").reshape(-1)


def _graph(wheel: zipfile.ZipFile, name: str) -> Graph:
    parts = []
    for ending in ("xml", "bin"):
        try:
            info = wheel.getinfo(f"{_FOLDER}{name}.{ending}")
        except KeyError as error:
            raise CheckpointError(f"The wheel has no {name}.{ending}.", _NEXT) from error
        if info.file_size > _LARGEST:
            raise CheckpointError(f"{name}.{ending} is {info.file_size >> 20} MB large.", _NEXT)
        parts.append(wheel.read(info))
    return read_graph(*parts)


def _mapping(graph: Graph) -> Iterator[tuple[str, Floats]]:
    """Yield the linear layers of the mapping network, which the graph has in their order."""
    layers = [key for key, kind in graph.kinds.items() if kind == "MatMul"]
    for index, key in enumerate(layers, start=1):
        weight = graph.constant_of(key)
        yield f"mapping.{index}.weight", weight if key in graph.transposed else weight.T
        bias = graph.other_source(graph.reader(key, "Add"), key)  # the constant, brought into shape
        yield f"mapping.{index}.bias", graph.constant_of(bias).reshape(-1)


def _affine(graph: Graph, name: str, place: str, *, scaled: bool = True) -> Iterator[tuple[str, Floats]]:
    """Yield the affine layer that turns a code into scales of channels."""
    weight, bias = (graph.named(f"{place}.modulation.{part}") for part in ("weight", "bias"))
    scale = 1.0
    if scaled:  # a constant multiplied in after the bias, and after a change of shape
        added = graph.readers[graph.ids[f"{place}.modulation.bias"]][0]
        scale = float(graph.constant_of(graph.reader(graph.reader(added, "Reshape"), "Multiply")).reshape(()))
    yield f"{name}.weight", weight * np.float32(scale)
    yield f"{name}.bias", bias.reshape(-1) * np.float32(scale)


def _conv(graph: Graph, name: str, place: str, *, dense: bool = False) -> Iterator[tuple[str, Floats]]:
    """Yield a convolution; its weights and noise have no names and are found by what reads them."""
    yield from _affine(graph, f"{name}.style", f"{place}.conv")
    if not dense:
        yield f"{name}.depthwise", graph.named(f"{place}.conv.weight_dw").reshape(-1, 1, 3, 3)
    bias = graph.ids[f"{place}.bias"]
    noisy = graph.other_source(graph.readers[bias][0], bias)  # + noise, then + bias
    noise = next(source for source in graph.sources[noisy] if source in graph.constants)
    yield f"{name}.weight", graph.constant_of(graph.other_source(noisy, noise))
    yield f"{name}.noise", graph.constants[noise]
    yield f"{name}.bias", graph.constants[bias].reshape(-1)


def _shape(name: str, tensors: dict[str, Tensor]) -> MobileConfig:
    """Return the configuration that the tensors belong to."""
    try:
        count = sum(key.endswith("conv2.weight") for key in tensors)
        widths = (len(tensors[f"blocks.{k}.conv2.weight"]) for k in range(count))
        return MobileConfig(
            size=2 ** (count + 3),
            style_dim=tensors["first.style.weight"].shape[1],
            n_mlp=sum(key.startswith("mapping.") for key in tensors) // 2,
            channels=(tensors["input"].shape[1], *widths),
        )
    except (AssertionError, IndexError, KeyError) as error:
        raise CheckpointError(f"{name} holds another network: {error}.", _NEXT) from error
