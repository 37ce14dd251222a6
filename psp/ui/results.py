"""The outputs that tabs share: what the model saw, before and after, pictures, files, the recipe's link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.events import Dependency
from PIL import Image

from psp.codes.recipe import Recipe, recipe_from_dict, recipe_of_png
from psp.errors import PspError
from psp.inference.result import Result, pack
from psp.pictures.images import load_picture, read_png_header
from psp.ui.cache import as_path, cached, cached_picture
from psp.ui.controls import untouched
from psp.ui.fresh import Fresh
from psp.ui.gate.details import checked_details
from psp.ui.gate.journal import note
from psp.ui.words import in_words, summary

# Bytes of all files of a result.
_LARGEST_RESULT = 256 << 20

BUTTONS: list[Any] = ["download", "fullscreen"]
"""What a picture on the page offers; Gradio's own "share" would upload it to a public site."""

See = Callable[[str, dict[str, Any]], Image.Image | None]
"""Makes what the model saw once more, from the path of the input and the details of the result."""

Kind = Literal["image", "gallery"]


@dataclass(frozen=True)
class Pasting:
    """What tasks on photos show besides.

    Attributes:
        faces: Results of all faces of the photo.
        pieces: These results and their places, as (path, alignment); empty: there is that of the API alone.
        button: Pastes back.
        pasted: The photo with the result in it.
    """

    faces: gr.Gallery
    pieces: gr.State
    button: gr.Button
    pasted: gr.Image

    def everything(self) -> list[gr.components.Component]:
        """Return what is emptied before another result comes."""
        return [self.faces, self.pieces, self.button, self.pasted]

    @staticmethod
    def emptied(*, ready: bool) -> list[Any]:
        """Return what empties :meth:`everything`; ``ready``: there is a new result to paste."""
        hidden = gr.update(value=None, visible=False)
        return [hidden, [], gr.update(interactive=ready), hidden]


@dataclass(frozen=True)
class Results:
    """What every task shows.

    Attributes:
        marked: The photo with the crop drawn on it; None where the input is no photo.
        seen: What the model saw.
        slider: Before and after.
        first: The result, the endpoint's first output: one picture or a gallery.
        words: The result in words.
        latents: The file of codes, the endpoint's second output.
        archive: Everything as a ZIP.
        link: Link that restores the settings.
        details: The endpoint's third output.
        told: Whether the result is still that of what the tab says, and whether a run was stopped.
        source: The picture that the result was made of, not shown: the input may be another one by now.
        chosen: Which picture of several is looked at, not shown.
        pasting: For tasks on photos.
    """

    marked: gr.Image | None
    seen: gr.Image
    slider: gr.ImageSlider
    first: gr.Image | gr.Gallery
    words: gr.Markdown
    latents: gr.File
    archive: gr.DownloadButton
    link: gr.Textbox
    details: gr.JSON
    told: gr.Markdown
    source: gr.Image
    chosen: gr.Number
    pasting: Pasting | None = None

    def of_api(self) -> list[gr.components.Component]:
        """Return the three outputs of the API."""
        return [self.first, self.latents, self.details]

    def beside_api(self) -> list[gr.components.Component]:
        """Return the outputs that :func:`show_result` fills."""
        return [self.seen, self.slider, self.words, self.archive, self.link, self.chosen]

    def outputs(self) -> dict[str, gr.components.Component]:
        """Return what goes and comes with a result, by the names of ``assets/results.js``."""
        named: dict[str, gr.components.Component] = {
            "source": self.source, "first": self.first, "latents": self.latents, "details": self.details,
            "seen": self.seen, "slider": self.slider, "words": self.words, "archive": self.archive,
            "link": self.link, "told": self.told,
        }  # fmt: skip
        if self.pasting:
            pasting = self.pasting
            named |= {"faces": pasting.faces, "paste": pasting.button, "pasted": pasting.pasted}
        return named


def seen_column(*, photo: bool) -> tuple[gr.Image | None, gr.Image, gr.ImageSlider]:
    """Make what the model sees: the photo with its crop (for photos), the crop itself, and the slider."""
    marked = picture_output("The crop on the photo", height=240, classes="clear") if photo else None
    seen = picture_output("What the model sees", height=276, classes="clear")
    slider = gr.ImageSlider(
        label="Before and after", format="png", interactive=False, elem_classes="fill", buttons=BUTTONS
    )
    return marked, seen, slider


def results_panel(kind: Kind, *, photo: bool) -> Results:
    """Make the outputs of a task, two columns inside the current row.

    Args:
        kind: Whether the task gives one picture or several.
        photo: Whether its input is a photo.
    """
    with gr.Column(elem_classes="seen-column"):
        marked, seen, slider = seen_column(photo=photo)
    with gr.Column(elem_classes="result-column"):
        first: gr.Image | gr.Gallery
        if kind == "image":
            first = picture_output("Result", height=320)
        else:
            first = gr.Gallery(
                label="Results", format="png", columns=2, height=420, interactive=False, buttons=[*BUTTONS]
            )
        told = gr.Markdown(elem_classes="note told")
        words = gr.Markdown(elem_classes="words")
        pasting = _pasting() if photo else None
        archive = gr.DownloadButton("All files (ZIP)", size="sm", interactive=False)
        latents = as_path(gr.File(label="Latents (W+ codes)", height=90, interactive=False))
        link = gr.Textbox(
            label="Recipe",
            info="A link that restores these settings; your picture is not in it",
            interactive=False,
            buttons=["copy"],
        )
        with gr.Accordion("Details", open=False):
            details = gr.JSON(label="Details")
    source = untouched(
        gr.Image(label="Made of", type="filepath", image_mode=None, format="png", visible=False)
    )
    chosen = gr.Number(0, precision=0, minimum=0, visible=False, label="Chosen", info="Set by the page")
    return Results(
        marked, seen, slider, first, words, latents, archive, link, details, told, source, chosen, pasting
    )  # fmt: skip


def _pasting() -> Pasting:
    faces = gr.Gallery(
        label="All faces",
        visible=False,
        columns=4,
        height=220,
        format="png",
        interactive=False,
        buttons=[*BUTTONS],
    )
    button = gr.Button("Paste back into the photo", size="sm", interactive=False)
    pasted = picture_output("In the photo", height=320)
    pasted.visible = False
    return Pasting(faces, gr.State([]), button, pasted)


def picture_output(label: str, height: int, classes: str = "") -> gr.Image:
    """Make an image output that shows a file as it is, enlarged where it is small."""
    picture = gr.Image(
        label=label,
        format="png",
        type="filepath",
        image_mode=None,
        height=height,
        interactive=False,
        elem_classes=["fill", classes],
        buttons=BUTTONS,
    )
    return untouched(picture)  # it comes back as an input of what follows


def need(given: str | None, what: str) -> str:
    """Return the path of an input, or say that there is none."""
    if not given:
        raise PspError(f"There is no {what} yet.", "Choose one on the left, or take an example.")
    return given


def result_files(result: Result, kind: Kind) -> tuple[Any, str | None, dict[str, Any]]:
    """Write a result into Gradio's cache and return the three outputs of the API.

    The cache names folders by content, so no two requests share a file, and ``delete_cache`` empties it.
    """
    note([result])
    name = result.recipe.task
    paths = [
        cached(result.png(index), f"{name}-{index}.png" if kind == "gallery" else f"{name}.png")
        for index in range(len(result.images))
    ]
    data = result.latents_file()
    codes = None if data is None else cached(data, f"{name}.safetensors")
    if kind == "image":
        return paths[0], codes, result.details
    return list(zip(paths, captions(result.details), strict=True)), codes, result.details


def captions(details: dict[str, Any]) -> list[str]:
    """Return a caption for each picture of a gallery: its seed, or its share of the style."""
    settings = details["recipe"]["settings"]
    count = settings.get("variants", 1)
    if "seed" not in settings:
        share = settings.get("alpha", 1.0)
        return [f"α {share * (index + 1) / count:.2f}" for index in range(count)]
    plain = details["recipe"]["task"] == "super_resolution"
    return [
        "likeliest" if plain and not index else f"seed {settings['seed'] + index}" for index in range(count)
    ]


def paths_of(first: Any) -> list[str]:  # noqa: ANN401  (what Gradio hands over)
    """Return the paths of the pictures in an Image or a Gallery."""
    if not first:
        return []
    return [first] if isinstance(first, str) else [item[0] for item in first]


def connect_results(done: Dependency, results: Results, fresh: Fresh, see: See | None = None) -> Dependency:
    """Fill what is beside the API's outputs once there is a result.

    Args:
        done: The success of the task, as ``fresh`` has noted it.
        results: The outputs.
        fresh: Knows whether the result is still that of what the tab says.
        see: Makes what the model saw; None where nothing was seen.

    Returns:
        The event that fills them.
    """

    def show(
        source: str | None,
        first: Any,  # noqa: ANN401  (what Gradio hands over)
        latents: str | None,
        details: dict[str, Any],
        shown: str | None,
    ) -> tuple[Any, ...] | list[Any]:
        if not first:
            return [gr.skip()] * len(outputs)  # the input has changed by the time the result came
        details = checked_details(details)
        seen = see(source, details) if source and see else None
        if seen is None and see is not None and shown:
            seen = open_png(shown)  # codes were the base: what was made of them before stays in sight
        paths = paths_of(first)
        name = details["recipe"]["task"]
        archive = cached(pack(_read_all(paths, latents)), f"{name}.zip")
        query = recipe_from_dict(details["recipe"]).to_query() if details["model"] else ""
        return (
            seen and cached_picture(seen, "seen"),
            beside(seen, paths[0]),
            summary(details),
            gr.update(value=archive, interactive=True),
            query,
            0,
            *(Pasting.emptied(ready=bool(source and details["alignment"])) if pasting else []),
        )

    pasting = results.pasting
    outputs = [*results.beside_api(), *(pasting.everything() if pasting else [])]
    shown: Dependency = done.success(
        in_words(show),
        inputs=[results.source, *results.of_api(), results.seen],
        outputs=outputs,
        api_visibility="private",
    )
    # The page alone knows under which address it is seen.
    addressed = shown.success(
        None,
        inputs=results.link,
        outputs=results.link,
        js="query => query ? location.origin + location.pathname + query : ''",
        api_visibility="private",
    )
    fresh.settle(addressed)
    return shown


def _read_all(pictures: list[str], latents: str | None) -> dict[str, bytes]:
    """Return the files of a result by their names.

    Raises:
        PspError: There is no picture, or they are too large together to be a result.
    """
    if not pictures:
        raise PspError("There is no result yet.", "Run the task first.")
    files = [Path(path) for path in (*pictures, latents) if path]
    if sum(file.stat().st_size for file in files) > _LARGEST_RESULT:
        raise PspError("The files are too large for a result.", "Run the task again.")
    return {file.name: file.read_bytes() for file in files}


def connect_gallery(results: Results, fresh: Fresh) -> list[Dependency]:
    """Show what is chosen in a gallery of results beside what the model saw; return the event, if any."""
    if not isinstance(results.first, gr.Gallery):
        return []
    results.first.elem_id = f"results-{fresh.task}"
    looked = results.first.select(
        in_words(_look_at),
        inputs=[results.seen, results.first],
        outputs=[results.slider, results.chosen],
        api_visibility="private",
    )
    fresh.settle(looked)
    return [looked]


def choose(results: Results, fresh: Fresh, at: int) -> str:
    """Return the ``js`` that gives an event the picture that is looked at when it happens.

    The server may hear of a choice after a button was pressed that is about it.

    Args:
        results: The outputs.
        fresh: Names the tab.
        at: The place of ``results.chosen`` among the event's inputs.
    """
    if not isinstance(results.first, gr.Gallery):
        return "(...values) => values"
    picked = f"results.picked('results-{fresh.task}', values[{at}])"
    return f"(...values) => values.map((value, index) => index === {at} ? {picked} : value)"


def picture_at(first: Any, chosen: float) -> str:  # noqa: ANN401  (what Gradio hands over)
    """Return the path of one of the pictures of a result.

    Raises:
        PspError: There is none.
    """
    paths = paths_of(first)
    if not 0 <= int(chosen or 0) < len(paths):
        raise PspError("There is no such picture.", "Choose one of the results.")
    return paths[int(chosen or 0)]


def write_back_seed(event: Dependency, results: Results, seed: gr.components.Component) -> None:
    """Show the seed that was used, where it was chosen by chance, so that the same faces come again."""
    js = "(details, seed) => details?.recipe?.settings?.seed ?? seed"
    event.success(None, [results.details, seed], seed, js=js, api_visibility="private")


def _look_at(seen: str | None, first: Any, event: gr.SelectData) -> tuple[Any, int]:  # noqa: ANN401  (what Gradio hands over)
    picture = open_png(seen) if seen else None
    paths = paths_of(first)
    if event.index >= len(paths):
        raise PspError("There is no such picture.", "Click one of the pictures.")
    return beside(picture, paths[event.index]), int(event.index)


def beside(seen: Image.Image | None, made: str) -> tuple[str, str] | None:
    """Return before and after in one size, for the slider; None where nothing was seen (codes)."""
    if seen is None:
        return None
    before = seen.resize(open_png(made).size, Image.Resampling.LANCZOS)
    return cached_picture(before, "before"), made


def recipe_at(path: str) -> Recipe:
    """Return the recipe in one of our own PNGs."""
    recipe = recipe_of_png(read_png_header(path))
    if recipe is None:
        raise PspError("This is no picture of the studio.", "Run the task again.")
    return recipe


def open_png(path: str) -> Image.Image:
    """Return the picture of one of our own PNGs."""
    return load_picture(path)
