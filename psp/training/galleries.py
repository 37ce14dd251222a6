"""Picture sheets of a trained model: inputs above results, random faces, interpolations, mixed styles."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from psp.codes.recipe import SOFTWARE
from psp.files.saving import is_sheet, write_files
from psp.maps.classes import MapClasses, numbered_classes
from psp.maps.palette import CLASSES, FACE_CLASSES, map_to_picture
from psp.models.psp import PSP
from psp.training.data.pictures import to_batch
from psp.training.sheets import sheet

MAX_BYTES = 400_000
"""No sheet is larger: it lies in the repository."""

_QUALITIES = (88, 84, 80, 75, 70, 60, 50)
_BATCH = 16
_WHITE = 1.0


class Firsts:
    """The first pictures of a stream of batches, for a sheet.

    Args:
        count: How many are kept.
    """

    def __init__(self, count: int) -> None:
        self._left = count
        self._parts: list[tuple[Tensor, ...]] = []

    def add(self, *rows: Tensor) -> None:
        """Add a batch: equally long stacks [N,3,S,S] in [−1,1], as many each time."""
        if self._left > 0:
            self._parts.append(tuple(row[: self._left].clone() for row in rows))
            self._left -= len(rows[0])

    def save(self, path: Path, columns: int = 12) -> None:
        """Write the sheet, if there is anything to show."""
        if self._parts:
            save_gallery(path, *map(torch.cat, zip(*self._parts, strict=True)), columns=columns)


def save_gallery(path: Path, *rows: Tensor, columns: int = 12, max_bytes: int = MAX_BYTES) -> None:
    """Write the sheet of ``rows`` (see ``sheet``) as a JPEG, at the best quality that fits ``max_bytes``.

    Raises:
        SettingsError: A picture is there that is no earlier sheet.
    """
    picture = sheet(*rows, columns=columns)
    for quality in _QUALITIES:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality, optimize=True, comment=SOFTWARE)
        if out.tell() <= max_bytes:
            break
    write_files({path: out.getvalue()}, is_sheet)


def show_inputs(inputs: Tensor, classes: MapClasses | None = None) -> Tensor:
    """Return what an encoder sees, [N,C,S,S], as pictures [N,3,S,S] in [−1,1].

    One channel is a sketch in [0,1] and three are colours already; all else is a map of as many classes.

    Args:
        inputs: What it sees.
        classes: The classes, where they are known; what is seen is a map then, whatever its channels.
    """
    channels = inputs.shape[1]
    if classes is None and channels == 1:
        return inputs.expand(-1, 3, -1, -1) * 2.0 - 1.0
    if classes is None and channels == 3:
        return inputs
    if classes is None:
        classes = FACE_CLASSES if channels == len(CLASSES) else numbered_classes(channels)
    labels = inputs.argmax(dim=1).to(torch.uint8).numpy()
    return to_batch([np.asarray(map_to_picture(each, classes)) for each in labels])


@torch.inference_mode()
def decode_at(model: PSP, codes: Tensor, size: int) -> Tensor:
    """Decode ``codes`` [N,n,dim] to images [N,3,size,size] in [−1,1], on the CPU."""
    out = []
    for part in codes.split(_BATCH):
        made = model.decode(part.to(model.device)).float().cpu().clamp(-1.0, 1.0)
        out.append(made if made.shape[-1] == size else resized(made, size))
    return torch.cat(out)


@torch.inference_mode()
def encode_all(model: PSP, inputs: Tensor) -> Tensor:
    """Encode ``inputs`` [N,C,S,S] as codes [N,n,dim], on the CPU; resized if need be."""
    side = model.config.encoder.in_size
    given = inputs if inputs.shape[-1] == side else resized(inputs, side)
    return torch.cat([model.encode(part.to(model.device)).float().cpu() for part in given.split(_BATCH)])


def resized(images: Tensor, size: int) -> Tensor:
    """Resize ``images`` [N,C,S,S] to ``size``: bilinear, averaging over areas where they shrink."""
    return torch.nn.functional.interpolate(
        images, (size, size), mode="bilinear", align_corners=False, antialias=True
    )


@torch.inference_mode()
def random_codes(model: PSP, count: int, seed: int = 0) -> Tensor:
    """Return codes [count,n,dim] of random faces, on the CPU; the same for the same seed.

    Raises:
        PspError: The model makes no random styles.
    """
    shape = model.config.generator
    z = torch.randn(count, shape.style_dim, generator=torch.Generator().manual_seed(seed))
    w = torch.cat([model.map(part.to(model.device)).float().cpu() for part in z.split(256)])
    return w[:, None].expand(-1, shape.n_codes, -1)


def interpolate(model: PSP, a: Tensor, b: Tensor, steps: int, size: int) -> Tensor:
    """Return faces [N·steps,3,size,size] from codes ``a`` to codes ``b``, both [N,n,dim], pair by pair."""
    shares = torch.linspace(0.0, 1.0, steps)[None, :, None, None]
    between = a[:, None] + shares * (b - a)[:, None]
    return decode_at(model, between.flatten(0, 1), size)


def mix_styles(model: PSP, photos: Tensor, styles: Tensor) -> Tensor:
    """Mix each of P photos with each of Q styles: a table of 1 + Q columns, read line by line.

    The first line holds the styles; then follow three blocks, in which the coarse, the middle and the fine
    third of the codes come from the style. Each line of a block begins with its photo.

    Args:
        model: The model.
        photos: [P,3,S,S] in [−1,1].
        styles: [Q,3,S,S] in [−1,1].

    Returns:
        [(1 + 3·P)·(1 + Q),3,S,S]; the first is white.
    """
    size, count = photos.shape[-1], len(styles)
    codes, others = encode_all(model, photos), encode_all(model, styles)
    third = model.config.generator.n_codes / 3.0
    cells = [torch.full_like(photos[:1], _WHITE), styles]
    for block in range(3):
        layers = tuple(range(round(block * third), round((block + 1) * third)))
        for photo, code in zip(photos, codes, strict=True):
            mixed = model.mix(code.expand(count, -1, -1), others, layers)
            cells += [photo[None], decode_at(model, mixed, size)]
    return torch.cat(cells)
