"""The card of an example: what goes in and what comes out, side by side and small."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageOps

from psp.codes.recipe import picture_to_webp

SIDE = 160
"""Side in pixels of each half."""

# Of WebP: about 7 kB a card. Pixels: between the halves; the disc with the arrow; the second picture.
_QUALITY, _GAP, _DISC, _SECOND = 80, 4, 30, 62
# How much larger what has slanted edges is drawn, to be made smooth.
_FINER = 4
_PAPER, _ARROW = "#ffffff", "#0f716a"


def example_card(before: Image.Image, after: Image.Image, second: Image.Image | None = None) -> bytes:
    """Return a card of 320 x 160 px, as a WebP that says that it is synthetic.

    Args:
        before: What the model saw.
        after: The result.
        second: The other picture that went in, shown small in the corner of the first.
    """
    card = Image.new("RGB", (2 * SIDE, SIDE), _PAPER)
    card.paste(_fitted(before, SIDE), (0, 0))
    card.paste(_fitted(after, SIDE), (SIDE, 0))
    card.paste(_PAPER, (SIDE - _GAP // 2, 0, SIDE + _GAP // 2, SIDE))
    if second is not None:
        place = (6, SIDE - _SECOND - 6)
        _paste_disc(card, Image.new("RGB", (_SECOND + 4, _SECOND + 4), _PAPER), (place[0] - 2, place[1] - 2))
        _paste_disc(card, _fitted(second, _SECOND), place)
    _paste_disc(card, _arrow(), (SIDE - _DISC // 2, (SIDE - _DISC) // 2))
    return picture_to_webp(card, _QUALITY)


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    return ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.LANCZOS)


def _paste_disc(card: Image.Image, picture: Image.Image, place: tuple[int, int]) -> None:
    """Paste the disc within a square picture."""
    large = (picture.width * _FINER, picture.height * _FINER)
    mask = Image.new("L", large)
    ImageDraw.Draw(mask).ellipse((0, 0, large[0] - 1, large[1] - 1), 255)
    card.paste(picture, place, mask.resize(picture.size, Image.Resampling.LANCZOS))


def _arrow() -> Image.Image:
    """Return an arrow to the right, as wide as the disc."""
    side = _DISC * _FINER
    picture = Image.new("RGB", (side, side), _PAPER)
    points = ((0.28, 0.5), (0.72, 0.5)), ((0.52, 0.3), (0.72, 0.5), (0.52, 0.7))
    for line in points:
        ImageDraw.Draw(picture).line(
            [(x * side, y * side) for x, y in line], _ARROW, round(side * 0.09), joint="curve"
        )
    return picture.resize((_DISC, _DISC), Image.Resampling.LANCZOS)
