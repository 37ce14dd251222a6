"""What a mixture or an edit starts from: the photo, a variant of the result before, or a file of codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from psp.codes.latents import CodesFile, codes_from_bytes
from psp.inference.inputs import read_file
from psp.ui.controls import PhotoControls, file_input
from psp.ui.fresh import Fresh
from psp.ui.panel import Results
from psp.ui.results import choose, need, picture_at
from psp.ui.words import in_words

_NO_BASE = "The face in the photo is the base."


@dataclass(frozen=True)
class Base:
    """The parts of the base.

    Attributes:
        codes: Codes to start from instead of the photo.
        about: What the base is, in words.
        keep: Makes the variant that is looked at the base.
        release: Goes back to the photo.
        latents: A file of codes.
    """

    codes: gr.State
    about: gr.Markdown
    keep: gr.Button
    release: gr.Button
    latents: gr.File


def base_controls() -> Base:
    """Make the controls of the base inside the current layout."""
    about = gr.Markdown(_NO_BASE, elem_classes="note")
    with gr.Row():
        keep = gr.Button("Keep this one as the base", size="sm", interactive=False)
        release = gr.Button("Back to the photo", size="sm")
    latents = file_input("Latents: a .safetensors file of codes to start from", ".safetensors", 120)
    return Base(gr.State(None), about, keep, release, latents)


def connect_base(
    base: Base,
    controls: PhotoControls,
    results: Results,
    fresh: Fresh,
    preview: str,
    afresh: gr.components.Component | None = None,
) -> None:
    """Make a variant, or a file of codes, what the next run starts from, and the preview too.

    Args:
        base: The parts.
        controls: The photo that is the base otherwise.
        results: Where variants come from.
        fresh: Keeps results together with what they were made of.
        preview: What the page's script calls the keeper of the preview: "mixing" or "editing".
        afresh: A text that is emptied once a result is the base, because that has it in it.
    """
    again = f"{preview}.again()"

    def keep(latents: str | None, first: Any, chosen: int) -> tuple[Any, ...]:  # noqa: ANN401  (what Gradio hands over)
        file = codes_from_bytes(read_file(need(latents, "result")))
        kept = picture_at(first, chosen)
        codes = file.codes[chosen] if file.codes.ndim == 3 else file.codes
        said = f"Variant {chosen + 1} is the base. Its codes are reused."
        return CodesFile(codes, file.recipe, file.details), said, kept

    def open_file(latents: str | None) -> tuple[CodesFile | None, str, Any]:
        if not latents:
            return None, _NO_BASE, gr.skip()
        file = codes_from_bytes(read_file(latents))
        return file, f"The codes in {Path(latents).name[:60]} are the base.", None

    outputs = [base.codes, base.about, results.seen]
    kept = base.keep.click(
        in_words(keep),
        [results.latents, results.first, results.chosen],
        outputs,
        api_visibility="private",
        js=choose(results, fresh, 2),
        queue=False,  # so that a run that is asked for right after starts from it
    )
    fresh.settle(kept)
    if afresh is None:
        kept.success(None, js=f"() => {again}", api_visibility="private")
    else:
        kept.success(None, None, afresh, js=f"() => ({again}, '')", api_visibility="private")
    opened = base.latents.change(in_words(open_file), base.latents, outputs, api_visibility="private")
    opened.success(
        None, base.latents, js=f"file => file ? {again} : []", api_visibility="private"
    )  # not where a new photo has emptied it
    base.release.click(None, None, results.seen, js=f"() => ({again}, null)", api_visibility="private")
    gr.on(  # another photo, or another face in it, is another base
        [base.release.click, controls.photo.change, controls.face.change],
        lambda: (None, _NO_BASE, None),
        None,
        [base.codes, base.about, base.latents],
        api_visibility="private",
        queue=False,
    )
