"""The tasks of the studio: what goes in, and the words that the page and the command line use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

InputKind = Literal["photo", "sketch", "mask"]


@dataclass(frozen=True)
class Task:
    """One kind of translation.

    Attributes:
        name: Name in the API, on the command line and in file names.
        title: Name of the tab.
        kind: What goes in.
        caption: What it does, for a person, one or two sentences.
        limits: What it cannot do, plainly.
    """

    name: str
    title: str
    kind: InputKind
    caption: str
    limits: str


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="encode",
            title="Encode",
            kind="photo",
            caption="Find the face in a photo and rebuild it from a generator's codes (StyleGAN inversion).",
            limits=(
                "The result is a synthetic portrait that resembles the input, not the photo itself. Hats, "
                "hands, glasses and strong profiles are often lost."
            ),
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
        ),
        Task(
            name="segmentation_to_face",
            title="Segmentation → face",
            kind="mask",
            caption="Paint where skin, hair, eyes and clothes are, and get portraits that follow the map.",
            limits=(
                "The map gives places, not looks: everything else comes from a random style. Hats, jewellery "
                "and glasses are understood only as far as the model has seen them."
            ),
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
        ),
        Task(
            name="toonify",
            title="Toonify",
            kind="photo",
            caption="Turn a face into an illustration, from a little to fully.",
            limits="Large eyes and smooth skin are part of the style; at full strength likeness is lost.",
        ),
        Task(
            name="style_mix",
            title="Style mixing",
            kind="photo",
            caption="Blend the codes of one face with those of another, or of random faces, layer by layer.",
            limits="Layers are not clean switches: changing one group shifts the others a little.",
        ),
    )
}
