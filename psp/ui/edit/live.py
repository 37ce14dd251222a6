"""The face beside the sliders of edits, made anew after each move: small, and marked as a preview.

As for mixtures (``psp.ui.mix.live``): the page presses a hidden button, of several moves in a row the last is
shown, and where a GPU is lent call by call there is none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from psp.codes.latents import CodesFile
from psp.errors import PspError, StoppedError
from psp.inference.edit_preview import preview_edit
from psp.inference.known_faces import Known
from psp.inference.pipeline import PspPipeline
from psp.ui.addressed import for_page
from psp.ui.controls import PhotoControls, check_model
from psp.ui.figure import blank_figure, preview_figure
from psp.ui.gate.turn import current_turn
from psp.ui.layout import MODEL_QUEUE
from psp.ui.panel import Results
from psp.ui.small_face import SmallFace, small_face, start_of
from psp.ui.words import in_words

_ASK = "preview-edit"
_EMPTY = "The edited face appears here"


def live_edit() -> SmallFace:
    """Make the preview inside the current layout."""
    return small_face("edited", _ASK, _EMPTY)


def connect_live_edit(
    pipeline: PspPipeline,
    live: SmallFace,
    controls: PhotoControls,
    base: gr.State,
    directions: gr.File,
    settings: Mapping[str, gr.components.Component],
    results: Results,
) -> gr.events.Dependency:
    """Make the preview anew when the page asks for it; return the event, which a real run cancels.

    Args:
        pipeline: Does the work.
        live: The parts.
        controls: The face.
        base: Codes to start from instead.
        directions: A file of further directions.
        settings: "edits" and "likeness".
        results: Where an example's picture comes from, for which no model is run.
    """
    made_with = [settings["edits"], settings["likeness"]]
    gr.on(
        [
            *(each.input for each in (*made_with, controls.model, controls.align, controls.face)),  # type: ignore[attr-defined]  # all have it
            controls.picker.select, directions.upload, directions.clear,
        ],
        None,
        js="() => editing.again()",
        api_visibility="private",
    )  # fmt: skip
    controls.photo.change(
        None, controls.photo, controls.photo, js="photo => editing.given(photo)", api_visibility="private"
    )
    results.first.change(
        None, [results.first, controls.photo], live.shown,
        js="(first, photo) => editing.made(first, photo)", api_visibility="private",
    )  # fmt: skip
    return live.ask.click(
        in_words(_previewer(pipeline)),
        inputs=[
            controls.photo, base, live.known, controls.model, controls.align, controls.face, directions,
            *made_with,
        ],
        outputs=[live.shown, live.known],
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )  # fmt: skip


def _previewer(pipeline: PspPipeline) -> Callable[..., tuple[Any, Any]]:
    """Return what makes the preview, as HTML, and what is known of the face now."""

    def preview(
        photo: str | None,
        base: CodesFile | None,
        known: Known,
        model: str,
        align: bool,
        face: int | None,
        directions: str | None,
        edits: str,
        likeness: str,
    ) -> tuple[Any, Any]:
        turn = current_turn()
        start = start_of(base, photo, align, face)
        if start is None:
            return blank_figure(_EMPTY), gr.skip()
        try:
            name = check_model(model, "edit", pipeline.settings)
            made, known = preview_edit(
                pipeline.network, pipeline.read, start, known, name, edits or "", directions,
                step=lambda words, _: turn.check(words),
                exact=likeness == "exact" and pipeline.network.can_be_exact(name),
            )  # fmt: skip
        except StoppedError:
            return gr.skip(), gr.skip()
        except PspError as error:  # beside the sliders, where a message over the page would be in the way
            return blank_figure(for_page(str(error))), gr.skip()
        return preview_figure(made, "the edited face"), known

    return preview
