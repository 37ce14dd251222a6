"""A wheel with two small graphs, as OpenVINO wrote those of MobileStyleGAN: what the importer has to read."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import torch

from psp.models.mobile import MobileConfig, MobileGenerator

SMALL = MobileConfig(size=64, style_dim=16, n_mlp=2, channels=(16, 16, 8, 8))
SCALE = 0.25
"""What modulations are multiplied by, as the wheel has it: all but those that enlarge."""


def small_generator() -> MobileGenerator:
    """A generator of the shape ``SMALL`` with random weights and noise, always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        generator = MobileGenerator(SMALL)
        for value in generator.state_dict().values():
            value.normal_(0, 0.3)
    return generator.eval().requires_grad_(False)


class GraphWriter:
    """Writes a graph layer by layer."""

    def __init__(self) -> None:
        self.layers: list[str] = []
        self.edges: list[str] = []
        self.numbers = b""

    def layer(self, kind: str, *sources: int, name: str = "", **data: Any) -> int:
        """Add a layer that reads ``sources``; return its id."""
        key = len(self.layers)
        said = "".join(f" {attribute}={quoteattr(str(value))}" for attribute, value in data.items())
        self.layers.append(
            f'<layer id="{key}" name={quoteattr(name or f"l{key}")} type="{kind}"><data{said}/></layer>'
        )
        for port, source in enumerate(sources):
            self.edges.append(
                f'<edge from-layer="{source}" from-port="0" to-layer="{key}" to-port="{port}"/>'
            )
        return key

    def constant(self, value: torch.Tensor, name: str = "") -> int:
        """Add a constant; return its id."""
        data = value.contiguous().numpy().astype("<f4").tobytes()
        said = {"element_type": "f32", "shape": ",".join(map(str, value.shape)), "size": len(data)}
        key = self.layer("Const", name=name, offset=len(self.numbers), **said)
        self.numbers += data
        return key

    def xml(self, version: int = 10) -> bytes:
        """Return the graph."""
        parts = f"<layers>{''.join(self.layers)}</layers><edges>{''.join(self.edges)}</edges>"
        return f'<?xml version="1.0"?><net name="small" version="{version}">{parts}</net>'.encode()


def mapping_graph(generator: MobileGenerator) -> GraphWriter:
    """Write the mapping network; its layers have no names."""
    graph = GraphWriter()
    x = graph.layer("Parameter")
    for layer in list(generator.mapping)[1:]:
        x = graph.layer("MatMul", x, graph.constant(layer.weight), transpose_b="true")
        x = graph.layer("Add", x, graph.layer("Reshape", graph.constant(layer.bias)))
        x = graph.layer("PReLU", x, graph.constant(torch.tensor([0.2])))
    return graph


def synthesis_graph(generator: MobileGenerator) -> GraphWriter:
    """Write the synthesis network."""
    graph = GraphWriter()
    code = graph.layer("Parameter")
    x = graph.constant(generator.input, "m.input.input")

    def affine(layer: Any, place: str, scale: float) -> int:
        weight = graph.constant(layer.weight / scale, f"{place}.modulation.weight")
        style = graph.layer("MatMul", code, weight, transpose_b="true")
        style = graph.layer(
            "Add", style, graph.constant(layer.bias[None] / scale, f"{place}.modulation.bias")
        )
        style = graph.layer("Reshape", style)
        return (
            graph.layer("Multiply", style, graph.constant(torch.full((1, 1), scale))) if scale != 1 else style
        )

    def conv(layer: Any, place: str, x: int) -> int:
        x = graph.layer("Multiply", x, affine(layer.style, f"{place}.conv", SCALE))
        if layer.depthwise is not None:
            weight = layer.depthwise.reshape(-1, 1, 1, 3, 3)
            x = graph.layer("GroupConvolution", x, graph.constant(weight, f"{place}.conv.weight_dw"))
        x = graph.layer("Convolution", x, graph.constant(layer.weight))
        x = graph.layer("Add", x, graph.constant(layer.noise))
        return graph.layer("Add", x, graph.constant(layer.bias.reshape(1, -1, 1, 1), f"{place}.bias"))

    x = conv(generator.first, "m.conv1", x)
    for index, block in enumerate(generator.blocks):
        x = graph.layer("Multiply", x, affine(block.style, f"m.layers.{index}.up", 1))
        x = conv(block.conv1, f"m.layers.{index}.conv1", x)
        x = conv(block.conv2, f"m.layers.{index}.conv2", x)
    last = f"m.layers.{len(generator.blocks) - 1}.to_img"
    affine(generator.to_bands.style, f"{last}.conv", SCALE)
    graph.constant(generator.to_bands.weight, f"{last}.conv.weight")
    graph.constant(generator.to_bands.bias.reshape(1, -1, 1, 1), f"{last}.bias")
    return graph


def write_wheel(path: Path, files: dict[str, bytes] | None = None) -> Path:
    """Write a wheel of ``small_generator``; ``files`` replace those of its own."""
    generator = small_generator()
    graphs = {"MappingNetwork": mapping_graph(generator), "SynthesisNetwork": synthesis_graph(generator)}
    content = {f"{name}.xml": graph.xml() for name, graph in graphs.items()}
    content |= {f"{name}.bin": graph.numbers for name, graph in graphs.items()}
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in (content | (files or {})).items():
            wheel.writestr(f"random_face/data/{name}", data)
    return path


def numbers(generator: MobileGenerator) -> np.ndarray[Any, Any]:
    """Return a picture of ``generator`` [3,64,64], always of the same codes."""
    draw = torch.Generator().manual_seed(6)
    codes = torch.randn(1, SMALL.n_codes, SMALL.style_dim, generator=draw)
    return np.asarray(generator(codes)[0].detach())
