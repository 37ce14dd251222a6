"""What a task hands back: pictures, codes and their story, and how these become files."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from psp.codes.details import Details
from psp.codes.latents import Codes, codes_to_bytes
from psp.codes.recipe import Recipe, picture_to_png
from psp.errors import InputError
from psp.files.saving import made_by, stem_of, write_files

# ZIP entries carry a time; a fixed one keeps equal results equal, byte for byte.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip.

    Attributes:
        data: The file.
        format: What it is, and its ending: "mp4" or "gif".
        frames: How many it has.
    """

    data: bytes
    format: str
    frames: int


@dataclass(frozen=True, eq=False)
class Result:
    """What a task made.

    Attributes:
        images: The pictures, RGB; several where variants were asked for.
        latents: The W+ codes that the pictures were decoded from, float32 [n,512], or [v,n,512] for several
            variants; None where a task makes no codes (a crop, a sketch, a map).
        recipe: What reproduces the result from the same input.
        details: Recipe, model, size, device, alignment, quality, timings (seconds), warnings: plain data.
        seen: What the model saw: the crop of a photo, the normalised sketch, the map; None for codes.
        inputs: The files that it was made from.
        kept: What codes cannot say of the photo, where likeness is exact; it goes into the file of codes.
        clip: The clip, where the task makes one; ``images`` are its first and last picture then.
    """

    images: tuple[Image.Image, ...]
    latents: Codes | None
    recipe: Recipe
    details: dict[str, Any]
    seen: Image.Image | None = None
    inputs: tuple[Path, ...] = ()
    kept: Details | None = None
    clip: Clip | None = None

    @property
    def image(self) -> Image.Image:
        """The first picture."""
        return self.images[0]

    def png(self, index: int = 0) -> bytes:
        """Return picture ``index`` as a lossless PNG, marked as synthetic, with the recipe in its text."""
        recipe, index = self.recipe, range(len(self.images))[index]  # -1 is the last, by its own number
        if len(self.images) > 1:
            recipe = recipe.of_variant(index)
        return picture_to_png(self.images[index], recipe, synthetic=self.latents is not None)

    def latents_file(self) -> bytes | None:
        """Return the codes as a ``.safetensors`` file, or None where there are none."""
        return None if self.latents is None else codes_to_bytes(self.latents, self.recipe, details=self.kept)

    def files(self, name: str) -> dict[str, bytes]:
        """Return all files of the result by their names: a clip, pictures, codes, details."""
        several = len(self.images) > 1
        files = {} if self.clip is None else {f"{name}.{self.clip.format}": self.clip.data}
        files |= {
            f"{name}-{i}.png" if several else f"{name}.png": self.png(i) for i in range(len(self.images))
        }
        latents = self.latents_file()
        if latents is not None:
            files[f"{name}.safetensors"] = latents
        files[f"{name}.json"] = json.dumps(self.details, indent=2, ensure_ascii=False).encode()
        return files

    def save(self, path: str | Path) -> Path:
        """Write the pictures (PNG), the codes and a clip, all of them or none; return the first one's path.

        Earlier results are replaced; files that are none, and those that this one was made from, never are.

        Args:
            path: Path of the picture; several are called ``…-0.png``, ``…-1.png``. A picture's ending is
                replaced by these, what else follows a dot stays: "out/v1.2" gives ``out/v1.2.png``.

        Raises:
            InputError: The path has no name in it.
            SettingsError: A file is there that is no result, or that this one was made from.
            OSError: The files cannot be written.
        """
        target = Path(path)
        if target.name in ("", ".."):
            raise InputError(f"{str(path)!r} is no name for a picture.", "Write it like out/me.png.")
        files = {
            target.with_name(name): data
            for name, data in self.files(stem_of(target.name)).items()
            if not name.endswith(".json")
        }
        write_files(files, made_by(given=self.inputs))
        return next(iter(files))


def pack(files: dict[str, bytes]) -> bytes:
    """Return a ZIP of ``files``; the same files always give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # PNGs are compressed already
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)
    return out.getvalue()
