"""Weight files: find, verify, load safely, convert, save. The only home of torch.load and of the Hub.

``tensors`` is the file format, ``quantize`` its 8-bit weights, ``official`` opens pickles (``plain_values``:
what may be in them), ``average`` makes average codes, ``sound`` refuses NaN, ``dlib_file`` what dlib wrote,
``face_network`` tells identity networks apart, ``generators`` opens a StyleGAN2 alone, ``hub`` downloads,
``siblings`` knows which files belong together, ``find`` looks and verifies, ``load`` and ``save`` join them;
``push`` and ``card`` bring a model of one's own to the Hub, with ``model_config`` (``config.json``) and what
``evaluations`` kept of measuring it; ``model_input`` tells what a model takes. What is on this machine is
told by ``psp.registry.lookup.list_models``, without torch.

Words:
    checkpoint: a file of weights; official: one of the authors of pSp, StyleGAN2 or e4e, a pickle (``.pt``).
    pickle: Python's own format, which can run code when it is opened; here it never does.
    safetensors: the format of the studio's files: named tensors and a header of words.
    tensor: numbers in rows and columns; header, info: what a file says of itself.
    seal: a file's sha256 in its own header, with zeros where that stands.
    sibling: a file that another one needs beside it, as an encoder needs its generator.
    quantized: in 8 bits a weight, with one scale a row; half: 16 bits.
    card: the README of a model on the Hub.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psp.checkpoints.find import find_file
    from psp.checkpoints.generators import OpenedGenerator, open_generator
    from psp.checkpoints.hashes import file_sha256
    from psp.checkpoints.load import load_psp, read_info
    from psp.checkpoints.official import is_pickle
    from psp.checkpoints.quantize import Precision
    from psp.checkpoints.save import save_psp
    from psp.checkpoints.tensors import load_tensors, read_metadata, save_tensors

__all__ = [
    "OpenedGenerator",
    "Precision",
    "file_sha256",
    "find_file",
    "is_pickle",
    "load_psp",
    "load_tensors",
    "open_generator",
    "read_info",
    "read_metadata",
    "save_psp",
    "save_tensors",
]

_HOMES = {
    "OpenedGenerator": "generators",
    "Precision": "quantize",
    "file_sha256": "hashes",
    "find_file": "find",
    "is_pickle": "official",
    "load_psp": "load",
    "load_tensors": "tensors",
    "open_generator": "generators",
    "read_info": "load",
    "read_metadata": "tensors",
    "save_psp": "save",
    "save_tensors": "tensors",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use: most of them bring torch along."""
    if name in _HOMES:
        return getattr(import_module(f"psp.checkpoints.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'psp.checkpoints' has no attribute {name!r}")
