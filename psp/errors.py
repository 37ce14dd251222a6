"""Every error that the studio raises on purpose: each names the problem and what to do next."""

from __future__ import annotations


class PspError(Exception):
    """Base of all errors meant for a person to read.

    Attributes:
        problem: What is wrong, one sentence.
        next_step: What the reader can do about it, one sentence; may be empty.
    """

    def __init__(self, problem: str, next_step: str = "") -> None:
        super().__init__(problem, next_step)  # both kept as args, so that the error survives pickling
        self.problem = problem
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.problem} {self.next_step}".strip()


class InputError(PspError):
    """The user's picture or argument cannot be used."""


class PictureError(InputError):
    """A file is not a picture that can be read, or is too large or too small."""


class VideoError(InputError):
    """A file is not a video that can be read, or is too large or too small."""


class FaceNotFoundError(InputError):
    """No face was found in a photo that should be aligned."""


class FaceIndexError(InputError):
    """The photo has fewer faces than the index asked for."""


class CheckpointError(PspError):
    """A weight file is missing, damaged, unsafe, or of another architecture."""


class ModelNotFoundError(CheckpointError):
    """No model of that name is known, or its file is nowhere to be found."""


class PushError(PspError):
    """A model cannot be uploaded: no token, no network, refused by the Hub, or nothing to upload."""


class DeployError(PspError):
    """The studio cannot become a Space: a wrong card, a file that must not go, or the Hub refuses."""


class SettingsError(PspError):
    """An environment variable or a command-line option has an unusable value."""


class TrainingError(PspError):
    """Training cannot start or go on: broken data, a NaN, a checkpoint of another run."""


class DeviceMemoryError(PspError):
    """The device has too little memory for the work."""


class StoppedError(PspError):
    """The user stopped the work, or nobody waits for it any more."""


class EnoughError(StoppedError):
    """The user wants what is made by now; where nothing can be handed out yet, the work was stopped."""


class TimeLimitError(PspError):
    """A request to the page takes longer than one may."""
