"""Picture sheets: rows of inputs, each above its outputs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from psp.codes.recipe import SOFTWARE
from psp.files.saving import write_files


def sheet(*rows: Tensor, columns: int = 12) -> Image.Image:
    """Return a sheet of pictures: line by line, ``columns`` of each of ``rows`` under one another.

    Args:
        rows: Equally long stacks [N,3,S,S] in [−1,1].
        columns: Pictures a line.
    """
    lines = []
    for start in range(0, rows[0].shape[0], columns):
        for row in rows:
            part = row[start : start + columns]
            blank = part.new_ones((columns - part.shape[0], *part.shape[1:]))
            lines.append(torch.cat(list(torch.cat([part, blank])), dim=2))
    picture = torch.cat(lines, dim=1).clamp(-1.0, 1.0).add(1.0).mul(127.5).round().to(torch.uint8)
    return Image.fromarray(np.ascontiguousarray(picture.permute(1, 2, 0).cpu().numpy()))


def save_sheet(path: Path, *rows: Tensor, columns: int = 12) -> None:
    """Write the sheet of ``rows`` as a PNG with the studio's mark."""
    out = io.BytesIO()
    info = PngInfo()
    info.add_text("Software", SOFTWARE)
    sheet(*rows, columns=columns).save(out, "PNG", pnginfo=info)
    write_files({path: out.getvalue()})
