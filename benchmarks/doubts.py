"""How often the studio doubts what it should not, and believes what it should doubt.

    PYTHONPATH=. python benchmarks/doubts.py DIR [--part val] [--count 100]

``DIR`` holds ``photo*.zip`` with aligned faces in the folders ``train`` and ``val``. The thresholds were set
on pictures of ``train``.
"""

from __future__ import annotations

import argparse
import io
import random
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from psp.errors import PspError
from psp.faces.alignment import align, align_all
from psp.maps.landmark_parser import photo_to_map
from psp.maps.palette import PHOTO_FOR_MAP, map_to_picture, picture_to_map
from psp.pictures.sketches import NO_FACE_DRAWN, PHOTO_FOR_SKETCH, photo_to_sketch, read_sketch

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
LINES = ("A face", "HELLO", "Hello world, this is\nsome text alone", "a woman\nwith long hair\nand a smile")


def main() -> None:
    """Print one line for each kind of picture: how many there are, and what was said of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", default="val")
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    photos = read_photos(options.folder, options.part, options.count)
    faces(photos)
    sketches(photos)
    maps(photos)


def faces(photos: list[Image.Image]) -> None:
    """Faces that are easy, small or tilted, and what is left where a face is covered."""
    print("faces: how many are doubted, of those found")
    examples = [read(path) for name in ("photos", "tiny") for path in sorted((EXAMPLES / name).iterdir())]
    astronaut = Image.fromarray(data.astronaut())
    count("examples, all faces", [place for photo in examples for place in align_all(photo)], unsure)
    count("the astronaut", [align(astronaut)], unsure)
    count("photos", found(photos), unsure)
    for side, angle in ((200, 0), (90, 0), (60, 0), (200, 25), (200, 40)):
        count(f"  {side} px, turned by {angle}", found(scene(p, side, angle) for p in photos), unsure)
    covered = []
    for colour in ((91, 141, 200), (20, 20, 25), (230, 230, 230), (120, 50, 70)):
        copy = astronaut.copy()
        ImageDraw.Draw(copy).rectangle((160, 60, 290, 190), fill=colour)
        covered.append(copy)
    count("the astronaut, covered: her badge", found(covered), unsure)


def sketches(photos: list[Image.Image]) -> None:
    """Drawings, and what is given as one."""
    print("sketches: how many are warned about at all, as a photo, as no face")
    drawn = [photo_to_sketch(photo) for photo in photos]
    kinds: dict[str, list[Image.Image]] = {
        "examples": [read(path) for path in sorted((EXAMPLES / "sketches").iterdir())],
        "drawings of photos": drawn,
        "  on coloured paper": [coloured(sketch) for sketch in drawn],
        "  photographed": [photographed(sketch) for sketch in drawn],
        "  white on a transparent layer": [white_layer(sketch) for sketch in drawn],
        "  between black bars": [barred(sketch) for sketch in drawn],
        "  on a checkerboard": [checkered(sketch) for sketch in drawn],
        "  a fifth of the sheet": [small(sketch) for sketch in drawn],
        "photos": photos,
        "grey photos": [photo.convert("L") for photo in photos],
        "text alone": [text(line, size) for line in LINES for size in (20, 30, 40, 60)],
    }
    for name, pictures in kinds.items():
        told = [warnings_of(picture) for picture in pictures]
        shares = [
            sum(map(bool, told)),
            sum(PHOTO_FOR_SKETCH in each for each in told),
            sum(NO_FACE_DRAWN in each for each in told),
        ]
        print(f"  {name}: {len(told)}, " + ", ".join(f"{share / len(told):.1%}" for share in shares))


def maps(photos: list[Image.Image]) -> None:
    """Maps, and photos given as one."""
    print("maps: how many are warned about, and how many are told to be a photo")
    labels = [photo_to_map(photo) for photo in photos]
    kinds = {
        "examples": [read(path, None) for path in sorted((EXAMPLES / "masks").iterdir())],
        "maps of photos, painted": [map_to_picture(each) for each in labels],
        "maps of photos, numbers": [Image.fromarray(each) for each in labels],
        "photos": photos,
        "grey photos": [photo.convert("L") for photo in photos],
        "photos in 16 colours": [photo.quantize(16) for photo in photos],
    }
    for name, pictures in kinds.items():
        told = [" ".join(picture_to_map(picture)[1]) for picture in pictures]
        as_photo = sum(PHOTO_FOR_MAP in each for each in told)
        print(f"  {name}: {len(told)}, {sum(map(bool, told)) / len(told):.1%}, {as_photo / len(told):.1%}")


def unsure(place: object) -> bool:
    """Whether an alignment is doubted."""
    return not getattr(place, "sure", True)


def count(name: str, places: list[object], test: Callable[[object], bool]) -> None:
    """Print how many of some alignments are doubted."""
    print(f"  {name}: {sum(map(test, places))} of {len(places)}")


def found(photos: Iterable[Image.Image]) -> list[object]:
    """Return the alignments of the photos in which there is one."""
    places: list[object] = []
    for photo in photos:
        try:
            places.append(align(photo))
        except PspError:
            continue
    return places


def warnings_of(picture: Image.Image) -> str:
    """Return what is said of a drawing."""
    try:
        return " ".join(read_sketch(picture)[1])
    except PspError as error:
        return str(error)


def read(path: Path, mode: str | None = "RGB") -> Image.Image:
    """Read a picture of the examples."""
    with Image.open(path) as picture:
        return picture.convert(mode) if mode else picture.copy()


def read_photos(folder: Path, part: str, most: int) -> list[Image.Image]:
    """Return up to ``most`` photos of a part, in an order by chance that is always the same."""
    photos = []
    for path in sorted(folder.glob("photo*.zip")):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.startswith(f"{part}/") and name[-1] != "/"]
            random.Random(7).shuffle(names)
            photos += [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names[:most]]
    return photos[:most]


def scene(photo: Image.Image, side: int, angle: int) -> Image.Image:
    """Return a photo small in a plain scene."""
    whole = Image.new("RGB", (640, 480), (120, 130, 140))
    whole.paste(photo.resize((side, side)).rotate(angle, Image.Resampling.BICUBIC), (200, 100))
    return whole


def coloured(sketch: Image.Image) -> Image.Image:
    """Draw in blue on yellow paper."""
    share = np.asarray(sketch, np.float32)[..., None] / 255
    return Image.fromarray((share * (255, 230, 90) + (1 - share) * (40, 60, 170)).astype(np.uint8))


def photographed(sketch: Image.Image) -> Image.Image:
    """Take a drawing in light that falls off, with a sensor's noise."""
    rows, columns = np.mgrid[0 : 1 : sketch.height * 1j, 0 : 1 : sketch.width * 1j]
    light = (1.0 - 0.4 * columns - 0.25 * rows * rows)[..., None] * np.array([1.0, 0.96, 0.85])
    grain = np.random.default_rng(0).normal(0.0, 6.0, (*sketch.size[::-1], 3))
    sheet = np.asarray(sketch.convert("RGB")) * 0.9 + 10
    return Image.fromarray(np.clip(sheet * light + grain, 0, 255).astype(np.uint8))


def white_layer(sketch: Image.Image) -> Image.Image:
    """Draw in white on a transparent layer."""
    layer = np.full((*sketch.size[::-1], 4), 255, np.uint8)
    layer[..., 3] = 255 - np.asarray(sketch)
    return Image.fromarray(layer)


def barred(sketch: Image.Image) -> Image.Image:
    """Show a drawing as a film on a screen of another shape."""
    whole = Image.new("L", (2 * sketch.width, sketch.height), 0)
    whole.paste(sketch, (sketch.width // 2, 0))
    return whole


def checkered(sketch: Image.Image) -> Image.Image:
    """Put a checkerboard under a drawing."""
    squares = (np.indices(sketch.size[::-1]) // 8).sum(axis=0) % 2
    board = np.where(squares == 0, 255, 204)
    return Image.fromarray((board * (np.asarray(sketch) / 255.0)).astype(np.uint8))


def small(sketch: Image.Image) -> Image.Image:
    """Put a drawing on a sheet that is five times as large."""
    whole = Image.new("L", (5 * sketch.width, 5 * sketch.height), 255)
    whole.paste(sketch, (sketch.width, 2 * sketch.height))
    return whole


def text(line: str, size: int) -> Image.Image:
    """Write a line on a sheet."""
    sheet = Image.new("RGB", (512, 512), "white")
    ImageDraw.Draw(sheet).text((30, 120), line, fill="black", font=ImageFont.load_default(size))
    return sheet


if __name__ == "__main__":
    main()
