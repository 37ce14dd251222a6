"""Weight files: find, verify, load safely, convert, save. The only home of torch.load and of the Hub.

``tensors`` is the file format, ``quantize`` its 8-bit weights, ``official`` opens pickles (``plain_values``:
what may be in them), ``average`` makes average codes, ``sound`` refuses NaN, ``dlib_file`` what dlib wrote,
``face_network`` tells identity networks apart, ``generators`` opens a StyleGAN2 alone, ``hub`` downloads,
``siblings`` knows which files belong together, ``find`` looks and verifies, ``load`` and ``save`` join them;
``push`` and ``card`` bring a model of one's own to the Hub. What is on this machine is told by
``psp.registry.lookup.list_models``, without torch.
"""

from psp.checkpoints.find import find_file
from psp.checkpoints.generators import OpenedGenerator, open_generator
from psp.checkpoints.hashes import file_sha256
from psp.checkpoints.hub import Progress
from psp.checkpoints.load import load_psp, read_info
from psp.checkpoints.official import is_pickle, load_pickle
from psp.checkpoints.quantize import Precision
from psp.checkpoints.save import save_psp
from psp.checkpoints.siblings import all_siblings
from psp.checkpoints.tensors import load_tensors, read_metadata, save_tensors

__all__ = [
    "OpenedGenerator",
    "Precision",
    "Progress",
    "all_siblings",
    "file_sha256",
    "find_file",
    "is_pickle",
    "load_pickle",
    "load_psp",
    "load_tensors",
    "open_generator",
    "read_info",
    "read_metadata",
    "save_psp",
    "save_tensors",
]
