"""The tasks of the studio: what goes in, which settings they have, and the words that say so.

The command line, the page's controls, recipes and the API's checks are made of this table; methods and
endpoints, which need explicit signatures, are held equal to it by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psp.parameters import (
    ALIGN,
    ALPHA,
    EDITS,
    FACE,
    FACTOR,
    FORMAT,
    LAYERS,
    LIKENESS,
    LOOP,
    MODEL,
    SECONDS,
    SEED,
    SIZE,
    STRENGTH,
    TASK,
    VARIANTS,
    Parameter,
)

InputKind = Literal["photo", "sketch", "mask", "latents", "video"]
"""What goes in; also its name in the API."""


@dataclass(frozen=True)
class Task:
    """One thing that the studio does.

    Attributes:
        name: Name in the API, on the command line and in file names.
        title: What it is called.
        kind: What goes in.
        caption: What it does, for a person, one or two sentences.
        limits: What it cannot do, plainly; empty where nothing needs saying.
        parameters: Its settings, in the order of the API.
        more: Names of further files that can go in: a picture for "style", else for "directions", "latents".
        last: Names of lists of files that can go in, after the settings: faces for "through".
        model: The task whose model it uses; empty where it needs none.
        tracer: The tool that makes its input of a photo, where it takes something else.
        short: Its name in one word, as the page's tabs have it; empty where the title is one.
    """

    name: str
    title: str
    kind: InputKind
    caption: str
    limits: str = ""
    parameters: tuple[Parameter, ...] = ()
    more: tuple[Literal["style", "directions", "latents"], ...] = ()
    last: tuple[Literal["through"], ...] = ()
    model: str = ""
    tracer: str = ""
    short: str = ""

    @property
    def tab(self) -> str:
        """Name of its tab; in small letters also its name in the page's address (``#toonify``)."""
        return self.short or self.title

    def own(self) -> tuple[Parameter, ...]:
        """Return the settings that are this task's own: those beside model, alignment and face."""
        return tuple(p for p in self.parameters if p.name not in ("model", "align", "face"))

    def has(self, name: str) -> bool:
        """Return whether there is a setting of this name."""
        return any(parameter.name == name for parameter in self.parameters)


_PHOTO = (MODEL, ALIGN, FACE)
_FADES = "quick, close: what codes can say; exact: also hats, curls and backgrounds, where nothing changes"
_CLOSER = "close: the codes are moved towards the photo; exact: they stay, hats and curls are added"
_IN_VIDEOS = "encode, edit: quick, what codes can say; exact: also hats, curls and backgrounds"
_DRAWN = (
    MODEL,
    VARIANTS,
    SEED,
    LAYERS.but(help="which layers take a random style; those of colours keep to what is drawn"),
    ALPHA,
)

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="encode",
            title="Encode",
            kind="photo",
            caption="Find the face in a photo and rebuild it from a generator's codes (StyleGAN inversion).",
            limits=(
                "Exact repeats the photo at 256 px; what it adds stands beside the codes, and edits and "
                "mixtures that start from these keep it where nothing changes. Quick is what codes can "
                "say: hats often become hair, hands and single curls go, backgrounds are simplified, "
                "profiles turn."
            ),
            parameters=(*_PHOTO, LIKENESS),
            model="encode",
        ),
        Task(
            name="edit",
            title="Edit",
            kind="photo",
            caption="Change one thing about a face: smile, age, pose, glasses, hair, light.",
            limits=(
                "What generators learned together moves together a little: age brings glasses, a turned head "
                "another collar. Where the picture changes, what codes cannot say of the photo fades."
            ),
            parameters=(*_PHOTO, EDITS, LIKENESS.but(help=_FADES)),
            more=("directions",),
            model="encode",
        ),
        Task(
            name="frontalize",
            title="Frontalise",
            kind="photo",
            caption="Turn a face to the front.",
            limits=(
                "What the photo does not show is invented, so the far side of the face is a guess. "
                "Full profiles stay difficult."
            ),
            parameters=_PHOTO,
            model="frontalize",
        ),
        Task(
            name="sketch_to_face",
            title="Sketch → face",
            kind="sketch",
            caption="Draw a face, or upload a drawing, and get portraits that follow it.",
            limits=(
                "A drawing says nothing of colour: that comes from a random style. The face should look to "
                "the front and fill the paper as a passport photo does."
            ),
            parameters=_DRAWN,
            model="sketch_to_face",
            tracer="photo_to_sketch",
            short="Sketch",
        ),
        Task(
            name="segmentation_to_face",
            title="Segmentation → face",
            kind="mask",
            caption="Paint where skin, hair, eyes and clothes are, and get portraits that follow the map.",
            limits=(
                "The map gives places, not looks: colours come from a random style, and the people look "
                "alike. Hats and jewellery are often lost."
            ),
            parameters=_DRAWN,
            model="segmentation_to_face",
            tracer="photo_to_mask",
            short="Paint",
        ),
        Task(
            name="super_resolution",
            title="Super-resolution",
            kind="photo",
            caption="Make a larger, sharp face from a small or blurred one.",
            limits=(
                "The details are invented: they are plausible, not real, and must not be used to recognise "
                "anybody."
            ),
            parameters=(*_PHOTO, FACTOR, VARIANTS, SEED),
            model="super_resolution",
            short="Upscale",
        ),
        Task(
            name="toonify",
            title="Toonify",
            kind="photo",
            caption="Turn a face into an illustration, from a little to fully.",
            limits="Large eyes, outlines and flat tones are part of the style; small wrinkles are lost.",
            parameters=(*_PHOTO, STRENGTH),
            model="toonify",
        ),
        Task(
            name="style_mix",
            title="Style mixing",
            kind="photo",
            caption="Blend one face with another, or with random ones: pose and shape, features, colours.",
            limits="Layers are not clean switches: changing one group shifts the others a little.",
            parameters=(*_PHOTO, LAYERS, ALPHA, VARIANTS, SEED),
            more=("style",),
            model="encode",
            short="Mix",
        ),
    )
}
"""The tasks that have a tab, in its order."""

TOOLS: dict[str, Task] = {
    tool.name: tool
    for tool in (
        Task(
            name="align",
            title="Align",
            kind="photo",
            caption="Find a face and save its FFHQ-aligned crop; of a folder, all.",
            parameters=(FACE,),
        ),
        Task(
            name="decode",
            title="Decode",
            kind="latents",
            caption="Decode a .safetensors file of codes.",
            parameters=(MODEL,),
            model="encode",
        ),
        Task(
            name="refine",
            title="Refine",
            kind="photo",
            caption="Bring a face closer to its photo: from the encoder's answer, or from codes of yours.",
            limits="What codes cannot say, hats, hands and single curls, only exact adds.",
            parameters=(*_PHOTO, LIKENESS.but(default="close", help=_CLOSER, words=("close", "exact"))),
            more=("latents",),
            model="encode",
        ),
        Task(
            name="move",
            title="Move",
            kind="photo",
            caption="Make a clip of a face that changes: into an edited one, or through other faces.",
            limits="On a processor half a second a frame; two seconds have 26 frames, there and back.",
            parameters=(*_PHOTO, EDITS, LIKENESS.but(help=_FADES), SECONDS, LOOP, SIZE, FORMAT),
            more=("style", "directions"),
            last=("through",),
            model="encode",
        ),
        Task(
            name="video",
            title="Video",
            kind="video",
            caption="Change a face in a short video (MP4, MOV, WebM): it is followed, drawn anew, put back.",
            limits=(
                "One face, ten seconds, 1280 px. On a processor a frame takes a second or more. Where the "
                "face turns far away, or something covers it, the frames stay as they are."
            ),
            parameters=(TASK, MODEL, FACE, EDITS, STRENGTH, LIKENESS.but(help=_IN_VIDEOS)),
            model="toonify",
        ),
        Task(
            name="photo_to_sketch",
            title="Photo → sketch",
            kind="photo",
            caption="Draw a photo as a sketch.",
            parameters=(ALIGN, FACE),
        ),
        Task(
            name="photo_to_mask",
            title="Photo → map",
            kind="photo",
            caption="Map a photo by the 19 classes.",
            parameters=(ALIGN, FACE),
        ),
    )
}
"""What tabs and the command line do besides."""

CALLS: dict[str, Task] = TASKS | TOOLS
"""Everything that is called by its name: a method of the pipeline, a command and an endpoint each."""

MODEL_TASKS = tuple(name for name, task in TASKS.items() if task.model == name)
"""The tasks that have a model of their own, in the page's order."""
