"""Details of a result as a browser sends them back: the server made them, but whoever asks can change them.

An endpoint's three outputs are its contract, so that details go out and come back with the next step; here
they are held against what the server makes.
"""

from __future__ import annotations

from typing import Any

from psp.codes.recipe import recipe_from_dict
from psp.errors import InputError
from psp.ranges import as_number
from psp.tasks import CALLS

_LONGEST, _MOST = 1000, 32
_FIGURES = ("identity", "lpips", "l2")


def checked_details(details: object) -> dict[str, Any]:
    """Return details that can be worked with.

    Args:
        details: What the browser sent.

    Raises:
        InputError: They are none of this studio's. The quad is held against its photo where it is used
            (``psp.faces.alignment.check_quad``).
    """
    if not isinstance(details, dict):
        raise _foreign()
    recipe = recipe_from_dict(details.get("recipe"))
    place, quality, timings = (details.get(key) for key in ("alignment", "quality", "timings"))
    warnings = details.get("warnings", [])
    if not (
        recipe.task in CALLS
        and (place is None or _is_place(place))
        and (quality is None or _is_numbers(quality, _FIGURES))
        and (details.get("refined") is None or _is_gain(details["refined"]))
        and _is_numbers(timings, ())
        and _is_numbers(details, ("size",), all_values=False)
        and (details.get("passes") is None or _is_numbers(details, ("passes",), all_values=False))
        and isinstance(warnings, list)
        and len(warnings) <= _MOST
        and all(_is_text(warning) for warning in warnings)
        and (details.get("model") is None or _is_text(details["model"]))
    ):
        raise _foreign()
    return {**details, "recipe": recipe.to_dict(), "warnings": warnings}


def _is_place(place: object) -> bool:
    if not isinstance(place, dict) or not _is_numbers(place, ("side",), all_values=False):
        return False
    counts = [place.get(key) for key in ("faces", "face")]
    whole = all(isinstance(each, int) and not isinstance(each, bool) and 0 <= each < 1e6 for each in counts)
    return isinstance(place.get("quad"), list) and (whole or counts == [None, None])


def _is_gain(gain: object) -> bool:
    return _is_numbers(gain, ("steps", "of"), all_values=False) and all(
        _is_numbers(gain.get(when), _FIGURES)  # type: ignore[attr-defined]  # an object, by the line above
        for when in ("before", "after")
    )


def _is_numbers(value: object, needed: tuple[str, ...], *, all_values: bool = True) -> bool:
    """Return whether an object has numbers under the names ``needed``, and perhaps nothing but numbers."""
    if not isinstance(value, dict) or not all(name in value for name in needed):
        return False
    try:
        for name in value if all_values else needed:
            if abs(as_number(str(name), value[name], "")) > 1e9:
                return False
    except InputError:
        return False
    return not any(isinstance(value[name], str) for name in (value if all_values else needed))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _foreign() -> InputError:
    return InputError("These details are of no result of this studio.", "Run the task again.")
