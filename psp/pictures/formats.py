"""Which picture files are read: formats by name, the endings of their files, and Pillow made safe."""

from __future__ import annotations

import warnings

from PIL import EpsImagePlugin, Image

_FORMATS = (
    *("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "HEIF", "JPEG2000", "PPM", "ICO"),
)
"""What people upload. A list, because Pillow also opens what starts other programs (EPS: Ghostscript)."""

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
    *(
        ".avif",
        ".heic",
        ".heif",
        ".hif",
        ".jp2",
        ".j2k",
        ".jpf",
        ".jpx",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".ico",
    ),
)
"""What the name of a picture file ends with, in small letters."""


def known_formats() -> list[str]:
    """Return the names of the formats that are read, as ``Image.open`` takes them."""
    if "HEIF" not in Image.OPEN:
        from pillow_heif import register_heif_opener  # noqa: PLC0415  # on first use: not at import

        Image.init()  # which formats there are depends on Pillow's version and build
        register_heif_opener()
    return [name for name in _FORMATS if name in Image.OPEN]


def limit_pillow(max_pixels: int) -> None:
    """Make Pillow itself raise on a picture of more than ``max_pixels``, whoever opens it, and on PostScript.

    Gradio decodes some uploads before our code sees them. Call it again at start where the settings say
    another limit; ``load_picture`` cannot read beyond it.
    """
    # Pillow raises only above twice its limit, and warns before; those warnings are noise to us.
    Image.MAX_IMAGE_PIXELS = (max_pixels + 1) // 2
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    EpsImagePlugin.gs_binary = False  # "not installed": no picture may start Ghostscript
