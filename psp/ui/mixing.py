"""The Style mixing tab and its endpoint ``/style_mix``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from psp.codes.latents import CodesFile, codes_from_bytes
from psp.inference.inputs import read_file
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.tasks import TASKS
from psp.ui.controls import check_model, file_input, picture_input
from psp.ui.fresh import Fresh
from psp.ui.layout import PhotoTab, Tab, connect_photo_tab, photo_tab
from psp.ui.results import choose, need, picture_at, result_files
from psp.ui.settings import Controls, setting_controls
from psp.ui.stop import Stop
from psp.ui.words import in_words

_NO_BASE = "The face in the photo is the base."


@dataclass(frozen=True)
class _Extra:
    style: gr.Image
    controls: Controls
    base: gr.State
    about_base: gr.Markdown
    keep: gr.Button
    release: gr.Button
    latents: gr.File


def mixing_tab(pipeline: PspPipeline) -> Tab:
    """Lay out the tab, inside the current Blocks, and connect it."""
    task = TASKS["style_mix"]
    tab = photo_tab(pipeline.settings, task, "gallery", _extra)
    style, extra = tab.extra.style, tab.extra.controls
    make = partial(_mix, pipeline)

    @in_words
    def style_mix(
        photo: str,
        base: CodesFile | None,
        stop: Stop,
        style: str | None = None,  # the default is what makes it optional for clients
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        layers: str = "auto",
        alpha: float = 1.0,
        variants: int = 1,
        seed: int = 0,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Blend the codes of a face with those of another picture, or with random styles.

        Args:
            photo: A photo with a face in it.
            base: Codes to start from instead of the photo, on the page.
            stop: The visitor's wish to stop.
            style: A picture with another face; none: random styles.
            model: Name of the model; "auto" is the default one.
            align: Whether to find and crop the faces; else the pictures are taken as they are.
            face: Which face of the photo; 0 is the largest.
            layers: Which layers are blended: "8-", "0-3,7", "all", "auto", "pose", "features", "colours";
                each with its share after a colon: "pose:0.5,features,colours:0.25".
            alpha: Share of the style in these layers, 0 to 1.
            variants: How many: of a style picture, even steps up to alpha; else random styles.
            seed: Of the first random style; -1: by chance.
            progress: Shows what happens.
        """
        step = stop.watch(progress)
        result = make(
            photo, model, align, face, layers, alpha, variants, seed, style=style, base=base, step=step
        )
        return result_files(result, tab.kind)

    inputs = [
        tab.controls.photo, tab.extra.base, tab.stop, style, *tab.controls.of_api()[1:],
        *extra.values(),
    ]  # fmt: skip
    connected = connect_photo_tab(
        pipeline, tab, style_mix, make, extra, inputs=inputs, style=style,
        beside={"base": tab.extra.about_base}, switches={"keep": tab.extra.keep},
    )  # fmt: skip
    _connect_base(tab, connected.fresh)
    return connected


def _mix(
    pipeline: PspPipeline,
    photo: str,
    model: str,
    align: bool,
    face: int,
    layers: str,
    alpha: float,
    variants: int,
    seed: int,
    *,
    style: str | None = None,
    base: CodesFile | None = None,
    **step: Any,  # noqa: ANN401  (step=)
) -> Result:
    return pipeline.style_mix(
        base or need(photo, "photo"),
        style,
        check_model(model, "style_mix", pipeline.settings),
        align,
        int(face or 0),
        layers,
        alpha,
        int(variants),
        int(seed),
        **step,
    )


def _extra() -> _Extra:
    style = picture_input("Style: another face (none: random styles)", "Leave empty for random styles", 220)
    controls = setting_controls(TASKS["style_mix"].own())
    about_base = gr.Markdown(_NO_BASE, elem_classes="note")
    with gr.Row():
        keep = gr.Button("Keep this one as the base", size="sm", interactive=False)
        release = gr.Button("Back to the photo", size="sm")
    with gr.Accordion("Start from a file of codes", open=False):
        latents = file_input("Latents: a .safetensors file of codes", ".safetensors", 120)
    return _Extra(style, controls, gr.State(None), about_base, keep, release, latents)


def _connect_base(tab: PhotoTab[_Extra], fresh: Fresh) -> None:
    """Make a variant, or a file of codes, what the next mixture starts from."""
    extra, results = tab.extra, tab.results

    def keep(latents: str | None, first: Any, chosen: int) -> tuple[Any, ...]:  # noqa: ANN401  (what Gradio hands over)
        file = codes_from_bytes(read_file(need(latents, "result")))
        kept = picture_at(first, chosen)
        codes = file.codes[chosen] if file.codes.ndim == 3 else file.codes
        said = f"Variant {chosen + 1} is the base. Its codes are reused."
        return CodesFile(codes, file.recipe), said, kept

    def open_file(latents: str | None) -> tuple[CodesFile | None, str, Any]:
        if not latents:
            return None, _NO_BASE, gr.skip()
        file = codes_from_bytes(read_file(latents))
        return file, f"The codes in {Path(latents).name[:60]} are the base.", None

    outputs = [extra.base, extra.about_base, results.seen]
    kept = extra.keep.click(
        in_words(keep),
        [results.latents, results.first, results.chosen],
        outputs,
        api_visibility="private",
        js=choose(results, fresh, 2),
        queue=False,  # so that a run that is asked for right after starts from it
    )
    fresh.settle(kept)
    extra.latents.change(in_words(open_file), extra.latents, outputs, api_visibility="private")
    extra.release.click(None, None, results.seen, js="() => null", api_visibility="private")
    gr.on(  # another photo, or another face in it, is another base
        [extra.release.click, tab.controls.photo.change, tab.controls.face.change],
        lambda: (None, _NO_BASE, None),
        None,
        [extra.base, extra.about_base, extra.latents],
        api_visibility="private",
        queue=False,
    )
