"""The Encode tab and its endpoints ``/encode``, ``/align`` and ``/decode``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.tasks import TASKS
from psp.ui.cancel import cancel
from psp.ui.closer import closer_controls, coming_ticks, connect_closer
from psp.ui.controls import check_model, file_input
from psp.ui.fresh import Fresh
from psp.ui.layout import PhotoTab, Tab, connect_endpoint, connect_photo_tab, crop_of, photo_tab
from psp.ui.likeness import as_far_as_it_can
from psp.ui.preview import FACES_QUEUE
from psp.ui.results import connect_results, need, result_files
from psp.ui.settings import Controls, setting_controls
from psp.ui.stop import Stop
from psp.ui.words import in_words


def encode_tab(pipeline: PspPipeline) -> Tab:
    """Lay out the tab, inside the current Blocks, and connect it."""
    task = TASKS["encode"]
    tab = photo_tab(pipeline.settings, task, "image", _more, keeps=True)

    def make(photo: str, model: str, align: bool, face: int, likeness: str, **step: Any) -> Result:  # noqa: ANN401  (step=)
        model = check_model(model, task.name, pipeline.settings)
        photo = need(photo, "photo")
        return as_far_as_it_can(
            pipeline.network, model, likeness,
            lambda likeness: pipeline.encode(photo, model, align, int(face or 0), likeness, **step),
        )  # fmt: skip

    @in_words
    def encode(
        photo: str,
        model: str,
        align: bool,
        face: int,
        likeness: str,
        stop: Stop,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Find the face in a photo, encode it as W+ codes, and decode these to a synthetic face.

        Args:
            photo: A photo with a face in it.
            model: Name of the model; "auto" is the default one.
            align: Whether to find and crop the face; else the picture is taken as it is.
            face: Which face; 0 is the largest.
            likeness: "quick"; "close": looked for longer; "exact": adds hats, curls, backgrounds as well.
            stop: The visitor's wish to stop.
            progress: Shows what happens.
        """
        with stop.watching(progress) as step:
            return result_files(make(photo, model, align, face, likeness, step=step), tab.kind)

    more, ticks = tab.extra, coming_ticks(pipeline, tab)
    connected = connect_photo_tab(
        pipeline, tab, encode, make, more.settings, beside={"codes": more.latents},
        switches={"ticks": ticks} if ticks else {},
    )  # fmt: skip
    _connect_align(pipeline, tab, connected.fresh)
    _connect_decode(pipeline, tab, connected.fresh)
    connect_closer(pipeline, tab, connected.fresh, more.latents, more.how, more.closer)
    return connected


@dataclass(frozen=True)
class _More:
    """What the tab has besides a photo: its settings, and what is done with a crop alone, or with codes."""

    settings: Controls
    crop: gr.Button
    latents: gr.File
    decode: gr.Button
    how: gr.components.Component
    closer: gr.Button


def _more() -> _More:
    task = TASKS["encode"]
    settings = setting_controls(task.own(), task.name)
    with gr.Accordion("More: only the crop, or codes from a file", open=False):
        crop = gr.Button("Only crop the face (FFHQ alignment)", size="sm")
        latents = file_input("Latents: a .safetensors file of codes", ".safetensors", 120)
        decode = gr.Button("Decode the codes", size="sm")
        how, closer = closer_controls()
    return _More(settings, crop, latents, decode, how, closer)


def _connect_align(pipeline: PspPipeline, tab: PhotoTab[_More], fresh: Fresh) -> None:
    @in_words
    def align(photo: str, face: int) -> tuple[Any, ...]:
        """Find a face in a photo and return its FFHQ-aligned crop of 256 pixels.

        Args:
            photo: A photo with a face in it.
            face: Which face; 0 is the largest.
        """
        return result_files(pipeline.align(need(photo, "photo"), int(face or 0)), "image")

    button = tab.extra.crop
    fresh.ask(button.click)
    cropped = button.click(
        align,
        inputs=[tab.controls.photo, tab.controls.face],
        outputs=tab.results.of_api(),
        api_name="align",
        concurrency_id=FACES_QUEUE,
        js=fresh.begin("align", ["photo", "face"]),
    )
    shown = connect_results(fresh.follow(cropped, "align"), tab.results, fresh, crop_of(pipeline))
    cancel([tab.controls.photo.input, tab.controls.face.input, tab.controls.picker.select], [cropped, shown])
    cancel([tab.drop.click], [cropped])


def _connect_decode(pipeline: PspPipeline, tab: PhotoTab[_More], fresh: Fresh) -> None:
    file, button = tab.extra.latents, tab.extra.decode

    @in_words
    def decode(
        latents: str,
        model: str,
        stop: Stop,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Decode a file of W+ codes, exactly as when it was made.

        Args:
            latents: A ``.safetensors`` file that the studio made; of several variants, the first is shown.
            model: Name of the model; "auto" is the one that the file names.
            stop: The visitor's wish to stop.
            progress: Shows what happens.
        """
        path = need(latents, "file of codes")
        chosen = check_model(model, None, pipeline.settings)
        result = pipeline.decode(path, chosen, step=stop.watch(progress), variant=0)
        return result_files(result, "image")

    inputs = [file, tab.controls.model, tab.stop]
    fresh.ask(button.click)
    begin = fresh.begin("decode", ["codes", "model", "photo"])
    decoded = connect_endpoint(button.click, decode, "decode", inputs, tab.results, js=begin)
    # Nothing was seen: there is no photo behind codes.
    shown = connect_results(fresh.follow(decoded, "decode"), tab.results, fresh, None)
    cancel([tab.controls.photo.input, file.upload, file.clear], [decoded, shown])
    cancel([tab.drop.click], [decoded])
