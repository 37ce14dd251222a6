"""What happens as soon as a photo is there: faces are found, the crop is drawn on the photo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import gradio as gr
from PIL import Image, ImageDraw

from psp.errors import PspError
from psp.faces.detail import has_detail
from psp.faces.suitability import DOUBT
from psp.inference.examples import EXAMPLES
from psp.inference.job import describe
from psp.inference.pipeline import PspPipeline
from psp.ui.addressed import for_page
from psp.ui.cache import cached, png_of
from psp.ui.controls import PhotoControls
from psp.ui.words import escape, found_words, in_words

FACES_QUEUE = "faces"
"""Looking for faces waits in a line of its own: it needs no model."""

# Long side in pixels, at most and at least, of the photo that is shown with its crops.
_SHOWN, _LEAST = 900, 300
_CHOSEN, _OTHER = "#f97316", "#ffffff"


def connect_preview(
    pipeline: PspPipeline,
    controls: PhotoControls,
    marked: gr.Image,
    every: gr.Button,
    *,
    detailed: gr.Checkbox | None = None,
) -> None:
    """Show the faces of a photo, the crop on it, and what went wrong, when a photo or a choice changes.

    Args:
        pipeline: Finds the faces.
        controls: The photo and its settings.
        marked: Shows the photo with the crops drawn on it.
        every: The button for all faces, shown where there are several.
        detailed: Is told whether the face is sharp already, for the task that enlarges: there a tiny picture
            in which no face is found is taken as it is.
    """
    look = partial(_look, pipeline, detailed is not None)
    # Every visitor begins with an example; of other photos nothing is kept.
    look_again = lru_cache(len(EXAMPLES))(look)
    examples = frozenset(cached(each.path.read_bytes(), each.path.name) for each in EXAMPLES)
    controls.photo.keep_in_cache.update(examples)

    def preview(photo: str | None, align: bool, face: int | None) -> tuple[Any, ...]:
        hidden = gr.update(visible=False)
        nothing = [False] if detailed else []
        if not photo:
            return "", hidden, None, hidden, *nothing
        try:
            found = (look_again if photo in examples else look)(photo, align, int(face or 0))
        except PspError as error:
            told = f"⚠️ **{escape(error.problem)}** {escape(for_page(error.next_step))}"
            return told, hidden, None, hidden, *nothing
        several = len(found.faces) > 1
        thumbnails = [(cached(png, "face.png"), f"face {index}") for index, png in enumerate(found.faces)]
        return (
            found.words,
            gr.update(value=thumbnails, visible=several),
            cached(found.marked, "crops.png"),
            gr.update(visible=several),
            *([found.detailed] if detailed else []),
        )

    if detailed:  # another photo may have less; asked for first, as listeners wait for each other
        controls.photo.change(None, None, detailed, js="() => false", api_visibility="private")
    gr.on(
        [controls.photo.change, controls.align.change, controls.face.change],
        in_words(preview),
        inputs=[controls.photo, controls.align, controls.face],
        outputs=[controls.note, controls.picker, marked, every, *([detailed] if detailed else [])],
        concurrency_id=FACES_QUEUE,
        concurrency_limit=2,
        show_progress="minimal",
        show_progress_on=controls.note,
        trigger_mode="always_last",
        api_visibility="private",
    )
    controls.picker.select(None, None, controls.face, js="() => results.clicked()", api_visibility="private")


@dataclass(frozen=True)
class _Found:
    """What was found in a photo: words, its detail, each face and the photo with the crops on it, as PNGs."""

    words: str
    faces: tuple[bytes, ...]
    marked: bytes
    detailed: bool


def _look(pipeline: PspPipeline, tiny: bool, photo: str, align: bool, face: int) -> _Found:
    """Look for the faces of a photo."""
    picture = pipeline.read(photo)
    places = pipeline.places(picture, align, face, tiny=tiny)
    chosen = face if len(places) > 1 else 0
    doubt = "" if places[chosen].sure else f"\n\n⚠️ {for_page(DOUBT)}"
    return _Found(
        found_words(describe(places[chosen])) + doubt,
        tuple(png_of(place.crop.resize((128, 128))) for place in places),
        png_of(mark_crops(picture, [place.quad for place in places], chosen)),
        has_detail(places[chosen].crop, places[chosen].side),
    )


def mark_crops(picture: Image.Image, quads: list[Any], chosen: int) -> Image.Image:
    """Return a photo, 300 to 900 px, with the outline of every crop drawn on it."""
    longer = max(picture.size)
    scale = min(max(longer, _LEAST), _SHOWN) / longer
    small = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    draw = ImageDraw.Draw(small)
    width = max(2, round(max(small.size) / 200))
    for index, quad in enumerate(quads):
        corners = [(float(x + 0.5) * scale, float(y + 0.5) * scale) for x, y in (*quad, quad[0])]
        draw.line(corners, fill=_CHOSEN if index == chosen else _OTHER, width=width, joint="curve")
    return small
