"""What the API says of each of its inputs: type, range, what it does, and an example that works.

Gradio derives this from the controls of the page, and its API page, its OpenAPI description and its snippets
follow. A list of choices is text to it, a range is not said, and its example is a picture of a bus on another
server. Here it comes from the tables of tasks and settings, and from the examples that come along.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_function_description

from psp.files.bundled import directions_file
from psp.inference.examples import VIDEO, examples_of, rendered
from psp.parameters import Parameter, Setting
from psp.tasks import CALLS
from psp.ui.cache import cached
from psp.ui.gate.requests import parameters_of

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
# Each kind of input has the first example of this task.
_FROM = {
    "through": "encode",
    "photo": "encode",
    "sketch": "sketch_to_face",
    "mask": "segmentation_to_face",
    "latents": "encode",
}


def describe_api(page: gr.Blocks, address: Callable[[], str]) -> None:
    """Say of the inputs of all public endpoints what they are, inside the context of ``page``.

    Args:
        page: The page, all of whose functions are there.
        address: Returns the address under which the page is seen from outside, once it is served.
    """
    said = set()
    for function in page.fns.values():
        if function.api_visibility != "public":
            continue
        assert function.fn is not None, "only functions of the server are public"
        told = get_function_description(function.fn)[1]
        settings = {setting.name: setting for setting in CALLS[str(function.api_name)].parameters}
        for name, block in zip(parameters_of(function), function.inputs, strict=True):
            if block.skip_api or block._id in said:
                continue  # endpoints that share a control share its words: those of the first
            said.add(block._id)
            if name in settings:
                setting = settings[name]
                _replace(block, schema_of(setting, told.get(name, "")), partial(_default_of, setting))
            else:
                _describe_file(block, told.get(name, ""), _example(name), address)


def schema_of(setting: Parameter, told: str = "") -> dict[str, Any]:
    """Return the JSON schema of a setting.

    Args:
        setting: The setting.
        told: What it does, in a sentence; by default its help.
    """
    schema: dict[str, Any] = {"type": _TYPES[setting.type]}
    said = told or f"{setting.help[0].upper()}{setting.help[1:]}."
    if setting.is_number:
        lowest, highest = (setting.numbers[0], setting.numbers[-1]) if setting.choices else _range(setting)
        schema |= {"minimum": lowest, "maximum": highest}
        if setting.choices:
            said = f"{said} {setting.told()}"
    return {**schema, "default": setting.default, "description": said, "additional_description": said}


def _default_of(setting: Parameter) -> Setting:
    return setting.default


def _range(setting: Parameter) -> tuple[float, float]:
    whole = setting.type is int
    return (int(setting.low), int(setting.high)) if whole else (setting.low, setting.high)


def _describe_file(block: gr.blocks.Block, told: str, path: Path, address: Callable[[], str]) -> None:
    assert isinstance(block, gr.Image | gr.File | gr.Video), "what is no setting is a file"
    schema = {**block.api_info(), "additional_description": told}
    several = isinstance(block, gr.File) and block.file_count == "multiple"
    kept = cached(path.read_bytes(), path.name)
    block.keep_in_cache.add(kept)  # as long as the page is there

    def example() -> dict[str, Any] | list[dict[str, Any]]:
        url = f"{address().rstrip('/')}/gradio_api/file={kept}"
        file = {"path": url, "url": url, "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
        return [file] if several else file

    _replace(block, schema, example)


def _replace(block: gr.blocks.Block, schema: dict[str, Any], example: Callable[[], object]) -> None:
    # On the one component: a subclass would make Gradio write a stub file beside this module.
    replaced = {"api_info": lambda: schema, "example_payload": example, "example_value": example}
    vars(block).update(replaced)


def _example(name: str) -> Path:
    """Return the file of an example for the input ``name``."""
    if name == "directions":
        return directions_file()
    if name == "video":
        return VIDEO
    if name == "style":
        styled = next(each for each in examples_of("style_mix") if each.style_path)
        assert styled.style_path is not None
        return styled.style_path
    example = examples_of(_FROM[name])[0]
    return rendered(example).latents if name == "latents" else example.path
