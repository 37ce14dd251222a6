"""What a model takes: photos, sketches, or maps of which classes; and whether a task gives that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psp.errors import CheckpointError, SettingsError
from psp.maps.classes import MOST, MapClasses, classes_from_json, numbered_classes
from psp.maps.palette import CLASSES, FACE_CLASSES
from psp.tasks import CALLS, TASKS, InputKind

_CHANNELS: dict[InputKind, int] = {"photo": 3, "sketch": 1}
_GIVES: dict[InputKind, str] = {
    "photo": "photos (3 channels)",
    "sketch": "sketches (1 channel)",
    "mask": "maps (a channel for each class)",
}


@dataclass(frozen=True)
class ModelInput:
    """What an encoder takes.

    Attributes:
        channels: Of its input.
        kind: What that is; None: nothing that the studio can give.
        classes: The classes of its maps; None: it takes no maps.
    """

    channels: int
    kind: InputKind | None
    classes: MapClasses | None = None

    def words(self) -> str:
        """Return what it takes, for a person."""
        if self.kind is None:
            return f"{self.channels} channels, which nothing here gives"
        if self.classes is None:
            return _GIVES[self.kind]
        whose = "the 19 face classes" if self.classes == FACE_CLASSES else f"{self.channels} classes"
        return f"maps of {whose} ({self.channels} channels)"

    def tasks(self) -> tuple[str, ...]:
        """Return the tasks that give it that."""
        return tuple(name for name, task in TASKS.items() if task.kind == self.kind)

    def require(self, task: str, name: str) -> None:
        """Refuse a model that does not take what ``task`` gives.

        Args:
            task: Name of the task.
            name: What the model is called, for the error.

        Raises:
            CheckpointError: It takes something else; says what, and which task fits.
        """
        wanted = CALLS[task].kind
        if self.kind == wanted:
            return
        fits = " or ".join(self.tasks()) if self.kind else ""
        raise CheckpointError(
            f"{name} takes {self.words()}, but {task!r} gives it {_GIVES[wanted]}.",
            f"Use it with {fits}, or choose a model for {task!r}."
            if fits
            else f"Choose a model for {task!r}.",
        )


def model_input(channels: int, info: Mapping[str, str], name: str) -> ModelInput:
    """Return what a model takes, from the channels of its encoder and what its file says.

    One and three channels are sketches and colour, unless the file says that it is for maps; of all others
    each is a class, 19 those of faces where the file names no others.

    Args:
        channels: Of the encoder's input.
        info: What the model's file says of it: "task", "classes".
        name: What the model is called, for errors.

    Raises:
        CheckpointError: The file names other classes than the encoder takes.
    """
    task = info.get("task", "")
    mapped = (task in TASKS and CALLS[task].kind == "mask") or "classes" in info
    if "classes" in info:
        try:
            classes = classes_from_json(info["classes"])
        except SettingsError as error:
            raise CheckpointError(f"{name}: {error.problem}", error.next_step) from error
        if len(classes) != channels:
            raise CheckpointError(
                f"{name} names {len(classes)} classes, but its encoder takes {channels}.",
                "Save the model again.",
            )
        return ModelInput(channels, "mask", classes)
    for kind, count in _CHANNELS.items():
        if channels == count and (not mapped or count == 1):  # there are no maps of one class
            return ModelInput(channels, kind)
    if channels > MOST or channels < 1:
        return ModelInput(channels, None)
    return ModelInput(
        channels, "mask", FACE_CLASSES if channels == len(CLASSES) else numbered_classes(channels)
    )
