"""The Encode tab and its endpoint ``/encode``."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from psp.pipeline import PspPipeline
from psp.tasks import TASKS
from psp.ui.shared import (
    MODEL_QUEUE,
    check_model,
    download_progress,
    in_words,
    need_photo,
    photo_controls,
    photo_results,
    result_files,
    show_result,
)


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
            run = gr.Button(task.title, variant="primary")
            gr.Examples(examples, inputs=controls.photo, label="Examples", cache_examples=False)
        results = photo_results()

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
        return *result_files(result, task.name), result.details

    done = run.click(
        encode,
        inputs=controls.as_list(),
        outputs=results.of_endpoint(),
        api_name=task.name,
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
    )
    # After an error, results of another photo must not stand there as if they were this one's.
    cleared = results.everything()
    done.failure(lambda: [None] * len(cleared), outputs=cleared, api_visibility="private")
    done.success(
        in_words(partial(show_result, pipeline)),
        inputs=[controls.photo, results.image, results.details],
        outputs=[results.crop, results.slider, results.words],
        api_visibility="private",
    )
