"""How long a photo of twelve megapixels takes from its file to the crop of its face, and where the time goes.

python -m benchmarks.alignment [--rounds 7] [PHOTO...]
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from psp.config import Settings
from psp.faces.alignment import align, crop_quad
from psp.faces.detection import detect_faces, load_detector
from psp.faces.suitability import photo_warnings
from psp.inference.memory import keep_memory
from psp.inference.photos import Photos
from psp.pictures.images import load_picture

_FACE = Path(__file__).parents[1] / "examples" / "photos" / "astronaut.jpg"
# Of the photo's height, the side of the picture in it whose face is 0.3 as wide.
_SHARES = {"a face that fills it": 1.0, "half as large": 0.5, "a quarter": 0.25}


def main() -> None:
    """Measure and print: medians of ``--rounds``, all photos in turn; seconds, and those of the processor."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    keep_memory()  # as the page and the command line do
    load_detector()
    files = {path.name: path.read_bytes() for path in options.photos}
    files = files or {name: _scene(share) for name, share in _SHARES.items()}
    measured: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for number in range(options.rounds + 1):
        for name, data in files.items():
            for part, spent in _measure(data).items():
                if number:  # the first loads what all need
                    measured.setdefault((name, part), []).append(spent)
    for (name, part), values in measured.items():
        seconds, processor = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:<22} {part:<28} {seconds:.3f} s ({processor:.3f} s of a processor)")


def _scene(share: float) -> bytes:
    """Return a JPEG of 4000 x 3000 px with a portrait in it, ``share`` as high."""
    with Image.open(_FACE) as portrait:
        side = round(3000 * share)
        face = portrait.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    scene = face.resize((40, 30)).resize((4000, 3000), Image.Resampling.BICUBIC)
    scene.paste(face, (2000 - side // 2, 3000 - side))
    file = io.BytesIO()
    scene.save(file, "JPEG", quality=92)
    return file.getvalue()


def _measure(data: bytes) -> dict[str, tuple[float, float]]:
    spent: dict[str, tuple[float, float]] = {}

    def timed(part: str, call: Callable[[], object]) -> None:
        began, used = time.perf_counter(), time.process_time()
        call()
        spent[part] = time.perf_counter() - began, time.process_time() - used

    timed("decode the file", lambda: load_picture(data))
    photo = load_picture(data)
    timed("align: decoded to crop", lambda: align(photo))
    timed("  of it: find the face", lambda: detect_faces(photo))
    place = align(photo)
    timed("  of it: crop", lambda: crop_quad(photo, place.quad))
    timed("what is unusual", lambda: photo_warnings(place.crop, place.side, place.sure))
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "photo.jpg").write_bytes(data)
        photos = Photos(Settings())
        timed("file to crop", lambda: photos.places(path))
        timed("the same again", lambda: photos.places(path))
    return spent


if __name__ == "__main__":
    main()
