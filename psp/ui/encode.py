"""The Encode tab and its endpoint ``/encode``."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image

from psp.pipeline import PspPipeline
from psp.tasks import TASKS
from psp.ui.shared import (
    BUTTONS,
    MODEL_QUEUE,
    check_model,
    download_progress,
    in_words,
    need_photo,
    photo_controls,
    result_files,
    result_image,
    summary,
)

Before = tuple[Image.Image, Image.Image]


def encode_tab(pipeline: PspPipeline, examples: list[str]) -> None:
    """Lay out the tab, inside the current Blocks, and connect it.

    Args:
        pipeline: What does the work.
        examples: Paths of example photos.
    """
    task = TASKS["encode"]
    gr.Markdown(f"{task.caption} {task.limits}")
    with gr.Row():
        with gr.Column():
            controls = photo_controls()
            run = gr.Button("Encode", variant="primary")
            gr.Examples(examples, inputs=controls.photo, label="Examples", cache_examples=False)
        with gr.Column():
            crop = result_image("What the model sees", height=256)
            slider = gr.ImageSlider(
                label="Before and after",
                format="png",
                interactive=False,
                elem_classes="fill",
                buttons=BUTTONS,
            )
        with gr.Column():
            image = result_image("Result", height=320)
            words = gr.Markdown()
            latents = gr.File(label="Latents (W+ codes)", height=90)
            with gr.Accordion("Details", open=False):
                details = gr.JSON(label="Details")

    @in_words
    def encode(
        photo: str,
        model: str,
        align: bool,
        face: int,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[str, str, dict[str, Any]]:
        """Find the face in a photo, encode it as W+ codes, and decode these to a synthetic face.

        Args:
            photo: A photo with a face in it.
            model: Name of the model; "auto" is the default one.
            align: Whether to find and crop the face; else the picture is taken as it is.
            face: Which face; 0 is the largest.
            progress: Tells the page how far a download is.
        """
        path = need_photo(photo)
        pipeline.load(check_model(model, task.name), task.name, download_progress(progress))
        result = pipeline.encode(path, model=model, align=align, face=int(face or 0))
        return *result_files(result, "encode"), result.details

    @in_words
    def show(photo: str, made: str, told: dict[str, Any]) -> tuple[Image.Image, Before, str]:
        seen = pipeline.crop(photo, told["alignment"]["quad"])
        with Image.open(made) as opened:
            result = opened.convert("RGB")
        return seen, (seen.resize(result.size, Image.Resampling.LANCZOS), result), summary(told)

    done = run.click(
        encode,
        inputs=controls.as_list(),
        outputs=[image, latents, details],
        api_name="encode",
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
    )
    everything = [crop, slider, image, words, latents, details]
    # After an error, results of another photo must not stand there as if they were this one's.
    done.failure(lambda: [None] * len(everything), outputs=everything, api_visibility="private")
    done.success(
        show, inputs=[controls.photo, image, details], outputs=[crop, slider, words], api_visibility="private"
    )
