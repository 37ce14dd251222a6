"""How far each direction of edits takes a person from who they are, on aligned photographs.

python -m benchmarks.edits --photos DIR [--limit 16] [--threads 1]

For each direction, at both ends of its range, means of dlib's distance (under 0.6: the same person): of the
edited picture to the one before, by codes alone; and of the edited picture to the photo, likeness exact. All
as previews of 256 px. The line "nothing" is the answer without edits.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from psp.checkpoints.dlib_file import load_face_descriptor
from psp.codes.directions import Named
from psp.config import Settings
from psp.inference.directions import directions_of
from psp.inference.edit_preview import preview_edit
from psp.inference.known_faces import FaceIn, Known
from psp.inference.pipeline import PspPipeline
from psp.losses.identity import DescriptorLoss
from psp.pictures.images import to_tensor

NOTHING = Named("nothing", "Nothing")


def made(studio: PspPipeline, photo: Path, edits: str, known: Known, *, exact: bool) -> tuple[Tensor, Known]:
    """Return an edited photo [1,3,256,256], and what is known of it now."""
    picture, known = preview_edit(
        studio.network, studio.read, FaceIn(str(photo), align=False), known, edits=edits, exact=exact
    )
    return to_tensor(picture, 256), known


@torch.inference_mode()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    studio = PspPipeline(Settings(device="cpu", offline=True))
    apart = DescriptorLoss(load_face_descriptor())
    paths = sorted(options.photos.iterdir())
    photos = paths[:: max(1, len(paths) // options.limit)][: options.limit]
    named = [each.named for each in directions_of(studio.network.load("auto", "edit").psp).values()]
    ends = [(each, end) for each in named for end in (each.low, each.high)]
    found: dict[tuple[Named, float], list[tuple[float, float]]] = {}
    for photo in photos:
        given, quick, exact = to_tensor(Image.open(photo), 256), {}, {}
        before, quick = made(studio, photo, "", quick, exact=False)
        for direction, end in [(NOTHING, 0.0), *ends]:
            edits = f"{direction.name}:{end}" if end else ""
            by_codes, quick = made(studio, photo, edits, quick, exact=False)
            kept, exact = made(studio, photo, edits, exact, exact=True)
            pair = float(apart(by_codes, before)), float(apart(kept, given))
            found.setdefault((direction, end), []).append(pair)
    print(f"{len(photos)} photos\ndirection at: codes, from before; exact, from the photo")
    for (direction, end), pairs in found.items():
        codes, exactly = (statistics.fmean(column) for column in zip(*pairs, strict=True))
        print(f"{direction.name:15} {end:+.1f}: {codes:.3f} {exactly:.3f}")


if __name__ == "__main__":
    main()
