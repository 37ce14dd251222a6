"""The mixture beside the sliders, made anew after each move: small, and marked as a preview.

The page presses a hidden button when a slider was moved or a face was given (``assets/mix.js``); of several
moves in a row the last is shown, in the line in which all work with a model waits, and a real run takes its
place. Where a GPU is lent call by call there is none of this: each move would ask for one. The codes of the
faces stay in the visitor's own state, so that a move costs no more than a small picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from psp.codes.latents import CodesFile, codes_from_bytes
from psp.errors import PspError, StoppedError
from psp.inference.blend import blend
from psp.inference.examples import examples_of, rendered
from psp.inference.known_faces import FaceIn, Known, KnownFace
from psp.inference.pipeline import PspPipeline
from psp.ui.addressed import for_page
from psp.ui.cache import cached
from psp.ui.controls import PhotoControls, check_model
from psp.ui.figure import blank_figure, preview_figure
from psp.ui.gate.turn import current_turn
from psp.ui.layout import MODEL_QUEUE
from psp.ui.mix.faces import TwoFaces
from psp.ui.panel import Results
from psp.ui.small_face import SmallFace, small_face, start_of
from psp.ui.words import in_words

_ASK = "blend-mix"
_EMPTY = "The mixture appears here"


def live_mixture() -> SmallFace:
    """Make the preview inside the current layout."""
    return small_face("mixture", _ASK, _EMPTY)


def connect_live(
    pipeline: PspPipeline,
    live: SmallFace,
    controls: PhotoControls,
    faces: TwoFaces,
    base: gr.State,
    settings: Mapping[str, gr.components.Component],
    results: Results,
) -> gr.events.Dependency:
    """Make the mixture anew when the page asks for it; return the event, which a real run cancels.

    Args:
        pipeline: Does the work.
        live: The parts.
        controls: The face to start from.
        faces: Both faces.
        base: Codes to start from instead.
        settings: "layers", "alpha" and "seed" are used.
        results: Where an example's mixture comes from, for which no model is run.
    """
    made_with = [settings[name] for name in ("layers", "alpha", "seed")]
    style = faces.style
    gr.on(
        [
            *(each.input for each in (*made_with, controls.model, controls.align, controls.face)),  # type: ignore[attr-defined]  # all have it
            controls.picker.select, faces.swap.click,
        ],
        None,
        js="() => mixing.again()",
        api_visibility="private",
    )  # fmt: skip
    gr.on(
        [controls.photo.change, style.change],
        None,
        [controls.photo, style],
        js="(...values) => mixing.given(...values)",
        api_visibility="private",
    )
    results.first.change(
        None,
        [results.first, controls.photo, style],
        live.shown,
        js="(...values) => mixing.made(...values)",
        api_visibility="private",
    )
    return live.ask.click(
        in_words(_blender(pipeline)),
        inputs=[
            controls.photo, style, base, live.known, controls.model, controls.align, controls.face,
            *made_with,
        ],
        outputs=[live.shown, live.known],
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )  # fmt: skip


def _blender(pipeline: PspPipeline) -> Callable[..., tuple[Any, Any]]:
    """Return what makes the mixture, as HTML, and the codes of the faces that are known now."""
    stored = _Stored()

    def blend_faces(
        photo: str | None,
        style: str | None,
        base: CodesFile | None,
        known: Known,
        model: str,
        align: bool,
        face: int | None,
        layers: str,
        alpha: float,
        seed: int | None,
    ) -> tuple[Any, Any]:
        turn = current_turn()
        start = start_of(base, photo, align, face)
        if start is None:
            return blank_figure(_EMPTY), gr.skip()
        try:
            made, known = blend(
                pipeline.network,
                pipeline.read,
                start,
                FaceIn(style, bool(align)) if style else None,
                {**stored.codes(), **known},
                check_model(model, "style_mix", pipeline.settings),
                layers,
                alpha,
                int(seed or 0),
                step=lambda words, _: turn.check(words),
            )
        except StoppedError:
            return gr.skip(), gr.skip()
        except PspError as error:  # beside the sliders, where a message over the page would be in the way
            return blank_figure(for_page(str(error))), gr.skip()
        return preview_figure(made, "the mixture"), known

    return blend_faces


class _Stored:
    """The codes of the examples' faces, which come along: what an example is mixed of need not be encoded."""

    def __init__(self) -> None:
        self._codes: Known = {}

    def codes(self) -> Known:
        """Return them, read when they are first asked for."""
        if not self._codes:
            found: dict[tuple[FaceIn, str], KnownFace] = {}
            for example in examples_of("encode"):
                file = codes_from_bytes(rendered(example).latents.read_bytes())
                if file.recipe is None:
                    continue
                face = int(file.recipe.settings.get("face", 0))
                path = cached(example.path.read_bytes(), example.path.name)
                found[FaceIn(path, True, face), file.recipe.model_sha256] = KnownFace(file.codes[None])
            self._codes = found
        return self._codes
