"""Constants and edges of an OpenVINO IR (version 10): a graph in XML, its numbers in one file beside it."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from psp.errors import CheckpointError

Floats: TypeAlias = NDArray[np.float32]

_NEXT = "Get the file again."


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph, read but not run.

    Attributes:
        constants: The float32 constants, by the id of their layer.
        ids: The ids of layers, by name.
        kinds: The types of layers ("Const", "MatMul", …), by id.
        transposed: Layers that take their second matrix transposed.
        sources: What goes into a layer: ids, in the order of its ports.
        readers: What reads a layer: ids.
    """

    constants: dict[str, Floats]
    ids: dict[str, str]
    kinds: dict[str, str]
    transposed: frozenset[str]
    sources: dict[str, list[str]]
    readers: dict[str, list[str]]

    def named(self, name: str) -> Floats:
        """Return the constant of this name.

        Raises:
            CheckpointError: There is none.
        """
        if (key := self.ids.get(name, "")) not in self.constants:
            raise CheckpointError(f"The graph has no constant {name!r}.", _NEXT)
        return self.constants[key]

    def reader(self, key: str, kind: str) -> str:
        """Return the one layer of type ``kind`` that reads layer ``key``.

        Raises:
            CheckpointError: There is none, or there are several.
        """
        found = [reader for reader in self.readers.get(key, ()) if self.kinds[reader] == kind]
        if len(found) != 1:
            raise CheckpointError(f"Layer {key} of the graph has {len(found)} readers of type {kind}.", _NEXT)
        return found[0]

    def constant_of(self, key: str) -> Floats:
        """Return the one constant that goes into layer ``key``.

        Raises:
            CheckpointError: There is none, or there are several.
        """
        found = [source for source in self.sources.get(key, ()) if source in self.constants]
        if len(found) != 1:
            raise CheckpointError(f"Layer {key} of the graph reads {len(found)} constants.", _NEXT)
        return self.constants[found[0]]

    def other_source(self, key: str, known: str) -> str:
        """Return what goes into layer ``key`` beside layer ``known``.

        Raises:
            CheckpointError: There is nothing, or more than one layer.
        """
        found = [source for source in self.sources.get(key, ()) if source != known]
        if len(found) != 1:
            raise CheckpointError(f"Layer {key} of the graph has {len(found)} other sources.", _NEXT)
        return found[0]


def read_graph(xml: bytes, numbers: bytes) -> Graph:
    """Return the graph that ``xml`` describes, its constants from ``numbers``.

    Raises:
        CheckpointError: It is no IR of version 10, or a constant lies outside of ``numbers``.
    """
    try:
        root = ET.fromstring(xml)
    except ET.ParseError as error:
        raise CheckpointError("The graph is no XML.", _NEXT) from error
    layers, edges = root.find("layers"), root.find("edges")
    if root.get("version") != "10" or layers is None or edges is None:
        raise CheckpointError("The graph is no OpenVINO IR of version 10.", _NEXT)
    constants, ids, kinds, transposed = {}, {}, {}, set()
    for layer in layers:
        key, kind = layer.get("id", ""), layer.get("type", "")
        ids[layer.get("name", "")], kinds[key] = key, kind
        data = layer.find("data")
        said = {} if data is None else data.attrib
        if kind == "Const" and said.get("element_type") == "f32":
            constants[key] = _constant(said, numbers)
        if said.get("transpose_b") in ("true", "1"):
            transposed.add(key)
    ports: dict[str, list[tuple[int, str]]] = {}
    readers: dict[str, list[str]] = {}
    for edge in edges:
        source, target = edge.get("from-layer", ""), edge.get("to-layer", "")
        ports.setdefault(target, []).append((int(edge.get("to-port", "0")), source))
        readers.setdefault(source, []).append(target)
    sources = {target: [source for _, source in sorted(given)] for target, given in ports.items()}
    return Graph(constants, ids, kinds, frozenset(transposed), sources, readers)


def _constant(said: dict[str, str], numbers: bytes) -> Floats:
    shape = [int(part) for part in said.get("shape", "").split(",") if part.strip()]
    start, size = int(said.get("offset", "-1")), int(said.get("size", "-1"))
    if start < 0 or size != 4 * math.prod(shape) or start + size > len(numbers):
        raise CheckpointError("A constant of the graph lies outside of its file of numbers.", _NEXT)
    return np.frombuffer(numbers, "<f4", size // 4, start).reshape(shape)
