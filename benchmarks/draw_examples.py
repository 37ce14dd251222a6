"""The example pictures that are made and not found: drawings, label maps, tiny and synthetic faces, the pair.

python -m benchmarks.draw_examples            # anew from examples/photos; the same bytes each time
python -m benchmarks.draw_examples --faces    # the synthetic faces too, with the weights of today

Points are (x, y) in shares of the picture's side. Faces lie as FFHQ aligns them: eyes at 0.47, mouth at 0.74.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from psp.faces.alignment import align, detect_faces
from psp.maps.landmark_parser import photo_to_map
from psp.maps.palette import CLASSES, PALETTE, Labels
from psp.pictures.sketches import photo_to_sketch

EXAMPLES = Path(__file__).parents[1] / "examples"
SIDE = 512
"""Side of a drawing in pixels."""
MAP_SIDE = 256
"""Side of a label map in pixels."""
FINER = 3
"""Strokes are drawn so many times larger, then averaged down."""

FRINGE = "275 405, 330 360, 450 335, 600 335, 715 378, 740 290, 600 150, 400 150, 290 250"
"""Where the astronaut's light hair falls over her forehead; the colours alone do not say so."""

_SYNTHETIC_SEEDS = {"1": 24, "2": 52, "turned": 150, "turned_left": 114, "glasses": 125}

SYNTHETIC = "Synthetic face: no such person exists. Made by the mobile-1024 generator of pSp Studio."

Floats: TypeAlias = NDArray[np.float32]
Line: TypeAlias = list[tuple[float, float]]
Colour: TypeAlias = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)


# --- lines


def curve(points: Line, closed: bool = False) -> Floats:
    """Run a Catmull-Rom spline through points; returns [N,2] in pixels of a drawing, two pixels apart."""
    p = np.array(points, np.float64) * SIDE
    p = np.concatenate([p[-1:], p, p[:2]] if closed else [2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    pieces = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        steps = max(int(np.hypot(*(c - b)) / 2), 2)
        t = np.linspace(0, 1, steps, endpoint=False)[:, None]
        pieces.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.concatenate([*pieces, p[-2:-1]]).astype(np.float32)


def dots(text: str) -> Line:
    """Read points as thousandths of the side: "470 20, 640 30" is (0.47, 0.02), (0.64, 0.03)."""
    pairs = (pair.split() for pair in text.split(","))
    return [(int(x) / 1000, int(y) / 1000) for x, y in pairs]


def arc(x: float, y: float, radius: float, begin: float = 0.0, end: float = 5.5) -> Line:
    """Return points on a circle from one angle to another, clockwise; by default once around."""
    return [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in np.linspace(begin, end, 9)]


def scaled(points: Line, middle: tuple[float, float], wide: float, high: float) -> Line:
    """Stretch points about ``middle``."""
    return [(middle[0] + wide * (x - middle[0]), middle[1] + high * (y - middle[1])) for x, y in points]


def mirrored(points: Line) -> Line:
    """Return the points on the other half of the face."""
    return [(1.0 - x, y) for x, y in points]


def whole(half: Line) -> Line:
    """Join a half contour (from its far end to the middle) with its mirror image."""
    return [*half, *mirrored(half)[-2::-1]]


SIDES: tuple[tuple[Callable[[Line], Line], str], ...] = ((list, "right"), (mirrored, "left"))
"""How to get a line of either half of the picture from that of its left half, and the person's side there."""


def smooth_noise(rng: np.random.Generator, count: int, reach: float) -> Floats:
    """Return noise [count] of standard deviation about 1 that changes over ``reach`` steps."""
    knots = rng.standard_normal(max(int(count / reach), 1) + 3)
    at = np.linspace(0, len(knots) - 1.001, count)
    share = at % 1.0
    share = share * share * (3 - 2 * share)
    noise = knots[at.astype(int)] * (1 - share) + knots[at.astype(int) + 1] * share
    return np.asarray(noise, dtype=np.float32)


@dataclass
class Pen:
    """Something to draw with, and the paper under it.

    Attributes:
        width: Of a full stroke in pixels of the drawing.
        colour: RGB.
        wobble: How far the hand strays, in pixels.
        ink: Opacity of a stroke.
        taper: Share of a stroke at either end over which it thins out.
        passes: How often each line is drawn, each time a little elsewhere.
        grain: How much of the paper's grain stays white.
        seed: Of the hand.
    """

    width: float
    colour: Colour = (25, 25, 30)
    wobble: float = 0.8
    ink: float = 1.0
    taper: float = 0.18
    passes: int = 1
    grain: float = 0.0
    seed: int = 0
    paper: Floats = field(init=False, repr=False)
    rng: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.paper = np.ones((SIDE, SIDE, 3), np.float32)
        self.rng = np.random.default_rng(self.seed)

    def line(self, points: Line, width: float = 1.0, colour: Colour | None = None) -> None:
        """Draw a curve through points; ``width`` is relative to the pen's."""
        for _ in range(self.passes):
            self._stroke(curve(points), width, colour or self.colour)

    def both(self, points: Line, width: float = 1.0, colour: Colour | None = None) -> None:
        """Draw a curve on both halves of the face."""
        self.line(points, width, colour)
        self.line(mirrored(points), width, colour)

    def fill(self, points: Line, colour: Colour | None = None) -> None:
        """Fill a closed curve."""
        mask = np.zeros((SIDE * FINER, SIDE * FINER), np.uint8)
        cv2.fillPoly(mask, [np.rint(curve(points, True) * FINER).astype(np.int32)], 255)
        self._put(mask, colour or self.colour)

    def _stroke(self, path: Floats, width: float, colour: Colour) -> None:
        count = len(path)
        stray = np.stack([smooth_noise(self.rng, count, 22), smooth_noise(self.rng, count, 22)], 1)
        path = np.asarray(path + self.wobble * (stray + 0.5 * self.rng.standard_normal(2)), np.float32)
        along = np.linspace(0, 1, count)
        pressure = 0.2 + 0.8 * np.clip(np.minimum(along, 1 - along) / self.taper, 0, 1) ** 0.6
        pressure *= 1.0 + 0.12 * smooth_noise(self.rng, count, 15)
        mask = np.zeros((SIDE * FINER, SIDE * FINER), np.uint8)
        spots = np.rint(path * FINER).astype(int).tolist()
        for a, b, share in zip(spots, spots[1:], pressure.tolist(), strict=False):
            cv2.line(mask, a, b, 255, max(round(self.width * width * FINER * share), 1))
        self._put(mask, colour)

    def _put(self, mask: NDArray[np.uint8], colour: Colour) -> None:
        small = cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        share = np.asarray(small / 255, np.float32)
        if self.grain:
            rough = cv2.GaussianBlur(self.rng.random((SIDE, SIDE)).astype(np.float32), (0, 0), 0.7)
            share *= np.clip(1.0 - self.grain * (rough - 0.38) * 5, 0, 1)
        share = self.ink * share[..., None]
        self.paper += share * (np.array(colour, np.float32) / 255 - self.paper)

    def picture(self) -> Image.Image:
        """Return what is on the paper, RGB."""
        return Image.fromarray(np.rint(self.paper * 255).clip(0, 255).astype(np.uint8))


# --- drawn faces


def draw_eyes(pen: Pen, lashes: bool, open_: float = 1.0) -> None:
    """Draw both eyes; ``open_`` scales their height."""

    def at(line: Line) -> Line:
        return scaled(line, (0.5, 0.475), 1.0, open_)

    pen.both(at(dots("312 479, 337 456, 375 446, 408 461, 428 487")), 1.35)
    pen.both(at(dots("327 486, 358 499, 395 499, 424 487")), 0.7)
    pen.both(at(dots("322 441, 360 424, 400 430, 428 451")), 0.65)
    for x in (0.373, 0.627):
        pen.line(at(arc(x, 0.471, 0.027, -0.4, 3.54)), 0.75)
        pen.fill(at(arc(x, 0.469, 0.014)))
        pen.fill(at(arc(x + 0.007, 0.464, 0.005)), WHITE)
    if lashes:
        pen.both(at(dots("318 472, 303 462")), 0.8)
        pen.both(at(dots("328 462, 316 449")), 0.8)


def draw_nose(pen: Pen, wide: float = 1.0) -> None:
    """Draw the nose from the front: one side of the bridge, wings, nostrils."""

    def at(line: Line) -> Line:
        return scaled(line, (0.5, 0.6), wide, 1.0)

    pen.line(at(dots("466 452, 474 505, 468 560")), 0.6)
    pen.both(at(dots("447 606, 437 632, 448 652")), 0.8)
    pen.both(at(dots("456 655, 469 645, 483 656")), 1.1)
    pen.line(at(dots("478 660, 500 671, 522 660")), 0.8)


def draw_mouth(pen: Pen, wide: float = 1.0, full: float = 1.0, smile: float = 0.0) -> None:
    """Draw closed lips; ``full`` scales their height, ``smile`` lifts the corners."""

    def at(line: Line) -> Line:
        lips = scaled(line, (0.5, 0.744), wide, full)
        return whole([(x, y - smile * ((x - 0.5) / 0.09) ** 2) for x, y in lips])

    pen.line(at(dots("408 746, 432 745, 464 740, 500 746")), 1.25)
    pen.line(at(dots("416 741, 450 724, 480 714, 500 721")), 0.8)
    pen.line(at(dots("436 765, 464 782, 500 788")), 0.9)


def strands(pen: Pen, inner: Line, outer: Line, shares: Iterable[float], width: float) -> None:
    """Draw strands of hair between two contours of as many points; each drifts, begins and ends by chance."""
    near, far = np.array(inner), np.array(outer)
    for share in shares:
        drift = share + np.linspace(0, 1, len(near)) * pen.rng.uniform(-0.13, 0.13)
        shift = np.clip(drift, 0.06, 0.94)[:, None]
        path = curve([(x, y) for x, y in near * (1 - shift) + far * shift]) / SIDE
        begin = int(pen.rng.uniform(0.03, 0.45) * len(path))
        length = int(pen.rng.uniform(0.3, 0.75) * len(path))
        part = [(float(x), float(y)) for x, y in path[begin : begin + length : 12]]
        pen.line(part, width * pen.rng.uniform(0.75, 1.2))


def draw_woman() -> Image.Image:
    """Draw a woman with long, wavy hair, in black ink."""
    pen = Pen(5.4, wobble=1.0, seed=11)
    pen.line(whole(dots("252 500, 253 580, 268 670, 303 760, 365 843, 430 893, 500 907")))
    top, parting = (0.455, 0.035), (0.45, 0.165)
    right_in = [parting, *dots("570 200, 680 285, 742 400, 768 540, 752 680, 775 800, 745 900, 755 1000")]
    right_out = [top, *dots("610 40, 755 115, 835 250, 865 420, 855 560, 895 700, 885 850, 925 1000")]
    left_in = [parting, *dots("385 215, 310 290, 258 400, 232 540, 250 680, 225 800, 255 900, 245 1000")]
    left_out = [top, *dots("350 45, 235 120, 165 250, 135 420, 145 560, 105 700, 115 850, 75 1000")]
    for inner, outer in ((right_in, right_out), (left_in, left_out)):
        pen.line(inner)
        pen.line(outer, 1.1)
        strands(pen, inner, outer, (0.2, 0.36, 0.5, 0.64, 0.8), 0.85)
    pen.both(dots("272 408, 315 381, 365 373, 440 397"), 1.7)
    draw_eyes(pen, lashes=True, open_=1.08)
    draw_nose(pen, 0.95)
    draw_mouth(pen, 1.0, 1.1, 0.008)
    pen.both(dots("400 885, 397 940, 365 1000"))
    return pen.picture()


def draw_man() -> Image.Image:
    """Draw a man with short hair and a beard, in thick blue and brown marker."""
    brown: Colour = (140, 70, 25)
    pen = Pen(17.0, colour=(30, 60, 170), wobble=1.2, taper=0.06, seed=5)
    pen.line(whole(dots("225 450, 228 570, 240 670, 268 770, 325 865, 410 940, 500 955")), 0.9)
    pen.both(dots("215 470, 178 455, 168 510, 188 590, 225 615"), 0.8)
    pen.line(whole(dots("212 440, 185 300, 215 160, 330 70, 500 50")), colour=brown)
    fringe = dots("240 420, 265 310, 300 250, 400 225, 520 235, 640 215, 700 250, 738 320, 765 420")
    pen.line(fringe, colour=brown)
    for x in (0.34, 0.45, 0.56, 0.65):
        pen.line([(x, 0.195), (x + 0.02, 0.15), (x + 0.06, 0.115)], 0.7, colour=brown)
    pen.both(dots("275 418, 330 398, 430 412"), 1.1)
    pen.both(dots("315 478, 370 455, 428 483"), 0.7)
    pen.both(dots("330 495, 375 503, 420 492"), 0.4)
    for x in (0.373, 0.627):
        pen.fill(arc(x, 0.477, 0.016))
    pen.both(dots("443 610, 430 640, 455 663, 478 655"), 0.7)
    pen.line(dots("478 668, 500 676, 522 668"), 0.65)
    pen.line(dots("420 758, 460 752, 500 758, 540 752, 580 758"), 0.75)
    pen.line(dots("450 790, 500 800, 550 790"), 0.55)
    pen.line(whole(dots("355 765, 385 722, 440 702, 500 712")), 0.7, colour=brown)
    pen.both(dots("250 610, 285 680, 345 735"), 0.7, colour=brown)
    beard = "275 700, 315 745, 300 775, 350 800, 335 845, 390 830, 380 885, 435 850, 430 905, 480 865"
    for x, y in dots(beard):
        pen.both([(x, y), (x + 0.012 * (0.5 - x) / 0.2, y + 0.036)], 0.55, colour=brown)
    pen.both(dots("325 885, 320 950, 270 1000"), 0.9)
    return pen.picture()


def draw_pencil() -> Image.Image:
    """Draw a woman with a bob and a fringe in pencil."""
    pen = Pen(3.2, colour=(62, 62, 68), wobble=1.0, ink=0.62, taper=0.25, passes=2, grain=0.7, seed=23)
    pen.line(whole(dots("262 660, 292 755, 357 840, 430 893, 500 906")))
    outer = dots("500 30, 640 45, 760 120, 830 240, 855 400, 850 560, 830 700, 775 800")
    inner = dots("530 200, 630 250, 700 340, 735 420, 752 500, 750 600, 737 710, 715 790")
    for side, _ in SIDES:
        pen.line(side(outer), 1.2)
        pen.line(side(inner[2:]), 1.0)
        pen.line(side([outer[-1], (0.745, 0.815), inner[-1]]))
        strands(pen, side(inner), side(outer), np.linspace(0.1, 0.9, 11), 0.75)
    for x in np.linspace(0.30, 0.70, 11):
        lean = 0.35 * (x - 0.5)
        pen.line([(x - lean, 0.16), (x - 0.2 * lean, 0.25), (x, 0.325 + 0.015 * np.cos(40 * x))], 0.8)
    pen.line(whole(dots("285 345, 360 328, 440 337, 500 330")), 0.9)
    for _ in range(2):
        pen.both(dots("277 402, 320 380, 370 376, 440 398"), 1.5)
    draw_eyes(pen, lashes=True)
    draw_nose(pen)
    draw_mouth(pen, 1.06, 1.05, 0.012)
    pen.both(dots("402 890, 398 935, 330 980, 220 1000"))
    for y in np.linspace(0.915, 0.965, 4):
        pen.line([(0.41, y + 0.012), (0.47, y + 0.004), (0.545, y - 0.012)], 0.5)
    return pen.picture()


def photographed(drawing: Image.Image, seed: int = 7) -> Image.Image:
    """Show a drawing as a phone sees it: greyish paper, a little turned, darker to one corner, with noise."""
    rng = np.random.default_rng(seed)
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 2.2, 0.985)
    paper = cv2.warpAffine(np.array(drawing), turn, (SIDE, SIDE), borderValue=(255, 255, 255))
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
    light = 0.90 - 0.26 * (0.65 * x + 0.35 * y) ** 1.3 - 0.10 * np.clip(y - 0.7, 0, 1)
    tint = np.array((1.0, 0.985, 0.945), np.float32)
    seen = cv2.GaussianBlur(paper, (0, 0), 0.7).astype(np.float32) * light[..., None] * tint
    grain = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), 0.9)
    return Image.fromarray(np.rint(seen + 5.0 * grain[..., None]).clip(0, 255).astype(np.uint8))


# --- label maps


def paint(labels: Labels, name: str, points: Line) -> None:
    """Fill a closed curve of a map with the class ``name``."""
    outline = np.rint(curve(points, True) * (MAP_SIDE / SIDE) * 16).astype(np.int32)
    cv2.fillPoly(labels, [outline], CLASSES.index(name), shift=4)


def paint_face(labels: Labels, jaw: Line, brow: float, wide: float = 1.0, full: float = 1.0) -> None:
    """Paint skin within the half contour ``jaw`` (from the hair to the chin), and the features on it.

    Args:
        labels: The map.
        jaw: From its far end to the middle.
        brow: Height of a brow.
        wide: Scales the width of nose and mouth.
        full: Scales the height of the lips.
    """
    paint(labels, "skin", [*whole(jaw), *dots("670 220, 500 170, 330 220")])
    arch = dots("272 412, 320 388, 370 381, 440 402")
    for side, person in SIDES:
        paint(labels, f"{person} brow", side([*arch, *((x, y + brow) for x, y in arch[:0:-1])]))
        paint(labels, f"{person} eye", side(dots("315 479, 345 457, 390 455, 430 486, 390 498, 345 496")))
    nose = whole(dots("478 460, 468 570, 435 640, 465 668, 500 676"))
    paint(labels, "nose", [(0.5, 0.45), *scaled(nose, (0.5, 0.6), wide, 1.0)])

    def lip(half: str) -> Line:
        return scaled(whole(dots(half)), (0.5, 0.744), wide, full)

    between = lip("402 738, 450 742, 500 747")
    paint(labels, "upper lip", [*lip("402 738, 455 722, 480 713, 500 720"), *between[-2:0:-1]])
    paint(labels, "lower lip", [*between, *lip("450 777, 500 787")[::-1]])


def map_of_woman() -> Labels:
    """Paint a woman with long hair and a scoop neck."""
    labels = np.zeros((MAP_SIDE, MAP_SIDE), np.uint8)
    left = dots("70 1050, 100 920, 90 780, 130 620, 120 450, 140 280, 220 120, 340 30")
    right = dots("470 20, 640 30, 780 120, 860 280, 880 450, 870 620, 910 780, 900 920, 930 1050")
    paint(labels, "hair", [*left, *right])
    paint(labels, "cloth", dots("200 1100, 260 985, 380 955, 500 975, 620 955, 740 985, 800 1100"))
    paint(labels, "neck", whole(dots("385 800, 385 920, 340 965, 420 1010, 500 1020")))
    paint_face(labels, dots("250 380, 243 500, 255 620, 295 750, 370 855, 440 905, 500 917"), brow=0.02)
    paint(labels, "hair", dots("460 150, 400 230, 300 310, 245 420, 200 400, 220 220, 360 100, 500 70"))
    paint(labels, "hair", dots("450 140, 560 210, 680 280, 752 420, 800 400, 780 220, 640 100, 500 70"))
    return labels


def map_of_man() -> Labels:
    """Paint a man with short hair, ears and a shirt."""
    labels = np.zeros((MAP_SIDE, MAP_SIDE), np.uint8)
    crown = whole(dots("210 500, 185 360, 205 180, 320 65, 500 40"))
    paint(labels, "hair", [*crown, *dots("700 450, 500 400, 300 450")])
    paint(labels, "neck", dots("315 780, 310 930, 270 1050, 730 1050, 690 930, 685 780"))
    shirt = dots("-100 1100, -50 1000, 140 955, 285 895, 325 925, 420 990, 500 1030, 500 1100")
    for side, person in SIDES:
        paint(labels, f"{person} ear", side(dots("235 470, 195 450, 178 500, 190 580, 215 635, 245 630")))
        paint(labels, "cloth", side(shirt))
    jaw = dots("228 400, 218 520, 225 680, 260 810, 345 905, 430 945, 500 957")
    paint_face(labels, jaw, brow=0.028, wide=1.12, full=0.6)
    fringe = dots("225 440, 262 340, 300 265, 420 235, 560 245, 660 225, 720 290, 775 440")
    paint(labels, "hair", [*fringe, *dots("800 300, 720 140, 500 80, 280 140, 200 300")])
    return labels


def tidied(labels: Labels) -> Labels:
    """Smooth the outlines of the large areas of a map made from a photo; the features stay as they are."""
    areas = [CLASSES.index(name) for name in ("background", "skin", "hair", "neck", "cloth")]
    ears = [CLASSES.index("left ear"), CLASSES.index("right ear")]
    features = ~np.isin(labels, areas)
    ground = np.where(features & ~np.isin(labels, ears), CLASSES.index("skin"), labels)
    planes = [cv2.GaussianBlur((ground == area).astype(np.float32), (0, 0), 4.0) for area in areas]
    smooth = np.array(areas, np.uint8)[np.argmax(planes, axis=0)]
    return np.where(features, labels, smooth)


def index_picture(labels: Labels) -> Image.Image:
    """Return a map as a palette picture: small as a file, in the right colours for people."""
    picture = Image.fromarray(labels)
    picture.putpalette([level for colour in PALETTE for level in colour])
    return picture


# --- from the photos


def open_photo(name: str) -> Image.Image:
    """Open a file of examples/photos as RGB."""
    return Image.open(EXAMPLES / "photos" / name).convert("RGB")


def two_people() -> Image.Image:
    """Put two synthetic people side by side, the second a little smaller and turned."""
    left = open_photo("synthetic_2.jpg").resize((540, 540)).crop((80, 60, 460, 480))
    right = open_photo("synthetic_turned.jpg").resize((420, 420)).crop((50, 0, 420, 420))
    both = Image.new("RGB", (left.width + right.width, 420))
    both.paste(left)
    both.paste(right, (left.width, 0))
    assert len(detect_faces(both, min_faces=2)) == 2
    return both


def map_of_photo(name: str, hair: str = "") -> Labels:
    """Map the face in a photo, and paint ``hair`` where the map has skin in its place."""
    labels = photo_to_map(align(open_photo(name)).crop, MAP_SIDE)
    if hair:
        paint(labels, "hair", dots(hair))
    return tidied(labels)


def tiny(name: str, side: int) -> Image.Image:
    """Shrink an aligned face to an avatar."""
    return align(open_photo(name)).crop.resize((side, side), Image.Resampling.BOX)


def synthetic_face(seed: int) -> Image.Image:
    """Return a random face of the bundled generator, nearer to the average face (psi 0.75), at 512 px."""
    import torch  # noqa: PLC0415  # only here

    from psp.checkpoints import load_psp  # noqa: PLC0415
    from psp.pictures.images import to_pictures  # noqa: PLC0415

    model = load_psp("mobile-1024")
    z = torch.randn(1, model.config.generator.style_dim, generator=torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        codes = torch.lerp(model.w_avg, model.map(z)[:, None], 0.75)
        return to_pictures(model.decode(codes, 512))[0]


def save(picture: Image.Image, name: str, quality: int = 80, words: str = "") -> None:
    """Save a picture below examples/ as its name says; the only metadata are ``words``."""
    path = EXAMPLES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    if path.suffix == ".png":
        info = PngInfo()
        if words:
            info.add_text("Description", words)
        picture.save(buffer, "PNG", optimize=True, pnginfo=info)
    else:
        told = Image.Exif()
        if words:
            told[ExifTags.Base.ImageDescription] = words
        picture.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True, exif=told)
    path.write_bytes(buffer.getvalue())
    print(f"{name:<28} {picture.width}×{picture.height} {path.stat().st_size / 1000:6.1f} kB")


def few_colours(drawing: Image.Image, count: int) -> Image.Image:
    """Return a drawing as a palette picture."""
    return drawing.quantize(count, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description="Draw the example pictures anew.")
    parser.add_argument("--faces", action="store_true", help="the synthetic faces too")
    if parser.parse_args().faces:
        for name, seed in _SYNTHETIC_SEEDS.items():
            save(synthetic_face(seed), f"photos/synthetic_{name}.jpg", 85, SYNTHETIC)
    save(two_people(), "photos/two_people.jpg", 80, SYNTHETIC)
    sketch = photo_to_sketch(align(open_photo("astronaut.jpg")).crop)
    save(few_colours(sketch.convert("RGB"), 16), "sketches/from_photo.png")
    save(few_colours(draw_woman(), 8), "sketches/woman_in_ink.png")
    save(few_colours(draw_man(), 24), "sketches/man_in_marker.png")
    save(photographed(draw_pencil()), "sketches/pencil_photographed.jpg", 78)
    save(index_picture(map_of_photo("astronaut.jpg", FRINGE)), "masks/astronaut.png")
    save(index_picture(map_of_photo("hopper.jpg")), "masks/hopper.png")
    save(index_picture(map_of_woman()), "masks/woman_painted.png")
    save(index_picture(map_of_man()), "masks/man_painted.png")
    save(tiny("astronaut.jpg", 32), "tiny/astronaut_32.png")
    save(tiny("hopper.jpg", 40), "tiny/hopper_40.png")
    save(tiny("synthetic_2.jpg", 48), "tiny/synthetic_48.png", words=SYNTHETIC)


if __name__ == "__main__":
    main()
