"""What is done with photos besides the tasks: reading, places of faces, crops, and results put back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from PIL import Image

from psp.config import Settings
from psp.faces.alignment import Alignment, FoundFaces, check_quad, crop_quad
from psp.faces.crops import Crops, PhotoFile
from psp.inference.calls import task_calls
from psp.inference.hosted import Hosted
from psp.inference.inputs import CROP_SIZE, Seen, place_every_face
from psp.inference.paste import paste_back
from psp.pictures.images import PictureSource, file_content, limit_pillow, load_picture
from psp.pictures.papers import read_drawing

Photo: TypeAlias = "PictureSource | FoundFaces"


@task_calls
class Photos(Hosted):
    """What a pipeline does with photos without a model; errors are those of ``PspPipeline``.

    Args:
        settings: The limits of pictures; from the environment by default.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        limit_pillow(self.settings.max_pixels)
        self._crops = Crops()

    def places(
        self, photo: Photo, align: bool = True, face: int = 0, *, tiny: bool = False
    ) -> tuple[Alignment, ...]:
        """Return what a task would crop out of ``photo``: every face known, or the one square.

        Args:
            photo: The photo.
            align: Whether faces are looked for.
            face: A face that must be among them; more are looked for until it is.
            tiny: Whether a picture of at most 128 px without a face is taken as it is, as super-resolution
                does.
        """
        return place_every_face(self._seen(photo), align, face, tiny=tiny)

    def paste_back(self, photo: Photo, made: Sequence[tuple[Image.Image, Mapping[str, Any]]]) -> Image.Image:
        """Put results back into the full-resolution photo that they come from.

        Of an aligned face, the face is replaced, from chin to hairline; of a picture that was taken as it is,
        all of its square, softly faded out.

        Args:
            photo: The photo.
            made: Pictures with their places (``details["alignment"]``), one or several faces.

        Returns:
            RGB, of the photo's size.
        """
        picture = self.read(photo)
        for face, place in made:
            quad = check_quad(place.get("quad"), picture.size)
            picture = paste_back(picture, face, quad, mask="crop" if place.get("face") is None else "face")
        return picture

    def crop(self, photo: Photo, quad: Sequence[Sequence[float]], size: int = CROP_SIZE) -> Image.Image:
        """Return the crop of ``size`` px of ``photo`` at ``quad``, as ``details["alignment"]`` has it."""
        picture = self.read(photo)
        return crop_quad(picture, check_quad(quad, picture.size), size)

    def read(self, photo: Photo, *, flat: bool = True) -> Image.Image:
        """Return a picture as the tasks see it: upright, RGB, within the limit of pixels.

        Args:
            photo: The picture.
            flat: Whether to make it RGB without transparency; maps keep their own mode.
        """
        if isinstance(photo, FoundFaces):
            return photo.photo
        return load_picture(photo, self.settings.max_pixels, flat=flat)

    def _drawing(self, sketch: Photo) -> Image.Image:
        """Return a drawing with what is transparent of it."""
        given = sketch.photo if isinstance(sketch, FoundFaces) else sketch
        return read_drawing(given, self.settings.max_pixels)

    def _seen(self, photo: Photo) -> Seen:
        """Return a photo as it is cropped: one whose crops are known is not opened before it is needed."""
        if isinstance(photo, FoundFaces):
            return photo
        content = file_content(photo)
        if content is None:
            return self.read(photo)
        data, name = content
        most = self.settings.max_pixels
        seen = PhotoFile(
            hashlib.sha256(data).hexdigest(), lambda: load_picture(data, most, name=name), self._crops
        )
        if not self._crops.knows(seen.content):
            _ = seen.photo  # what is wrong with it is told before anything else is done
        return seen
