"""Make the sheets of the bundled family, and the row of pictures that README shows, of ``examples/`` alone.

    python -m benchmarks.make_sheets [--only photos random …]

``sheets/photos.webp``, ``edits.webp``, ``drawings.webp``, ``random.webp``, ``mixing.webp``,
``interpolation.webp`` and ``screenshots/tasks.webp``; what stands where on each is told by its function. Ten
minutes on one core. Look at what comes out before it is committed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from psp.checkpoints import load_psp
from psp.codes.latents import GROUPS, parse_layers
from psp.config import Settings
from psp.inference.directions import directions_of
from psp.inference.edit_preview import preview_edit
from psp.inference.known_faces import FaceIn, Known
from psp.inference.memory import keep_memory
from psp.inference.pipeline import PspPipeline
from psp.models.psp import PSP
from psp.training.galleries import random_codes

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
PHOTOS = [
    EXAMPLES / "photos" / f"{name}.jpg"
    for name in ("astronaut", "hopper", "synthetic_1", "synthetic_2", "synthetic_turned")
]
PSI = 0.8  # of random faces

Line = list[Image.Image]


def main() -> None:
    """Make the sheets that are asked for, all unless said otherwise."""
    made: dict[str, Callable[[PspPipeline], None]] = {
        each.__name__: each for each in (tasks, photos, edits, drawings, mixing, interpolation, random)
    }
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=tuple(made), default=tuple(made))
    options = parser.parse_args()
    keep_memory()
    studio = PspPipeline(Settings(device="cpu", offline=True))
    for name in options.only:
        made[name](studio)


def photos(studio: PspPipeline) -> None:
    """Each column a photo: its crop; quick, close, exact; frontalise; toonify at 0.5, 1; 32 px, enlarged."""
    columns = []
    for path in PHOTOS:
        crop = studio.align(path).image
        columns.append(
            [
                crop,
                studio.encode(path).image,
                studio.encode(path, likeness="close").image,
                studio.encode(path, likeness="exact").image,
                studio.frontalize(path).image,
                studio.toonify(path, strength=0.5).image,
                studio.toonify(path).image,
                crop.resize((32, 32), Image.Resampling.BOX).resize((256, 256), Image.Resampling.BICUBIC),
                studio.super_resolution(path, factor=8).image,
            ]
        )
    save("sheets/photos.webp", list(map(list, zip(*columns, strict=True))), 192, 62)


def edits(studio: PspPipeline) -> None:
    """Each line a direction at five strengths, on two faces: those with names, then SeFa's. Previews."""
    lines: list[Line] = []
    known: dict[Path, Known] = {PHOTOS[0]: {}, PHOTOS[3]: {}}
    for name, direction in directions_of(studio.network.load("auto", "edit").psp).items():
        low, high = direction.named.low, direction.named.high
        lines.append([])
        for path in [*known]:
            for amount in (low, low / 2, 0.0, high / 2, high):
                picture, known[path] = preview_edit(
                    studio.network, studio.read, FaceIn(str(path)), known[path],
                    edits=f"{name}:{amount:.2f}", exact=True,
                )  # fmt: skip
                lines[-1].append(picture)
    save("sheets/edits.webp", lines, 80, 35)


def drawings(studio: PspPipeline) -> None:
    """Four drawings, then four maps: each a column, below it three faces by the seeds 93 to 95."""
    columns = []
    for name in ("woman_in_ink.png", "man_in_marker.png", "pencil_photographed.jpg", "from_photo.png"):
        path = EXAMPLES / "sketches" / name
        out = studio.sketch_to_face(path, variants=3, seed=93)
        columns.append([square(path), *out.images])
    for name in ("woman_painted", "man_painted", "astronaut", "hopper"):
        path = EXAMPLES / "masks" / f"{name}.png"
        out = studio.segmentation_to_face(path, variants=3, seed=93)
        columns.append([square(path), *out.images])
    save("sheets/drawings.webp", list(map(list, zip(*columns, strict=True))), 192, 62)


def mixing(studio: PspPipeline) -> None:
    """The first line four random faces; then a photo, and with pose, features and colours of each of them.

    Three lines of the astronaut, three of a face that does not exist.
    """
    model = _model()
    styles = _random(model, 4, seed=3)
    size = 144
    lines = [[Image.new("RGB", (size, size), "white"), *decode(model, styles)]]
    for path in (PHOTOS[0], PHOTOS[3]):
        out = studio.encode(path)
        codes = torch.as_tensor(out.latents)[None].expand(4, -1, -1)
        for group in GROUPS:
            layers = [*parse_layers(group, model.config.generator.resolutions)]
            lines.append([out.image, *decode(model, model.mix(codes, styles, layers))])
    save("sheets/mixing.webp", lines, size, 62)


def interpolation(studio: PspPipeline) -> None:
    """Two walks of eight steps each, from codes to codes."""
    model = _model()
    codes = [torch.as_tensor(studio.encode(path).latents) for path in PHOTOS[:4]]
    lines = []
    for a, b in ((codes[0], codes[3]), (codes[1], codes[2])):
        shares = torch.linspace(0.0, 1.0, 8)[:, None, None]
        lines.append(decode(model, a + shares * (b - a)))
    save("sheets/interpolation.webp", lines, 144, 60)


def random(_: PspPipeline) -> None:
    """Sixty-four random faces, psi 0.8, none left out."""
    model = _model()
    faces = decode(model, _random(model, 64, seed=0))
    save("sheets/random.webp", [faces[i : i + 8] for i in range(0, 64, 8)], 88, 55)


def tasks(studio: PspPipeline) -> None:
    """Inputs above results, a column a task, in the order of the tabs."""
    woman, man = PHOTOS[2], PHOTOS[3]
    ink, painted = EXAMPLES / "sketches" / "woman_in_ink.png", EXAMPLES / "masks" / "woman_painted.png"
    tiny = EXAMPLES / "tiny" / "astronaut_32.png"
    columns = [
        [studio.align(PHOTOS[1]).image, studio.encode(PHOTOS[1], likeness="exact").image],
        [studio.align(woman).image, studio.edit(woman, edits="age:0.9", likeness="exact").image],
        [studio.align(PHOTOS[4]).image, studio.frontalize(PHOTOS[4]).image],
        [square(ink), studio.sketch_to_face(ink, seed=94).image],
        [square(painted), studio.segmentation_to_face(painted, seed=94).image],
        [square(tiny).resize((256, 256), Image.Resampling.NEAREST), studio.super_resolution(tiny).image],
        [studio.align(woman).image, studio.toonify(woman).image],
        [studio.align(man).image, studio.style_mix(man, layers="features", seed=94).image],
    ]
    save("screenshots/tasks.webp", list(map(list, zip(*columns, strict=True))), 192, 62)


def decode(model: PSP, codes: torch.Tensor) -> Line:
    """Return the pictures of ``codes`` [N,n,512], one by one."""
    line = []
    with torch.inference_mode():
        for each in codes.split(1):
            pixels = model.decode(each)[0].clamp(-1.0, 1.0).add(1.0).mul(127.5).round()
            line.append(Image.fromarray(np.ascontiguousarray(pixels.byte().permute(1, 2, 0).numpy())))
    return line


def square(path: Path) -> Image.Image:
    """Return a picture in a white square."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    side = max(picture.size)
    paper = Image.new("RGB", (side, side), "white")
    paper.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return paper


def save(name: str, lines: Sequence[Line], size: int, quality: int) -> None:
    """Write the lines of pictures under one another, ``size`` pixels each."""
    sheet = Image.new("RGB", (size * max(map(len, lines)), size * len(lines)), "white")
    for y, line in enumerate(lines):
        for x, picture in enumerate(line):
            small = picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
            sheet.paste(small, (x * size, y * size))
    path = HERE / name
    sheet.save(path, "WEBP", quality=quality, method=6)
    print(f"saved {name}, {path.stat().st_size // 1024} KB")


def _model() -> PSP:
    return load_psp("mobile-1024", settings=Settings(device="cpu", offline=True))


def _random(model: PSP, count: int, seed: int) -> torch.Tensor:
    """Return codes of random faces, drawn towards the average by ``PSI``."""
    codes = random_codes(model, count, seed)
    average = model.w_avg.cpu()
    return average + PSI * (codes - average)


if __name__ == "__main__":
    main()
