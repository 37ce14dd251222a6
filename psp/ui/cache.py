"""Files that the page hands out, in Gradio's cache: named by their content, written whole or not at all."""

from __future__ import annotations

import io
import os
import secrets
import uuid
from pathlib import Path

import gradio as gr
from gradio import processing_utils
from gradio.data_classes import FileData
from gradio.processing_utils import hash_bytes
from gradio.utils import get_upload_folder
from gradio_client.utils import is_valid_file
from PIL import Image

from psp.errors import InputError

# How often a file may vanish, or its folder, while it is put there: clearing takes both once.
_TRIES = 4


def cached(data: bytes, name: str) -> str:
    """Keep a file in Gradio's cache and return its path.

    Its folder is named by its content, so two requests with the same result share one file. Gradio's own
    ``save_bytes_to_cache`` truncates that and writes it anew, and whoever downloads it just then gets half of
    it. Here it is never seen but whole: one that is there stays, another is written aside and renamed.

    Args:
        data: What is in it.
        name: Its name.
    """
    path = Path(get_upload_folder()).resolve() / hash_bytes(data) / Path(name).name
    for _ in range(_TRIES):
        if _there(path, len(data)) or _put(path, data):
            return str(path)
    raise OSError(f"{path.name} cannot be kept.")


def name_by_secret() -> None:
    """Name what is uploaded and handed out in this process so that nobody can guess it, by a new secret.

    Gradio's own secret is written down once an installation, so that all who run from one image share it: who
    has a photo could ask for its name in the folder, and learn whether somebody has uploaded it.
    """
    processing_utils.hash_seed = secrets.token_bytes(32)


def cached_picture(picture: Image.Image, name: str) -> str:
    """Keep a picture as a lossless PNG, as :func:`cached` does (Gradio, given the picture, would rewrite it).

    Args:
        picture: Any picture.
        name: Its name without ending.
    """
    return cached(png_of(picture), f"{name}.png")


def png_of(picture: Image.Image) -> bytes:
    """Return a picture as a PNG."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def as_path(field: gr.File) -> gr.File:
    """Make a field for files hand over paths and nothing else; return it.

    Gradio makes an empty temporary file for each request, for its name alone, and never deletes it.
    """

    def take(file: FileData) -> str:
        endings = field.file_types
        if endings and not is_valid_file(file.path, endings):
            raise InputError(
                f"{Path(file.path).name[:80]!r} is no {' or '.join(endings)} file.", "Choose another file."
            )
        return file.path

    # A subclass would make Gradio write a stub file beside this module.
    field._process_single_file = take  # type: ignore[method-assign, assignment]  # see above
    return field


def _there(path: Path, size: int) -> bool:
    """Return whether a file is there, whole, and from now on counts as new."""
    try:
        os.utime(path)  # first: what is handed out again must not be deleted for its age meanwhile
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _put(path: Path, data: bytes) -> bool:
    """Write a file aside and give it its name; return whether that was possible."""
    draft = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(exist_ok=True, parents=True)
        draft.write_bytes(data)
        draft.replace(path)
    except (FileNotFoundError, PermissionError):
        # The folder, empty, was cleared just now; or, on Windows, another put the file there, and it is read.
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True
