"""A ZeroGPU Space without a GPU: the real ``spaces``, and stand-ins for what cannot exist on this machine.

``spaces`` emulates CUDA, packs tensors, forks workers and pickles what crosses, all as on a Space. Replaced
is only: CUDA in torch (its start, its version, whether a fork has spoilt it), the move of the weights to the
device, which goes to plain memory here, and the scheduler that lends GPUs, a server on this machine.

Import this before ``psp.zerogpu``, in a process of its own: it changes torch, and ``spaces`` does for good.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import numpy as np
import torch

MOVED = "ZERO_GPU_MOVED"
"""Names the file with a mark for each tensor that the studio has moved to the GPU by itself."""

Made = TypeVar("Made")


class Scheduler:
    """Lends one GPU to whoever asks, and remembers it.

    Attributes:
        reuse: Whether the next request may have the worker of the last one.
        wait: Seconds until a GPU is free.
        asked: Seconds that were asked for, a call each.
        waiting: How many have waited at the same time, at most.
    """

    def __init__(self) -> None:
        self.reuse = True
        self.wait = 0.0
        self.asked: list[int] = []
        self.waiting = 0
        self._now = 0
        self._lock = threading.Lock()
        self._gpu = 0

    def answer(self, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        """Return what the scheduler says."""
        if path != "/schedule":
            return {}
        with self._lock:
            self.asked.append(int(query["durationSeconds"][0]))
            self._now += 1
            self.waiting = max(self.waiting, self._now)
            if not self.reuse:
                self._gpu += 1
        time.sleep(self.wait)
        with self._lock:
            self._now -= 1
        return {"idle": self.reuse, "nvidiaIndex": self._gpu, "nvidiaUUID": "GPU-0", "allowToken": "token"}

    def serve(self) -> str:
        """Serve on this machine; return the address."""

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805  (the scheduler is self)
                url = urlsplit(handler.path)
                body = json.dumps(self.answer(url.path, parse_qs(url.query))).encode()
                handler.send_response(200)
                handler.send_header("content-type", "application/json")
                handler.send_header("content-length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *args: object) -> None:  # noqa: N805  (as above)
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"


def _sound_fork() -> bool:
    """Say that CUDA is not spoilt by a fork; picklable, as ``spaces`` asks in another process."""
    return False


def _no_work(*args: object) -> None:
    """Do what a device that is not there does."""


def prepare(folder: Path, scheduler: Scheduler) -> None:
    """Make this process a ZeroGPU Space; then ``psp.zerogpu`` may be imported.

    Args:
        folder: Where ``spaces`` packs tensors.
        scheduler: Lends the GPU.
    """
    cgroup = folder / "cgroup"
    cgroup.write_text("0::/space\n")
    (folder / "moved").touch()
    os.environ |= {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": scheduler.serve(),
        "ZEROGPU_OFFLOAD_DIR": str(folder / "tensors"),
        "ZEROGPU_PROC_SELF_CGROUP_PATH": str(cgroup),
        "NO_PROXY": "127.0.0.1",
        MOVED: str(folder / "moved"),
    }
    stand_ins: dict[str, object] = {  # what a build of torch with CUDA has
        "_cuda_init": _no_work,
        "_cuda_getDeviceCount": lambda: 1,
        "_cuda_getCurrentRawStream": _no_work,
    }
    for name, value in stand_ins.items():
        setattr(torch._C, name, value)
    torch.version.cuda = "12.8"
    torch.cuda._is_in_bad_fork = _sound_fork
    torch.cuda._cudart = object()  # type: ignore[attr-defined]

    import spaces.zero.torch

    spaces.zero.torch.init = lambda uuid: _take_device()
    spaces.zero.torch.move = _move


def in_a_thread(function: Callable[[], Made]) -> Made:
    """Run a function as Gradio does, in a thread that is not the main one; raise what it raises."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(function).result()


def _take_device() -> None:
    """Be a worker that has a GPU: what goes to "cuda" stays in memory, and leaves a mark in a file."""
    plain = torch.Tensor.to

    def to(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        device, dtype, *_ = torch._C._nn._parse_to(*args, **kwargs)
        if device is None or device.type != "cuda":
            return plain(tensor, *args, **kwargs)
        with Path(os.environ[MOVED]).open("a") as file:
            file.write(".")
        return plain(tensor, "cpu", dtype or tensor.dtype, copy=True)

    torch.Tensor.to = to  # type: ignore[method-assign]
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 1


def _move(callback: Callable[[int], Any] | None = None) -> None:
    """Give their numbers back to the tensors that were on the emulated device: from memory or from disk."""
    from spaces.zero.torch import patching

    for fake, original in patching.cuda_aliases.items():
        if original is not None:
            fake.data = torch.Tensor(original)
    for pack in patching.tensor_packs:
        data = torch.from_numpy(np.memmap(pack.path(), np.uint8, mode="c"))
        offset = 0
        for meta, size, aligned in [item for batch in (*pack.batches, pack.big_tensors) for item in batch]:
            storage = data[offset : offset + size].untyped_storage()
            filled = torch.empty(0, dtype=meta.dtype)
            filled = filled.set_(storage, offset // meta.element_size(), meta.shape, meta.stride())
            for fake in pack.fakes[meta]:
                fake.data = filled
            offset += aligned
            if callback:
                callback(size)
