"""A whole Space that lends its GPU, run by ``tests/test_zerogpu.py`` in a process of its own.

Opens the page as ``app.py`` does, runs every task in a new worker and in one that was used before, then what
else a Space has to do. What became of it is the last line of the output, as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.zero_gpu import Scheduler, in_a_thread, prepare


def main(assets: Path, folder: Path) -> None:
    """Run it with the models in ``assets``; files go to ``folder``."""
    scheduler = Scheduler()
    prepare(folder, scheduler)

    from psp.checkpoints import find
    from psp.cli.serve import open_pipeline  # imports psp.zerogpu before torch, as app.py does
    from psp.config import Settings
    from psp.registry import lookup
    from psp.ui.app import build_app, launch_settings

    for module in (lookup, find):
        module.assets_dir = lambda: assets  # type: ignore[attr-defined]
    pipe = open_pipeline(Settings(offline=True, cache_dir=folder / "cache", max_models=1))
    page = build_app(pipe)
    page.launch(prevent_thread_lock=True, quiet=True, **launch_settings(pipe.settings))

    from PIL import Image
    from skimage import data

    photo = in_a_thread(lambda: pipe.align(Image.fromarray(data.astronaut())).image)
    photo.save(folder / "photo.png")
    table: dict[str, dict[str, str]] = {}
    for name, make in _tasks(pipe, photo, folder).items():
        made = {}
        for when in ("cold", "reused"):
            scheduler.reuse = when == "reused"
            made[when] = _tried(make)
        table[name] = {when: "ok" if isinstance(one, bytes) else one for when, one in made.items()}
        if made["cold"] != made["reused"]:
            table[name]["reused"] += ", other bytes"
    told: dict[str, Any] = {"table": table, "models": pipe.network.loaded_count}
    for check in (
        _moved,
        _same_as_plain,
        _words_of_errors,
        _faces_of_a_photo,
        _batch,
        _progress,
        _waiting_together,
    ):
        scheduler.asked.clear()
        told[check.__name__.strip("_")] = check(pipe, page, scheduler, folder)
    sys.stdout.write("\n" + json.dumps(told) + "\n")
    page.close()


def _tasks(pipe: Any, photo: Any, folder: Path) -> dict[str, Callable[[], bytes]]:
    """Return every task, and what needs two models."""
    sketch, mask = in_a_thread(
        lambda: (pipe.photo_to_sketch(photo, align=False).image, pipe.photo_to_mask(photo, align=False).image)
    )
    codes: list[bytes] = []

    def encode() -> bytes:
        made = pipe.encode(photo, align=False)
        codes.append(made.latents_file())
        return bytes(made.png())

    return {
        "encode": encode,
        "frontalize": lambda: pipe.frontalize(photo, align=False).png(),
        "toonify": lambda: pipe.toonify(photo, align=False).png(),
        "toonify, strength 0.5": lambda: pipe.toonify(photo, align=False, strength=0.5).png(),
        "super_resolution": lambda: pipe.super_resolution(photo, align=False, variants=2).png(),
        "sketch_to_face": lambda: pipe.sketch_to_face(sketch).png(),
        "segmentation_to_face": lambda: pipe.segmentation_to_face(mask).png(),
        "style_mix": lambda: pipe.style_mix(photo, align=False, variants=2).png(),
        "style_mix, picture": lambda: pipe.style_mix(photo, photo, align=False).png(),
        "decode": lambda: pipe.decode(codes[0]).png(),
        "edit": lambda: pipe.edit(photo, align=False, edits="pose-1:1").png(),
    }


def _tried(make: Callable[[], bytes]) -> bytes | str:
    try:
        return in_a_thread(make)
    except Exception as error:  # noqa: BLE001  (told)
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"[:160]


def _moved(pipe: Any, page: Any, scheduler: Scheduler, folder: Path) -> dict[str, list[object]]:
    """What becomes of models that come after the start, and how many tensors are then moved in the worker."""
    from psp.checkpoints import save_psp
    from tests.compact import compact_model

    marks, photo = folder / "moved", folder / "photo.png"
    told: dict[str, list[object]] = {"all tasks": [marks.stat().st_size > 0]}
    for name in ("new to the worker", "cold", "reused"):
        scheduler.reuse = name != "cold"
        before = marks.stat().st_size
        path = folder / f"{name.replace('reused', 'cold')}.safetensors"
        if not path.is_file():
            save_psp(compact_model(), path)
        made = _tried(lambda path=path: pipe.encode(photo, align=False, model=str(path)).png())  # type: ignore[misc]
        told[name] = ["ok" if isinstance(made, bytes) else made, marks.stat().st_size > before]
    return told


def _same_as_plain(pipe: Any, page: Any, scheduler: Scheduler, folder: Path) -> list[bool]:
    """Whether a lent GPU makes the bytes that this machine makes by itself.

    Directions are found in a model's numbers, which this process cannot read once they wait for a GPU.
    """
    from psp.codes.made_with import MadeWith
    from psp.config import Settings
    from psp.inference.network import Network
    from psp.inference.pipeline import PspPipeline

    plain = PspPipeline(Settings(offline=True, cache_dir=folder / "cache", device="cpu"))
    photo = folder / "photo.png"
    calls: list[Callable[[Any], Any]] = [
        lambda one: one.toonify(photo, align=False, strength=0.5),
        lambda one: one.edit(photo, align=False, edits="pose-1:1,colours-2:-1"),
        lambda one: one.move(photo, align=False, edits="features-1:1", seconds=1.0, format="gif"),
    ]
    # Recipes say by which device; here both are this processor.
    with patch.object(Network, "made_with", MadeWith("1", "2", "cpu", 1)):
        made = [[in_a_thread(lambda: call(one)) for one in (plain, pipe)] for call in calls]  # noqa: B023  (run at once)
    return [
        ours.png() == theirs.png() and (ours.clip is None or ours.clip.data == theirs.clip.data)
        for ours, theirs in made
    ]


def _words_of_errors(pipe: Any, page: Any, scheduler: Scheduler, folder: Path) -> list[list[str]]:
    """What is left of errors that are raised where the GPU is: one meant for people, and a fault."""
    import numpy as np

    from psp.errors import PspError
    from psp.inference.network import Work

    size, dim = pipe.network.load("auto", "encode").in_size, pipe.network.load("auto", "encode").code_dim
    small, two_styles = np.zeros((1, 3, 8, 8), np.float32), np.zeros((2, dim), np.float32)
    told = []
    for work in (
        Work("auto", "encode", small),
        Work("auto", "encode", np.zeros((1, 3, size, size), np.float32), z=two_styles, alphas=(1.0,)),
    ):
        try:
            in_a_thread(lambda work=work: pipe.network.run(work))
        except PspError as error:
            told.append([type(error).__name__, error.problem, error.next_step])
    return told


def _faces_of_a_photo(pipe: Any, page: Any, scheduler: Scheduler, folder: Path) -> list[int]:
    """How many faces are made of a photo with two, and how often a GPU was asked for."""
    from PIL import Image
    from skimage import data

    from psp.ui.all_faces import all_faces

    person = Image.fromarray(data.astronaut())
    scene = Image.new("RGB", (800, 512), (200, 200, 200))
    scene.paste(person, (0, 0))
    scene.paste(person.resize((330, 330)), (470, 100))
    scene.save(folder / "two.png")
    made = in_a_thread(
        lambda: all_faces(
            pipe,
            str(folder / "two.png"),
            lambda faces, face, step: pipe.encode(faces, face=face, step=step),
            lambda words, share: None,
        )
    )
    return [len(made.results), len(scheduler.asked)]


def _batch(pipe: Any, page: Any, scheduler: Scheduler, folder: Path) -> list[object]:
    """How often a batch of two photos asks for a GPU, and whether it makes what the single photo gives."""
    import shutil

    from psp.folders.batch import Folders
    from psp.folders.infer import Inference, infer_folder

    given, out = folder / "given", folder / "out"
    given.mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(folder / "photo.png", given / name)
    folders = Folders(given, out, 0, False, pipe.settings, lambda line: None)
    wanted = Inference("style_mix", align=False, seed=5)
    in_a_thread(lambda: infer_folder(folders, wanted, network=pipe.network))
    asked = len(scheduler.asked)
    single = in_a_thread(lambda: pipe.style_mix(folder / "photo.png", align=False, seed=5))
    return [asked, (out / "b.png").read_bytes() == single.png()]


def _progress(pipe: Any, page: Any, scheduler: Scheduler, folder: Path) -> list[str]:
    """What the page shows of the steps that only the worker knows."""
    from gradio.queueing import Queue
    from gradio_client import Client, handle_file

    shown: list[str] = []
    plain = Queue.set_progress

    def heard(queue: Queue, event: str, iterables: Any) -> None:
        shown.extend(str(one.desc) for one in iterables or ())
        plain(queue, event, iterables)

    Queue.set_progress = heard  # type: ignore[assignment,method-assign]
    scheduler.reuse = False  # a worker of this page's request
    photo = handle_file(str(folder / "photo.png"))
    client = Client(page.local_url, verbose=False)
    client.predict(photo=photo, align=False, variants=2, api_name="/super_resolution")
    return [words for words in dict.fromkeys(shown) if words.startswith("Face ")]


def _waiting_together(pipe: Any, page: Any, scheduler: Scheduler, folder: Path) -> int:
    """How many requests to the page wait for a GPU at the same time."""
    from gradio_client import Client, handle_file

    scheduler.waiting, scheduler.wait = 0, 2.0
    photo = handle_file(str(folder / "photo.png"))
    clients = [Client(page.local_url, verbose=False) for _ in range(2)]
    threads = [
        threading.Thread(
            target=client.predict, kwargs={"photo": photo, "align": False, "api_name": "/encode"}
        )
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return scheduler.waiting


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
