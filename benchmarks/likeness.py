"""How close each likeness comes to aligned photographs, how long it takes, and whether edits still work.

python -m benchmarks.likeness --photos DIR [--limit 12] [--threads 2] [--face-network FILE.tflite]

Means over the photos, through ``PspPipeline.encode``: LPIPS at 256 px and dlib's distance to the photo;
dlib's distance to another photo, of another person; medians of the seconds. With ``--face-network``, a face
network that nothing here has learned from (112 px in, through OpenVINO), its cosines as well. Then how far
yaw, smile (by landmarks) and the picture (LPIPS, for age as well) go from −1 to 1 of a direction after
*close*, as a part of how far they go after *quick*, and dlib's distance to the photo at these ends.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from psp.checkpoints.dlib_file import load_face_descriptor
from psp.config import Settings
from psp.evaluation.independent import IndependentJudge
from psp.faces.detection import aligned_landmarks
from psp.faces.landmarks import yaw
from psp.inference.directions import directions_of
from psp.inference.pipeline import PspPipeline
from psp.inference.previews import decode_preview
from psp.inference.quality import lpips_network
from psp.losses.identity import DescriptorLoss
from psp.models.psp import PSP
from psp.pictures.images import to_pictures, to_tensor

Cosine = Callable[[Tensor, Tensor], float]
LIKENESSES = ("quick", "close", "exact")
MOVED = ("yaw", "smile", "age")


def cosine_by(path: Path) -> Cosine:
    """Return the cosine of two aligned faces [1,3,256,256] by a face network in a file."""
    judge = IndependentJudge(path)
    return lambda a, b: float((judge.embed(a) * judge.embed(b)).sum())


def measures(picture: Tensor) -> dict[str, float]:
    """Return what landmarks tell of a face [1,3,256,256]: its turn, and how far the mouth's corners go up."""
    points = aligned_landmarks(np.asarray(to_pictures(picture)[0]))
    eyes = float(np.hypot(*(points[42:48].mean(0) - points[36:42].mean(0))))
    corners = (points[62] + points[66]) / 2 - (points[48] + points[54]) / 2
    return {"yaw": yaw(points), "smile": float(corners[1]) / eyes}


def moved(psp: PSP, codes: Tensor, name: str) -> tuple[dict[str, float], list[Tensor]]:
    """Return how far a face goes from one end of a direction to the other, and its pictures there."""
    shift = torch.from_numpy(directions_of(psp)[name].shift)[None]
    ends = [decode_preview(psp.decoder, codes + amount * shift, 256) for amount in (-1.0, 1.0)]
    told = {"picture": float(lpips_network()(*ends))}
    if name != "age":
        before, after = (measures(each)[name] for each in ends)
        told[name] = after - before
    return told, ends


def median_ratio(pairs: list[tuple[float, float]]) -> float:
    """Return the median of the second over the first."""
    return statistics.median(after / before for before, after in pairs)


def main() -> None:
    """Measure and print."""
    torch.set_grad_enabled(False)
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--face-network", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    studio = PspPipeline(Settings(device="cpu", offline=True))
    psp = studio.network.load("auto", "encode").psp
    apart, cosine = DescriptorLoss(load_face_descriptor()), None
    if options.face_network:
        cosine = cosine_by(options.face_network)
    paths = sorted(options.photos.iterdir())
    paths = paths[:: max(1, len(paths) // options.limit)][: options.limit]
    photos = [to_tensor(Image.open(path).convert("RGB"), 256) for path in paths]
    codes: dict[str, list[Tensor]] = {}
    print("likeness: LPIPS, dlib, dlib of others, (cosine, of others,) seconds")
    for likeness in LIKENESSES:
        rows = []
        for index, path in enumerate(paths):
            start = time.perf_counter()
            made = studio.encode(path, align=False, likeness=likeness)
            seconds = time.perf_counter() - start
            face, own, other = to_tensor(made.image, 256), photos[index], photos[index - 1]
            row = [float(lpips_network()(face, own)), float(apart(face, own)), float(apart(face, other))]
            row += [cosine(face, own), cosine(face, other)] if cosine else []
            rows.append([*row, seconds])
            codes.setdefault(likeness, []).append(torch.from_numpy(made.latents)[None])
        means = [statistics.fmean(column) for column in zip(*rows, strict=True)][:-1]
        print(
            f"{likeness:5}",
            *(f"{mean:.3f}" for mean in means),
            f"{statistics.median(r[-1] for r in rows):.1f}",
        )
    for name in MOVED:
        pairs: dict[str, list[tuple[float, float]]] = {}
        far = []
        for photo, quick, close in zip(photos, codes["quick"], codes["close"], strict=True):
            (before, _), (after, ends) = moved(psp, quick, name), moved(psp, close, name)
            for what in before:
                pairs.setdefault(what, []).append((before[what], after[what]))
            far += [float(apart(end, photo)) for end in ends]
        ratios = ", ".join(f"{what} {median_ratio(each):.2f}" for what, each in pairs.items())
        print(f"{name} after close: {ratios} of after quick; dlib at the ends {statistics.fmean(far):.3f}")


if __name__ == "__main__":
    main()
