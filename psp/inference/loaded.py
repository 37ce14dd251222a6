"""Models in memory: loaded once, the latest that fit kept; and where they wait for a GPU that is lent.

On ZeroGPU (``psp.zerogpu``) this process has no GPU. What its main thread loads at start is put on one as
soon as a worker process has it; any other thread can load to the CPU only, and the worker moves it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from psp.checkpoints.model_input import ModelInput, model_input
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from psp.files.stamps import Stamp, stamp
from psp.inference.devices import pick_device
from psp.maps.classes import MapClasses
from psp.maps.palette import FACE_CLASSES
from psp.registry.lookup import OWN_FILE, ModelEntry, file_on_disk, find_entry, list_models
from psp.tasks import MODEL_TASKS

if TYPE_CHECKING:
    from torch import Tensor

    from psp.models.psp import PSP

Step = Callable[[str, float | None], None]
"""Told what happens now, in words, and how much is done (0 to 1, or None); may raise to stop the work."""

DOWNLOADING = "Downloading the model"
"""What the words of a step say while a model is downloaded."""

APPROACHING = "Coming closer"
"""What the words of a step say while codes are moved: what they reached can be had (``EnoughError``)."""

_Key = tuple[str, Path | None, str]
_Content = tuple[object, tuple[int, ...], bytes]
# Bytes of a tensor.
_WORTH_SHARING = 1 << 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model in memory, with what a result says about it.

    Attributes:
        psp: The model.
        name: Of its family or file.
        sha256: Of its file.
        files: What it was loaded from: its file, then those that this one needs.
        stamp: What these were like then; see ``psp.files.stamps``.
        waits: Whether its weights are where a GPU takes them from at once; see the module.
        blocks: The memory that its weights take: bytes, by address. Models that share weights share blocks.
    """

    psp: PSP
    name: str
    sha256: str
    files: tuple[Path, ...] = ()
    stamp: Stamp = ()
    waits: bool = False
    blocks: Mapping[tuple[str, int], int] = field(default_factory=dict)

    @property
    def n_codes(self) -> int:
        """How many layers take a code."""
        return self.psp.config.generator.n_codes

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The size in pixels at which each layer acts."""
        return self.psp.config.generator.resolutions

    @property
    def code_dim(self) -> int:
        """Length of a code."""
        return self.psp.config.generator.style_dim

    @property
    def in_size(self) -> int:
        """Side of the pictures that the encoder takes, in pixels."""
        return self.psp.config.encoder.in_size

    @property
    def passes(self) -> int:
        """How often the encoder looks: at the photo, and at its own pictures of it."""
        return self.psp.config.encoder.passes

    @property
    def takes(self) -> ModelInput:
        """What the encoder takes.

        Raises:
            CheckpointError: The file names other classes than the encoder takes.
        """
        return model_input(self.psp.config.encoder.in_channels, self.psp.info, self.name)

    @property
    def classes(self) -> MapClasses:
        """The classes of the maps that it takes; those of faces for a model that takes none."""
        return self.takes.classes or FACE_CLASSES


class Models:
    """Loads models and keeps the latest that fit; safe to call from several threads.

    Args:
        settings: Where models are found, where they run, and how much of them is kept.
        lent: Whether a GPU is only lent, to processes that are forked from this one.
    """

    def __init__(self, settings: Settings, *, lent: bool = False) -> None:
        self._settings = settings
        self._kept: OrderedDict[_Key, Loaded] = OrderedDict()
        self._lock = threading.Lock()
        self._lent = lent
        self._home = os.getpid()
        self._moved: set[int] = set()

    def __len__(self) -> int:
        """Return how many are in memory."""
        return len(self._kept)

    def get(self, model: str, task: str, step: Step | None = None, sha256: str = "") -> Loaded:
        """Return the model of ``task``, from memory or from disk; the least recently used one makes room.

        One whose file was replaced since is loaded anew; one whose file is gone stays.

        Args:
            model: A family's name, a path, or "auto".
            task: The task.
            step: Told how far a download is.
            sha256: Of the file that it must be from, whatever is there now; empty: the one there now.

        Raises:
            CheckpointError: The model cannot be found or loaded, or is no longer from that file.
        """
        import torch  # noqa: PLC0415  (torch comes after the page)

        entry = find_entry(model, task, self._settings)
        key = (entry.family, entry.path, entry.task)
        # One thread loads, the others wait for the same model. Who asks first may be in inference mode, as a
        # blend of two models is; others want gradients through what it loads.
        with self._lock, torch.inference_mode(False):
            if (known := self._kept.get(key)) and self._outdated(entry, known, sha256):
                del self._kept[key]  # first: two of them may be too large; who uses it now still has it
            if key not in self._kept:
                self._kept[key] = self._load(entry, step, self._device())
            self._kept.move_to_end(key)
            self._make_room(key)
            loaded = self._kept[key]
            if self._lent and os.getpid() != self._home:
                self._move(loaded)
        if sha256 not in ("", loaded.sha256):
            raise CheckpointError(f"The file of {loaded.name} was replaced meanwhile.", "Ask again.")
        return loaded

    def load_all(self, step: Step | None = None) -> None:
        """Load every model on this machine, to stay: in the main thread, before a GPU is lent.

        The default is needed; another that cannot be loaded is told of when it is asked for.

        Raises:
            CheckpointError: The default model cannot be found or loaded.
        """
        entries = [find_entry("auto", "encode", self._settings)]
        for task in MODEL_TASKS:
            try:
                entry = find_entry("auto", task, self._settings)
            except ModelNotFoundError:
                continue
            entries += [entry] if file_on_disk(entry, self._settings) else []
        entries += [status.entry for status in list_models(self._settings) if status.ready]
        by_file: dict[Path, Loaded] = {}
        shared: dict[_Content, Tensor] = {}
        for number, entry in enumerate(entries):
            key, place = (entry.family, entry.path, entry.task), file_on_disk(entry, self._settings)
            with self._lock:
                if key in self._kept or entry.task not in MODEL_TASKS:
                    continue
                if place is not None and place[0] in by_file:  # one file for several tasks
                    self._kept[key] = by_file[place[0]]
                    continue
                try:
                    loaded = self._load(entry, step, "cpu", waits=True)
                except CheckpointError as error:
                    if number == 0:
                        raise
                    _log.warning("%s for %s is not loaded: %s", entry.family, entry.task, error)
                    continue
                if entry.task in ("encode", "frontalize"):
                    _look_at(loaded.psp)
                _share(loaded.psp, shared)
                loaded.psp.to(pick_device(self._settings.device))
                self._kept[key] = by_file[loaded.files[0]] = loaded

    def arrive(self) -> None:
        """Be in a worker that was forked from this process, for one job at a time."""
        import torch  # noqa: PLC0415  (torch comes after the page)

        if os.getpid() != self._home:
            self._lock = threading.Lock()  # a thread that held it is not here to let it go
            torch.set_num_threads(1)  # nor are those of OpenMP, for which it would wait

    def _device(self) -> str:
        """Return where a thread puts what it loads."""
        at_home = self._lent and os.getpid() == self._home
        return "cpu" if at_home else pick_device(self._settings.device)

    def _move(self, loaded: Loaded) -> None:
        """Move a model to the GPU of this worker, which keeps it there."""
        if not loaded.waits and id(loaded) not in self._moved:
            loaded.psp.to(pick_device(self._settings.device))
            self._moved.add(id(loaded))

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights in memory but for those that are there to stay; shared ones count once."""
        return _bytes_of(self._passing().values())

    def _passing(self) -> dict[_Key, Loaded]:
        """Return what is not there to stay, the least recently used first."""
        return {key: loaded for key, loaded in self._kept.items() if not loaded.waits}

    def _make_room(self, wanted: _Key) -> None:
        """Let the least recently used models go until the rest fits; ``wanted`` stays, and what is in use."""
        kept = self._passing()
        for key in list(kept):
            if self._fits(kept):
                return
            if key == wanted:
                continue
            there = weakref.ref(kept.pop(key))
            self._kept[key] = kept[wanted]  # keeps the place, should it come back
            if (used := there()) is None:
                del self._kept[key]
                self._moved &= {id(loaded) for loaded in self._kept.values()}
            else:  # somebody has it: letting it go would free nothing, and it would be loaded twice
                self._kept[key] = kept[key] = used
            del used

    def _fits(self, kept: Mapping[_Key, Loaded]) -> bool:
        most = self._settings.max_models
        few = most is None or len(kept) <= most
        return few and _bytes_of(kept.values()) <= self._settings.max_models_mb * 1_000_000

    def _load(self, entry: ModelEntry, step: Step | None, device: str, *, waits: bool = False) -> Loaded:
        from psp.checkpoints.find import find_file  # noqa: PLC0415  (torch comes late)
        from psp.checkpoints.hashes import file_sha256  # noqa: PLC0415  (torch comes late)
        from psp.checkpoints.load import load_psp  # noqa: PLC0415  (torch comes late)
        from psp.checkpoints.siblings import all_siblings  # noqa: PLC0415  (torch comes late)

        path = find_file(entry, self._settings, _tell_download(step))
        first = stamp((path,))  # before it is read: what is put there meanwhile is noticed next time
        psp = load_psp(path, device, settings=self._settings)
        cache = self._settings.cache_dir
        files = (path, *all_siblings(path, cache))
        if not waits:  # those of the start share more
            _share_family(psp, (other.psp for other in self._kept.values() if set(other.files) & set(files)))
        name = entry.file if entry.family == OWN_FILE else entry.family
        sha256 = file_sha256(path, cache)
        return Loaded(psp, name, sha256, files, first + stamp(files[1:]), waits, _blocks(psp))

    def _outdated(self, entry: ModelEntry, loaded: Loaded, sha256: str) -> bool:
        """Return whether a model is not the one asked for: other files are now where its files were."""
        if sha256:
            return loaded.sha256 != sha256
        place = file_on_disk(entry, self._settings)
        if place is None or None in (now := stamp((place[0], *loaded.files[1:]))):
            return False
        return (place[0], now) != (loaded.files[0], loaded.stamp)


def _look_at(psp: PSP) -> None:
    """Find what is asked of a model's numbers in this process, and kept, while they are here to be read.

    On the way to a GPU that is lent they leave: what stands for them holds nothing.
    """
    from psp.inference.directions import directions_of  # noqa: PLC0415  (torch comes after the page)

    directions_of(psp)


def _share(psp: PSP, known: dict[_Content, Tensor]) -> None:
    """Give a model the tensors of others that hold the same: what is on the GPU once comes there sooner.

    The models of a family have one frozen generator, and encoders that begin alike.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    for value in (*psp.parameters(), *psp.buffers()):
        if value.nbytes >= _WORTH_SHARING:
            numbers = value.detach().contiguous().view(torch.uint8).numpy()
            content = (value.dtype, tuple(value.shape), hashlib.sha256(numbers.data).digest())
            value.data = known.setdefault(content, value.data)


def _share_family(psp: PSP, others: Iterable[PSP]) -> None:
    """Give a model the tensors of others, from the same files in part, that are equal by name and content."""
    import torch  # noqa: PLC0415  (torch comes after the page)

    own = _tensors(psp)
    for other in others:
        for name, value in _tensors(other).items():
            mine = own.get(name)
            if mine is None or mine.nbytes < _WORTH_SHARING or mine.data_ptr() == value.data_ptr():
                continue
            alike = (mine.shape, mine.dtype, mine.device) == (value.shape, value.dtype, value.device)
            if alike and torch.equal(mine, value):
                mine.data = value.data


def _tensors(psp: PSP) -> dict[str, Tensor]:
    return {**dict(psp.named_parameters()), **dict(psp.named_buffers())}


def _blocks(psp: PSP) -> dict[tuple[str, int], int]:
    """Return the memory that a model's tensors take: bytes, by device and address."""
    storages = ((value.device, value.untyped_storage()) for value in _tensors(psp).values())
    return {(str(device), storage.data_ptr()): storage.nbytes() for device, storage in storages}


def _bytes_of(models: Iterable[Loaded]) -> int:
    return sum({place: size for loaded in models for place, size in loaded.blocks.items()}.values())


def _tell_download(step: Step | None) -> Callable[[int, int | None], None] | None:
    if step is None:
        return None

    def tell(done: int, total: int | None) -> None:
        of = f" of {total >> 20}" if total else ""
        step(f"{DOWNLOADING}: {done >> 20}{of} MB", done / total if total else None)

    return tell
