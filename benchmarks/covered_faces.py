"""How often ``psp.faces.suitability`` tells what is unusual about a face, rightly and wrongly.

    PYTHONPATH=. python benchmarks/covered_faces.py DIR

``DIR`` holds ``photo*.zip`` with aligned faces. Sunglasses and masks of many shapes and colours are drawn on
them. The thresholds were set on the first 700 of the shuffled pictures, so the others are measured.
"""

from __future__ import annotations

import argparse
import io
import random
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from psp.faces.detection import Points, aligned_landmarks
from psp.faces.suitability import photo_warnings

SIDE, FINE = 256, 4
USED_FOR_THRESHOLDS = 700
LENSES = ((12, 12, 14), (35, 22, 15), (20, 28, 22), (25, 28, 45), (60, 40, 25))
CLOTHS = (
    (225, 228, 230), (150, 190, 220), (22, 22, 25), (40, 50, 90), (120, 40, 50), (90, 110, 90),
    (190, 170, 200),
)  # fmt: skip

Cover = Callable[[Image.Image, Points, random.Random], Image.Image]


def main() -> None:
    """Print the share of pictures with each warning, without and with a cover."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    faces = read_faces(parser.parse_args().folder)
    dice = random.Random(2)
    dice.shuffle(faces)
    faces = faces[USED_FOR_THRESHOLDS:]
    covers: dict[str, Cover] = {"nothing": lambda face, *_: face, "sunglasses": sunglasses, "a mask": mask}
    for name, cover in covers.items():
        told: Counter[str] = Counter()
        seconds = 0.0
        for face in faces:
            covered = cover(face, aligned_landmarks(np.array(face)), dice)
            start = time.perf_counter()
            told.update(" ".join(warning.split()[:3]) for warning in photo_warnings(covered, SIDE))
            seconds += time.perf_counter() - start
        shares = ", ".join(f"{words} … {count / len(faces):.1%}" for words, count in sorted(told.items()))
        print(f"{name} drawn on {len(faces)} faces: {shares}; {seconds / len(faces) * 1e3:.1f} ms a face")


def read_faces(folder: Path) -> list[Image.Image]:
    """Return the aligned faces of all zip files of photos, 256 px, in the order of their names."""
    faces = []
    for path in sorted(folder.glob("photo*.zip"), key=lambda path: path.stem):
        with zipfile.ZipFile(path) as archive:
            for name in sorted(name for name in archive.namelist() if not name.endswith("/")):
                with Image.open(io.BytesIO(archive.read(name))) as face:
                    faces.append(face.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    return faces


def sunglasses(face: Image.Image, points: Points, dice: random.Random) -> Image.Image:
    """Draw dark lenses over the eyes, round or angular, nearly opaque, half of them with a reflection."""
    layer = Image.new("RGBA", (SIDE * FINE, SIDE * FINE))
    draw = ImageDraw.Draw(layer)
    colour, alpha = dice.choice(LENSES), int(255 * dice.uniform(0.86, 1.0))
    eyes = [points[36:42].mean(axis=0), points[42:48].mean(axis=0)]
    width = float(np.hypot(*(eyes[1] - eyes[0]))) * dice.uniform(0.36, 0.47)
    height = width * dice.uniform(0.7, 1.0)
    gleam = Image.new("L", layer.size)
    for x, y in (eye + np.array([0, height * 0.15]) for eye in eyes):
        box = [FINE * edge for edge in (x - width, y - height, x + width, y + height)]
        if dice.random() < 0.5:
            draw.ellipse(box, fill=(*colour, alpha))
        else:
            draw.rounded_rectangle(box, radius=width * 0.5 * FINE, fill=(*colour, alpha))
        spot = [FINE * e for e in (x - width * 0.5, y - height * 0.6, x + width * 0.1, y - height * 0.1)]
        ImageDraw.Draw(gleam).ellipse(spot, fill=60)
    bars = ((eyes[0], eyes[1]), (points[0], eyes[0] - (width, 0)), (points[16], eyes[1] + (width, 0)))
    for start, end in bars:
        draw.line([*(start * FINE), *(end * FINE)], fill=(*colour, 255), width=4 * FINE)
    if dice.random() < 0.5:
        light = Image.new("RGBA", layer.size, (200, 210, 225, 255))
        lit = Image.composite(light, layer, gleam.filter(ImageFilter.GaussianBlur(4 * FINE)))
        lit.putalpha(layer.getchannel("A"))
        layer = lit
    covered = face.convert("RGBA")
    covered.alpha_composite(layer.resize(face.size, Image.Resampling.LANCZOS))
    return covered.convert("RGB")


def mask(face: Image.Image, points: Points, dice: random.Random) -> Image.Image:
    """Draw cloth from nose to chin, shaded as the face is, with folds; every fifth has a pattern."""
    jaw = points[2:15]
    jaw = jaw.mean(axis=0) + (jaw - jaw.mean(axis=0)) * 1.04
    ends = [(points[15] + points[14]) / 2, (points[1] + points[2]) / 2]
    outline = [(points[28] + points[29]) / 2, ends[0], *jaw[::-1], ends[1]]
    shape = Image.new("L", (SIDE * FINE, SIDE * FINE))
    ImageDraw.Draw(shape).polygon([(float(x) * FINE, float(y) * FINE) for x, y in outline], fill=255)
    share = np.asarray(shape.resize(face.size, Image.Resampling.LANCZOS), np.float64)[:, :, None] / 255
    light = np.asarray(face.convert("L").filter(ImageFilter.GaussianBlur(14)), np.float64)[:, :, None]
    light = np.clip(light / max(light[share > 0.5].mean(), 1.0), 0.6, 1.4)
    folds = 1 + dice.uniform(0, 0.08) * np.sin(np.arange(SIDE) / dice.uniform(4, 8))[:, None, None]
    noise = np.random.default_rng(dice.randrange(1 << 30))
    cloth = np.array(dice.choice(CLOTHS)) * light * folds
    if dice.random() < 0.2:
        pattern = noise.normal(size=(16, 16, 3)) * 40
        cloth = cloth + cv2.resize(pattern, face.size, interpolation=cv2.INTER_CUBIC)
    covered = np.asarray(face, np.float64) * (1 - share) + cloth * share
    covered += noise.normal(size=covered.shape) * 3
    return Image.fromarray(np.clip(covered, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
