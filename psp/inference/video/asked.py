"""What is asked of a video, checked before anything is done."""

from __future__ import annotations

from dataclasses import dataclass

from psp.codes.edits import parse_edits, write_edits
from psp.errors import InputError
from psp.parameters import Setting
from psp.ranges import check_number, check_word

# Edits that change what lies around the face.
_WIDE = frozenset({"yaw", "pitch", "hat", "hair_length", "hair_lightness", "hair_warmth"})


@dataclass(frozen=True)
class Asked:
    """How a video is changed; see ``PspPipeline.video``.

    Attributes:
        task: "toonify", "encode" or "edit".
        face: Which face, of the first frame in which one is found.
        edits: For "edit".
        strength: For "toonify".
        likeness: "quick" or "exact", for "encode" and "edit".

    Raises:
        InputError: A setting cannot be used.
    """

    task: str
    face: int = 0
    edits: str = ""
    strength: float = 1.0
    likeness: str = "quick"

    def __post_init__(self) -> None:
        check_word("task", self.task)
        check_word("likeness", self.likeness)
        check_number("strength", self.strength)
        check_number("face", self.face)
        parse_edits(self.edits)
        if self.likeness == "close" and self.task != "toonify":
            raise InputError("Close likeness takes minutes a second of a video.", "Take quick or exact.")
        if self.task == "edit" and not parse_edits(self.edits):
            raise InputError("Nothing would change.", "Give edits: smile:0.8, age:1, …")

    @property
    def exact(self) -> bool:
        """Whether what codes cannot say is kept."""
        return self.likeness == "exact" and self.task != "toonify"

    @property
    def beyond_face(self) -> bool:
        """Whether more than the face, from chin to hairline, is put back: hair and what is behind it."""
        wide = self.task == "encode" or not _WIDE.isdisjoint(parse_edits(self.edits))
        return self.exact and wide

    def settings(self) -> dict[str, Setting]:
        """Return what the recipe says of it: what counts for the task."""
        told: dict[str, Setting] = {"task": self.task, "face": self.face}
        if self.task == "toonify":
            return {**told, "strength": self.strength}
        edits = {"edits": write_edits(parse_edits(self.edits))} if self.task == "edit" else {}
        return {**told, **edits, "likeness": self.likeness}
