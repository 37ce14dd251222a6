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
    )
}
