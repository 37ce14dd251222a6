"""The picture to show others: before and after side by side, a caption below, the recipe inside."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from psp.codes.recipe import SOFTWARE, Recipe, picture_to_png
from psp.files.bundled import assets_dir
from psp.pictures.images import load_picture
from psp.tasks import CALLS

SIDE = 512
"""Side in pixels of each of two pictures: 1024 together, which is what messengers and feeds show."""
ALONE = 1024
"""Side in pixels of a result that nothing stands beside."""

# Pixels: between the two, the caption's band, its margin, the mark in it, and the sizes of its words.
_GAP, _BAND, _MARGIN, _MARK, _TITLE, _WORDS = 4, 72, 20, 40, 27, 19
_PAPER, _INK, _GREY = "#f3f2ee", "#22221f", "#6b6a63"


def picture_to_share(
    before: Image.Image | None, after: Image.Image, recipe: Recipe, *, synthetic: bool = True
) -> bytes:
    """Return one picture that says what was made of what, as a PNG.

    Args:
        before: What it was made of, square; None: only the result is shown.
        after: The result, square.
        recipe: What reproduces the result: the page opens it from this picture too.
        synthetic: Whether the result is a generated face; it is marked as such, and said to be one.

    Returns:
        A PNG of 1024 px in width, 584 high for two pictures and 1096 for one.
    """
    sheet = _alone(after) if before is None else _pair(before, after)
    words = f"Made with {SOFTWARE}" + (" · synthetic face" if synthetic else "")
    title = CALLS[recipe.task].title if recipe.task in CALLS else ""
    _caption(sheet, title.replace("→", "to"), words)  # the font has no arrow
    return picture_to_png(sheet, recipe, synthetic=synthetic)


def _pair(before: Image.Image, after: Image.Image) -> Image.Image:
    """Return a sheet with two pictures side by side, a line between them."""
    sheet = Image.new("RGB", (2 * SIDE, SIDE + _BAND), _PAPER)
    sheet.paste(_square(before, SIDE), (0, 0))
    sheet.paste(_square(after, SIDE), (SIDE, 0))
    sheet.paste(_PAPER, (SIDE - _GAP // 2, 0, SIDE + _GAP // 2, SIDE))
    return sheet


def _alone(after: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", (ALONE, ALONE + _BAND), _PAPER)
    sheet.paste(_square(after, ALONE), (0, 0))
    return sheet


def _square(picture: Image.Image, side: int) -> Image.Image:
    return picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)


def _caption(sheet: Image.Image, title: str, words: str) -> None:
    """Write into the band at the foot: the mark and the title to the left, the words to the right."""
    mark = load_picture(assets_dir() / "favicon.png", flat=False).convert("RGBA")
    mark = mark.resize((_MARK, _MARK), Image.Resampling.LANCZOS)
    middle = sheet.height - _BAND // 2
    sheet.paste(mark, (_MARGIN, middle - _MARK // 2), mark)
    draw = ImageDraw.Draw(sheet)
    left = _MARGIN + _MARK + 14
    draw.text((left, middle), title, _INK, ImageFont.load_default(_TITLE), anchor="lm")
    draw.text((sheet.width - _MARGIN, middle), words, _GREY, ImageFont.load_default(_WORDS), anchor="rm")
