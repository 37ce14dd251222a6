"""The settings of tasks, each said once: command line, page, recipes and the API's checks are made of it.

``psp.tasks`` says which task has which; ``psp.ranges`` holds values against them. Pure data: knows no models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

MAX_VARIANTS = 16
"""How many variants one request may ask for."""

MAX_SEED = 2**32 - 1

MAX_FACE = 9999
"""The largest number of a face: no photo has more of them."""

Setting = bool | int | float | str
"""What a setting's value can be."""


@dataclass(frozen=True)
class Parameter:
    """One setting of a task.

    Attributes:
        name: In the API, in recipes, and with ``--`` before it on the command line.
        default: What it is where nobody says. It has the setting's type.
        label: Its name on the page.
        help: What it does, for a person: a phrase without a full stop.
        low: The least number.
        high: The largest number.
        choices: The only numbers, where there are few, and what each is called on the page.
        words: The only texts, where there are few.
        grammar: How other texts are written: "layers" or "edits" (``psp.ranges``).
        below: What numbers below 0 mean, where these are taken too.
        off: What "no" means, where it is yes or no: for the command line, which says it as ``--no-…``.
    """

    name: str
    default: Setting
    label: str
    help: str
    low: float = 0
    high: float = 0
    choices: tuple[tuple[int, str], ...] = ()
    words: tuple[str, ...] = ()
    grammar: Literal["", "layers", "edits"] = ""
    below: str = ""
    off: str = ""

    def __post_init__(self) -> None:
        ranged = self.type in (int, float) and not self.choices
        assert not ranged or self.low < self.high, f"{self.name}: a number has a range, or a few choices"

    @property
    def type(self) -> type[Setting]:
        """The type of its values."""
        return type(self.default)

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers; yes and no are none."""
        return self.type in (int, float)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The only numbers it can be; empty where all of a range will do."""
        return tuple(number for number, _ in self.choices)

    def told(self) -> str:
        """Return which values can be used, as a sentence."""
        if self.choices:
            return f"Take one of {', '.join(map(str, self.numbers))}."
        if self.words:
            return f"Take {' or '.join(self.words)}."
        kind = "whole number" if self.type is int else "number"
        below = f"; below 0: {self.below}" if self.below else ""
        return f"Take a {kind} from {0 if self.below else self.low:.15g} to {self.high:.15g}{below}."

    def but(
        self, *, default: Setting | None = None, help: str = "", words: tuple[str, ...] = ()
    ) -> Parameter:
        """Return the same setting as one task has it: with another default or help, or some of the words."""
        default = self.default if default is None else default
        return replace(self, default=default, help=help or self.help, words=words or self.words)


MODEL = Parameter("model", "auto", "Model", "auto: the default of this studio")
ALIGN = Parameter(
    "align",
    True,
    "Find and crop the face",
    "switch off for pictures that are face crops already",
    off="take the picture as it is",
)
ALIGN_OFF = "switch alignment off (align=False)"
"""How errors and warnings say it; the page puts the name of its own control in the place of this."""

FACE = Parameter("face", 0, "Face", "which face; 0 is the largest, then by size", high=MAX_FACE)
LIKENESS = Parameter(
    "likeness",
    "quick",
    "Likeness",
    "quick: what codes can say; close: the same, looked for longer; exact: also hats, curls and backgrounds",
    words=("quick", "close", "exact"),
)
EDITS = Parameter(
    "edits", "", "Edits", "what is changed and how much, -1 to 1: smile:0.5,age:-1", grammar="edits"
)
STRENGTH = Parameter("strength", 1.0, "Strength", "0: the face as Encode makes it; 1: fully drawn", high=1)
FACTOR = Parameter(
    "factor",
    0,
    "Shrink first",
    "only to demonstrate: a good photo is made small before it is enlarged",
    choices=((0, "As it is"), *((factor, f"{factor} times smaller") for factor in (4, 8, 16, 32))),
)
VARIANTS = Parameter("variants", 1, "Variants", "how many faces to make", low=1, high=MAX_VARIANTS)
SEED = Parameter(
    "seed", 0, "Seed", "the same seed gives the same faces; -1: by chance",
    low=-MAX_SEED, high=MAX_SEED, below="by chance",
)  # fmt: skip
LAYERS = Parameter("layers", "auto", "Layers", "which layers take the style", grammar="layers")
ALPHA = Parameter("alpha", 1.0, "Amount", "share of the style in these layers", high=1)

SECONDS = Parameter("seconds", 2.0, "Seconds", "how long the clip is", low=1, high=4)
LOOP = Parameter("loop", True, "There and back", "ends where it began", off="only there")
SIZE = Parameter(
    "size", 512, "Size", "side of the clip in pixels", choices=((256, "256 px, soon there"), (512, "512 px"))
)
FORMAT = Parameter(
    "format", "mp4", "Format", "mp4: H.264, small and smooth; gif: plays anywhere", words=("mp4", "gif")
)

TASK = Parameter(
    "task",
    "toonify",
    "What to do",
    "toonify: an illustration; encode: the face as a model rebuilds it; edit: smile, age, light, …",
    words=("toonify", "edit", "encode"),
)

# What recipes say besides: nobody sets these.
VARIANT = Parameter("variant", 0, "Variant", "which picture of several it is", high=MAX_VARIANTS - 1)
STEPS = Parameter("steps", 40, "Steps", "how far codes came closer, where that was stopped", high=40)
STYLE = Parameter("style", "random", "Style", "what was mixed in", words=("random", "picture"))
FACES = Parameter("faces", 3, "Faces", "how many faces a clip goes through", low=3, high=6)
PARSER = Parameter(
    "parser", "compact", "Parser", "who mapped a photo", words=("compact", "landmarks", "segformer")
)

SETTINGS: dict[str, Parameter] = {
    value.name: value
    for value in tuple(globals().values())
    if isinstance(value, Parameter) and value is not MODEL
}
"""Everything that a recipe may hold beside task and model, by name: all of the above."""
