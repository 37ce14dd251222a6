"""What is done with photos besides the tasks: reading, places of faces, crops, and results put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from PIL import Image

from psp.config import Settings
from psp.faces.alignment import Alignment, FoundFaces, align_all, check_quad, crop_quad
from psp.inference.calls import task_calls
from psp.inference.hosted import Hosted
from psp.inference.inputs import CROP_SIZE, Seen, place_face, place_small_face
from psp.inference.paste import paste_back
from psp.pictures.images import PictureSource, limit_pillow, load_picture
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
        picture = self.read(photo)
        chosen = place_small_face(picture, align, face) if tiny else place_face(picture, align, face)
        return align_all(picture, face, CROP_SIZE) if chosen.faces > 1 else (chosen,)

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
        return photo if isinstance(photo, FoundFaces) else self.read(photo)
