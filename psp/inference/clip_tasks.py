"""The tasks that give clips instead of pictures: a face that moves, and a face in a video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from psp.codes.latents import CodesFile, codes_from_bytes
from psp.config import Settings
from psp.inference.calls import task_calls
from psp.inference.inputs import read_file
from psp.inference.moving import Moving, faces_through, move
from psp.inference.network import Accelerate, Network, Step
from psp.inference.photos import Photo, Photos
from psp.inference.result import Result
from psp.inference.video.asked import Asked
from psp.inference.video.cost import Cost, Pace
from psp.inference.video.run import make_video
from psp.pictures.video.source import open_video
from psp.ranges import check_word


@task_calls
class ClipTasks(Photos):
    """What a pipeline makes clips of; errors are those of ``PspPipeline``.

    Args:
        settings: Where models are found and where they run; from the environment by default.
        accelerate: Wraps the function that runs the network.
    """

    def __init__(self, settings: Settings | None = None, accelerate: Accelerate | None = None) -> None:
        super().__init__(settings)
        self.network = Network(self.settings, accelerate)
        self._pace = Pace()

    def move(
        self,
        photo: Photo | CodesFile,
        style: Photo | None = None,
        directions: bytes | Path | str | None = None,
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        edits: str = "",
        likeness: str = "quick",
        seconds: float = 2.0,
        loop: bool = True,
        size: int = 512,
        format: str = "mp4",
        through: Sequence[Photo | CodesFile] | None = None,
        step: Step | None = None,
    ) -> Result:
        """Make a clip of a face that changes into an edited one, or into other faces; 25 frames a second.

        Args:
            photo: As for ``edit``.
            style: A picture with another face, its largest; None: the face changes by ``edits`` alone.
            directions: As for ``edit``.
            model: See the class.
            align: See the class.
            face: See the class.
            edits: As for ``edit``; of the face that it ends with.
            likeness: As for ``edit``.
            seconds: How long it is, 1 to 4.
            loop: Whether it goes there and back.
            size: 256 or 512 px.
            format: "mp4" or "gif".
            through: Faces on the way, four at most: photos (the largest face is taken) or codes, as files
                that end in ".safetensors" or as what ``codes_from_bytes`` read. Where no style is given, the
                clip ends with the last of them.
            step: See the class.

        Returns:
            A result whose ``clip`` is the file; its pictures and codes are the first and the last.
        """
        check_word("format", format)
        seen = photo if isinstance(photo, CodesFile) else self._seen(photo)
        others = [self._face_in(each) for each in faces_through(through)]
        others += [] if style is None else [self.read(style)]
        asked = Moving(edits, likeness, float(seconds), loop, int(size), format)
        return move(self.network, seen, others, directions, model, align, face, asked, step)

    def _face_in(self, given: Photo | CodesFile) -> Image.Image | CodesFile:
        """Return a photo, or codes, read if they are in a file."""
        if isinstance(given, CodesFile):
            return given
        if isinstance(given, str | Path) and Path(given).suffix.lower() == ".safetensors":
            return codes_from_bytes(read_file(given))
        return self.read(given)

    def video(
        self,
        video: str | Path,
        task: str = "toonify",
        model: str = "auto",
        face: int = 0,
        edits: str = "",
        strength: float = 1.0,
        likeness: str = "quick",
        step: Step | None = None,
    ) -> Result:
        """Change one face in a short video: followed over time, steadied, put back into each frame.

        Of the video, the first ten seconds are used, at most 30 frames a second and 1280 px
        (``psp.pictures.video.source``); its sound stays, nothing else of it does. What that costs,
        :meth:`video_cost` tells before.

        Args:
            video: The file: MP4, MOV, WebM or MKV.
            task: "toonify", "encode" or "edit".
            model: See the class.
            face: Which face, of the first frame that shows one; 0 is the largest.
            edits: For "edit", as there.
            strength: For "toonify", as there.
            likeness: For "encode" and "edit": "quick": the face from chin to hairline; "exact": all of the
                crop, with what codes cannot say.
            step: See the class; told of every frame, and what all of them cost first.

        Returns:
            A result whose ``clip`` is the MP4 (H.264); its pictures and codes are those of the first and the
            last frame that has a new face.

        Raises:
            VideoError: The file is no video that can be read, or too large or too small.
        """
        asked = Asked(check_word("task", task), face, edits, strength, likeness)
        return make_video(self.network, video, model, asked, self._pace, step)

    def video_cost(
        self, video: str | Path, task: str = "toonify", strength: float = 1.0, likeness: str = "quick"
    ) -> Cost:
        """Return what a video will cost, from its header: frames, and about how many seconds on this machine.

        Args:
            video: As for :meth:`video`.
            task: As for :meth:`video`.
            strength: As for :meth:`video`.
            likeness: As for :meth:`video`.

        Raises:
            VideoError: The file is no video that can be read, or too large or too small.
        """
        exact = check_word("likeness", likeness) == "exact" and check_word("task", task) != "toonify"
        asked = Asked(
            "encode" if task == "edit" else task, strength=strength, likeness="exact" if exact else "quick"
        )
        return self._pace.cost(open_video(video), asked, self.network.device)
