"""Weight files: find, verify, load safely, convert, save. The only home of torch.load and of the Hub.

``tensors`` is the file format, ``official`` opens pickles, ``hub`` downloads, ``find`` looks and verifies,
``load`` joins them. What is on this machine is told by ``psp.registry.list_models``, without torch.
"""

from psp.checkpoints.find import file_sha256, find_file
from psp.checkpoints.hub import Progress
from psp.checkpoints.load import load_psp, read_info, save_psp
from psp.checkpoints.official import is_pickle, load_pickle
from psp.checkpoints.tensors import load_tensors, read_metadata, save_tensors

__all__ = [
    "Progress",
    "file_sha256",
    "find_file",
    "is_pickle",
    "load_pickle",
    "load_psp",
    "load_tensors",
    "read_info",
    "read_metadata",
    "save_psp",
    "save_tensors",
]
