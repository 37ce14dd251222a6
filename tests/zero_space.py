"""What ``tests/test_zerogpu.py`` runs in a process of its own: all tasks on a Space that lends its GPU."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.zero_gpu import Scheduler, in_a_thread, prepare, start


def main(assets: Path, folder: Path) -> None:
    """Run the tasks; print what became of them as JSON, the last line."""
    scheduler = Scheduler()
    prepare(folder, scheduler)

    import app
    from psp.config import Settings
    from psp.registry import lookup

    lookup.assets_dir = lambda: assets
    import psp.checkpoints.find

    psp.checkpoints.find.assets_dir = lambda: assets
    pipe = app.open_pipeline(Settings(offline=True, cache_dir=folder / "cache"))
    start()

    from skimage import data
    from PIL import Image

    photo = in_a_thread(lambda: pipe.align(Image.fromarray(data.astronaut())).image)
    table: dict[str, dict[str, Any]] = {}
    for name, make in _tasks(pipe, photo).items():
        table[name] = {}
        for when in ("cold", "reused"):
            scheduler.reuse = when == "reused"
            try:
                in_a_thread(make)
                table[name][when] = "ok"
            except Exception as error:
                traceback.print_exc()
                table[name][when] = f"{type(error).__name__}: {error}"[:160]
    print(json.dumps({"table": table, "asked": scheduler.asked}))


def _tasks(pipe: Any, photo: Any) -> dict[str, Callable[[], Any]]:
    return {
        "encode": lambda: pipe.encode(photo, align=False),
        "frontalize": lambda: pipe.frontalize(photo, align=False),
        "toonify": lambda: pipe.toonify(photo, align=False),
        "toonify 0.5": lambda: pipe.toonify(photo, align=False, strength=0.5),
        "super_resolution": lambda: pipe.super_resolution(photo, align=False, variants=2),
        "sketch_to_face": lambda: pipe.sketch_to_face(pipe.photo_to_sketch(photo, align=False).image),
        "segmentation_to_face": lambda: pipe.segmentation_to_face(
            pipe.photo_to_mask(photo, align=False).image
        ),
        "style_mix": lambda: pipe.style_mix(photo, align=False, variants=2),
        "style_mix picture": lambda: pipe.style_mix(photo, photo, align=False),
        "decode": lambda: pipe.decode(pipe.encode(photo, align=False).latents_file()),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
