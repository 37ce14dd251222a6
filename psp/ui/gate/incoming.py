"""What the values of a request must be, by the control that they are for: a value, a default, or a sentence.

Gradio takes what comes: text for a number, a list for a choice, "false" for true. What a control cannot show
is never right, so it is told here, once for every endpoint, in words that name the parameter and what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from psp.errors import InputError
from psp.parameters import SETTINGS
from psp.ranges import as_number, as_whole, check_edits, check_layers, check_number, shown
from psp.ui.gate.pad import MAX_LAYERS
from psp.ui.gate.requests import given_by_clients, parameters_of
from psp.ui.gate.uploads import check_files, file_of, is_url, not_uploaded

_LONGEST_NAME = 200
# Pictures of a gallery: variants, or the faces of a photo.
_MOST_PICTURES = 200
# Files of one batch; how many pictures there may be, zip files unpacked, is asked where they are.
_MOST_FILES = 1000


def check_values(
    function: Any,  # noqa: ANN401  (gradio's BlockFunction, not public)
    values: list[Any],
    defaults: Callable[[gr.blocks.Block], object],
) -> list[Any]:
    """Return the values of a request as the function's controls would have them.

    Args:
        function: What is called.
        values: What was sent, one for each input.
        defaults: Gives the value that an untouched control has.

    Raises:
        InputError: A value cannot be used.
    """
    names, wanted = parameters_of(function), given_by_clients(function)
    if len(values) == len(wanted):  # as Gradio does for endpoints by name: what the server keeps is left out
        given = iter(values)
        values = [None if block.skip_api else next(given) for block in function.inputs]
    if len(values) != len(names):
        raise InputError(
            f"{function.api_name!r} takes {len(wanted)} values, {len(values)} were given.",
            f"Give {', '.join(wanted)}, in this order.",
        )
    for block, value in zip(function.inputs, values, strict=True):
        # Gradio would fetch whatever is on the web, and as much as there is: here it is fetched for pictures.
        check_files(value, web=isinstance(block, gr.Image | gr.File | gr.Video))
    return [
        _check(block, value, name, defaults(block))
        for block, value, name in zip(function.inputs, values, names, strict=True)
    ]


def check_event(data: object) -> None:
    """Hold what the page says of a click against what a click is.

    Raises:
        InputError: It is something else.
    """
    check_files(data)
    index = data.get("index") if isinstance(data, dict) else None
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < _MOST_PICTURES:
        raise InputError("It is not known which picture was chosen.", "Click one of the pictures.")


def _check(  # noqa: PLR0911  (one line a kind of control)
    block: gr.blocks.Block, value: object, name: str, default: object
) -> object:
    """Return the value of one control; ``default`` where there is none."""
    if getattr(block, "stateful", False):
        return None  # kept on the server: what a client says of it counts nothing
    if isinstance(block, gr.File) and block.file_count == "multiple":
        return _files(value, name)
    if isinstance(block, gr.Image | gr.File | gr.Video):
        return file_of(value, name)
    if isinstance(block, gr.Gallery):
        return _gallery(value, name)
    if isinstance(block, gr.ImageEditor):
        return _drawing(value, name)
    if isinstance(block, gr.Checkbox | gr.Number | gr.Slider | gr.Dropdown | gr.Radio) and value in (
        None,
        "",
    ):
        return default
    if isinstance(block, gr.Checkbox):
        return _truth(value, name)
    if isinstance(block, gr.Number | gr.Slider):
        return _number(block, value, name)
    if isinstance(block, gr.Dropdown | gr.Radio):
        return _choice(block, value, name)
    if isinstance(block, gr.Textbox):
        return _text(value, name)
    return value


def _text(value: object, name: str) -> object:
    """Return a text; that of a setting must be written as it is read."""
    if value is None:
        return SETTINGS[name].default if name in SETTINGS else None
    if name in SETTINGS and SETTINGS[name].grammar == "edits":
        return check_edits(value)
    if not isinstance(value, str):
        raise InputError(f"The {name} is {shown(value)}.", "Give a text.")
    return value


def _truth(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return value
    raise InputError(
        f"The setting {name!r} is {shown(value)}.", "Give true or false, without quotation marks."
    )


def _is_number(name: str) -> bool:
    """Return whether ``name`` is a setting that is a number."""
    return name in SETTINGS and SETTINGS[name].is_number


def _number(block: gr.Number | gr.Slider, value: object, name: str) -> int | float:
    """Return a number within its setting's range; text is none, since nobody knows what else it means."""
    known = _is_number(name)
    told = SETTINGS[name].told() if known else "Give a number."
    if isinstance(value, str):
        raise InputError(f"The {name} is the text {shown(value)}.", f"{told} Without quotation marks.")
    if known:
        return check_number(name, value)
    number = as_number(name, value, told)
    if getattr(block, "precision", None) == 0:
        number = as_whole(name, number, told)
    if (block.minimum is not None and number < block.minimum) or (
        block.maximum is not None and number > block.maximum
    ):
        raise InputError(f"The {name} is {shown(number)}.", f"Take {block.minimum} to {block.maximum}.")
    return number


def _choice(block: gr.Dropdown | gr.Radio, value: object, name: str) -> object:
    """Return one of a control's choices, or a short text where others are taken too."""
    if _is_number(name) and not isinstance(value, str):
        return check_number(name, value)
    if name == "layers":
        return check_layers(value)
    choices = [choice for _, choice in block.choices or []]
    free = getattr(block, "allow_custom_value", False)
    if (
        not isinstance(value, str | int | float)
        or isinstance(value, bool)
        or (free and not isinstance(value, str))
    ):
        raise InputError(f"The {name} is {shown(value)}.", _offer(choices))
    if isinstance(value, str) and (len(value) > _LONGEST_NAME or not value.isprintable()):
        raise InputError(f"The {name} is {shown(value)}, which is no name.", _offer(choices))
    if not free and value not in choices:
        raise InputError(f"The {name} is {shown(value)}.", _offer(choices))
    return value


def _offer(choices: list[Any]) -> str:
    return f"Take one of {', '.join(str(choice) for choice in choices[:20])}."


def _files(value: object, name: str) -> list[dict[str, Any]] | None:
    """Return several uploaded files."""
    if value is None or value in ("", []):
        return None
    if not isinstance(value, list):
        raise InputError(
            f"{name} takes a list of files, not {shown(value)}.", "Give a list of uploaded files."
        )
    if len(value) > _MOST_FILES:
        raise InputError(
            f"These are {len(value)} files.", f"Give up to {_MOST_FILES}, or a zip file of them."
        )
    given = [_own_file(each, name) for each in value]  # Gradio itself would fetch an address in a list
    return [each for each in given if each is not None]


def _gallery(value: object, name: str) -> list[dict[str, Any]] | None:
    """Return the pictures of a gallery, as Gradio sends them back."""
    if value is None or value in ("", []):
        return None
    if not isinstance(value, list) or len(value) > _MOST_PICTURES:
        raise InputError(f"The {name} are no pictures of this studio.", "Run the task again.")
    pictures = []
    for each in value:
        picture = _own_file(each.get("image") if isinstance(each, dict) else None, name)
        caption = each.get("caption") if isinstance(each, dict) else None
        if picture is None or not isinstance(caption, str | None):
            raise InputError(f"The {name} are no pictures of this studio.", "Run the task again.")
        pictures.append({"image": picture, "caption": caption})
    return pictures


def _drawing(value: object, name: str) -> dict[str, Any] | None:
    """Return what is on a pad, as Gradio sends it."""
    if value is None or value in ("", {}):
        return None
    layers = value.get("layers") or [] if isinstance(value, dict) else None
    number = value.get("id") if isinstance(value, dict) else None
    if (
        not isinstance(value, dict)
        or not isinstance(layers, list)
        or len(layers) > MAX_LAYERS
        or not isinstance(number, str | None)
    ):
        raise InputError(f"The {name} is no drawing of this pad.", "Draw again, or upload the picture.")
    files = {key: _own_file(value.get(key), name) for key in ("background", "composite")}
    given = [_own_file(layer, name) for layer in layers]
    return {**files, "layers": [layer for layer in given if layer], "id": number}


def _own_file(value: object, name: str) -> dict[str, Any] | None:
    """Return a file that must have been uploaded: no address on the web, no picture within the request."""
    file = file_of(value, name)
    if file is not None and (not file.get("path") or is_url(file["path"])):
        raise not_uploaded()
    return file
