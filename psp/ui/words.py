"""What the page says: errors in words, a result in a few lines, help that several tabs share."""

from __future__ import annotations

import errno
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from psp.errors import PspError
from psp.faces.identity import SAME_PERSON
from psp.ui.addressed import for_page, for_reader

P = ParamSpec("P")
R = TypeVar("R")

_CLOSER = "A sharp, evenly lit photo from the front comes closest."
_CLOSER_DRAWN = "Less strength keeps more of the likeness."

_OTHERS = ("style_mix", "super_resolution")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# Characters of a message.
_LONGEST = 2000

_log = logging.getLogger(__name__)


def in_words(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` with its errors turned into messages on the page and in the client.

    Ours say what to do next; anything else is logged and told in general words, without its text, which could
    name files of the server.
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise _told(error, getattr(function, "__name__", "request")) from error

    return wrapped


def in_words_async(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Do as :func:`in_words` does, for a coroutine function."""

    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await function(*args, **kwargs)
        except Exception as error:
            raise _told(error, getattr(function, "__name__", "request")) from error

    return wrapped


def _told(error: Exception, name: str) -> gr.Error:
    """Return what is told of an error."""
    if isinstance(error, gr.Error):
        return error
    if isinstance(error, PspError):
        # The page shows messages as HTML, clients as text: the name of a file must be no tag. What is no
        # Unicode cannot be sent.
        said = for_reader(str(error)).replace("<", "‹").replace(">", "›").encode(errors="replace").decode()
        return gr.Error(said[:_LONGEST], duration=20, print_exception=False)
    _log.error("%s failed", name, exc_info=error)
    if isinstance(error, OSError) and error.errno in _FULL:
        return gr.Error(
            "The server has no room left on its disk. Try again later, or tell whoever runs it.",
            print_exception=False,
        )
    return gr.Error("Something went wrong on the server.", print_exception=False)


def summary(details: dict[str, Any]) -> str:
    """Return what a person wants to know of a result, as short Markdown: no numbers."""
    task, lines = details["recipe"]["task"], []
    # Of these the result is meant to be somebody else, or the input shows nobody clearly enough.
    quality = None if task in _OTHERS else details["quality"]
    if quality and quality["identity"] < SAME_PERSON:
        lines.append("A close likeness.")
    elif quality:
        drawn = task == "toonify"
        lines.append(f"Not a very close likeness. {_CLOSER_DRAWN if drawn else _CLOSER}")
    if gain := details.get("refined"):
        lines.append(gain_words(gain))
    return "\n\n".join([" ".join(lines), *(f"⚠️ {for_page(warning)}" for warning in details["warnings"])])


def gain_words(gain: dict[str, Any]) -> str:
    """Return how much closer to its photo a face came, for a person; 0 is the photo itself."""
    before, after = (float(gain[when]["lpips"]) for when in ("before", "after"))
    way = f"{before:.2f} → {after:.2f}"
    return f"Closer to the photo: {way}." if after < before else f"No closer to the photo than before: {way}."


def in_numbers(details: dict[str, Any]) -> str:
    """Return how a result was made and how close it is, in numbers, as short Markdown."""
    lines = []
    place, quality = details["alignment"], details["quality"]
    if place is not None:
        lines.append(face_words(place))
    if quality:
        lines.append(
            f"Identity distance to the input {quality['identity']:.2f} (under {SAME_PERSON} is the same "
            f"person to the network), LPIPS {quality['lpips']:.2f}, mean squared error {quality['l2']:.3f}."
        )
    if gain := details.get("refined"):
        before = gain["before"]
        taken = f" in {gain['steps']} steps" if gain["of"] else ""
        lines.append(
            f"It came closer{taken}; before: identity distance {before['identity']:.2f}, "
            f"LPIPS {before['lpips']:.2f}, mean squared error {before['l2']:.3f}."
        )
    made = f"{details['size']} px, " + (f"model {details['model']}, " if details["model"] else "")
    lines.append(f"{made}{sum(details['timings'].values()):.1f} s.")
    return "\n\n".join(lines)


def found_words(place: dict[str, Any]) -> str:
    """Return what was found in a photo, for whoever has just chosen it."""
    if place["faces"] is None:
        return "This picture is taken as it is; no face was looked for."
    if place["faces"] == 1:
        return f"Found a face, about {_wide(place)} pixels wide."
    taken = f"Number {place['face'] + 1} by size" if place["face"] else "The largest"
    return f"Found {place['faces']} faces. {taken} is taken, about {_wide(place)} pixels wide."


def _wide(place: dict[str, Any]) -> int:
    # The face proper, brow to chin and cheek to cheek, fills about 0.55 of the crop's side.
    return max(1, round(0.55 * float(place["side"])))


def face_words(place: dict[str, Any]) -> str:
    """Return how many faces there were, which one was taken, and how large it is, by the API's numbers."""
    size = f"it is about {_wide(place)} pixels wide"
    if place["faces"] is None:
        return (
            f"No face was looked for: the picture was taken as it is, {round(place['side'])} pixels a side."
        )
    found = "1 face found" if place["faces"] == 1 else f"{place['faces']} faces found"
    return f"{found}; this is face {place['face']}, {size}."


def escape(text: str) -> str:
    """Return text that Markdown and HTML leave as it is."""
    return text.translate({ord(character): f"&#{ord(character)};" for character in "\\`*_{}[]()#+-.!|<>&"})
