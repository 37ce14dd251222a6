"""What a tool answers: one picture that can be shown, and words with the rest: links, details."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from psp.codes.recipe import picture_to_webp
from psp.pictures.clips import CLIP_ENDINGS, frames_of
from psp.pictures.images import load_picture
from psp.pictures.video.frames import frames_in
from psp.pictures.video.source import open_video

# Bytes of a PNG that is shown as it is: tools often take no more than a megabyte, and base64 adds a third.
_SMALL = 600_000
_QUALITY = 90
# Pixels of the side of a sheet of several pictures.
_SHEET = 1024
# Which frames of a clip are shown, as shares of its length.
_OF_CLIPS = (0.0, 0.16, 0.33, 0.5)


@dataclass(frozen=True)
class Answer:
    """The answer of a tool.

    Attributes:
        picture: The picture that is shown, in base64.
        mime: Its type.
        words: What else there is, as JSON.
    """

    picture: str
    mime: str
    words: str


def answer_of(outputs: list[Any]) -> Answer:
    """Return the answer for an endpoint's three outputs, as they go over the wire.

    One picture is shown as it is, or as WebP where it is too large for that, marked as synthetic; of several,
    a sheet; of a clip, a sheet of four frames.
    """
    first, latents, details = outputs
    files = [first] if isinstance(first, dict) else [each["image"] for each in first]
    paths = [file["path"] for file in files]
    if Path(paths[0]).suffix in CLIP_ENDINGS:
        some = _some_frames(Path(paths[0]))
        return _answer(picture_to_webp(_sheet(some), _QUALITY), "image/webp", "clip", files, latents, details)
    data = Path(paths[0]).read_bytes()
    mime = "image/png"
    if len(paths) > 1 or len(data) > _SMALL:
        # These a model made: crops, sketches and maps of photos come alone, and are small.
        made = [load_picture(path) for path in paths]
        data, mime = picture_to_webp(made[0] if len(made) == 1 else _sheet(made), _QUALITY), "image/webp"
    return _answer(data, mime, "pictures", files, latents, details)


def _answer(
    data: bytes,
    mime: str,
    name: str,
    files: list[Any],
    latents: Any,  # noqa: ANN401  (JSON)
    details: object,
) -> Answer:
    words = {
        name: [file["url"] for file in files],
        "latents": latents and latents["url"],
        "details": details,
    }
    return Answer(base64.b64encode(data).decode(), mime, json.dumps(words, ensure_ascii=False))


def _some_frames(path: Path) -> list[Image.Image]:
    """Return some frames of a clip, of which only these are kept."""
    if path.suffix == ".gif":
        frames = frames_of(path)
        return [frames[round(share * (len(frames) - 1))] for share in _OF_CLIPS]
    video = open_video(path)
    wanted = [round(share * (video.frames - 1)) for share in _OF_CLIPS]
    kept = {index: frame for index, frame in enumerate(frames_in(video)) if index in wanted}
    return [kept.get(index, kept[min(kept)]) for index in wanted]


def _sheet(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures side by side, row by row, in the order of their seeds."""
    columns = math.ceil(math.sqrt(len(pictures)))
    side = min(_SHEET // columns, pictures[0].width)
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * side, rows * side), "white")
    for index, picture in enumerate(pictures):
        small = ImageOps.contain(picture, (side, side), Image.Resampling.LANCZOS)
        sheet.paste(small, (index % columns * side, index // columns * side))
    return sheet
