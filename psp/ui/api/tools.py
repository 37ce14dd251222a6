"""The endpoints as tools for language models: what each is called, takes and does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.utils import get_function_description

from psp.errors import InputError
from psp.ranges import shown
from psp.tasks import CALLS
from psp.ui.api.described import schema_of
from psp.ui.api.given import HOW, HOW_IN_LISTS, file_from_text
from psp.ui.gate.requests import given_by_clients

_RETURNS = (
    "Returns one picture to look at, and as JSON: links to the full pictures (or to the clip), a link to the "
    "file of codes if there is one (for decode), and the details: recipe, faces found, warnings."
)


@dataclass(frozen=True)
class Tool:
    """One tool.

    Attributes:
        name: That of its endpoint.
        title: For people.
        description: What it does, for models.
        schema: JSON schema of its parameters.
        files: Names of the parameters that are files.
        lists: Names of those that are lists of files.
        function: The endpoint.
    """

    name: str
    title: str
    description: str
    schema: dict[str, Any]
    files: tuple[str, ...]
    lists: tuple[str, ...]
    function: BlockFunction

    def values(self, arguments: Mapping[str, Any]) -> list[Any]:
        """Return the endpoint's values, in its order; None where the endpoint's own default holds.

        Raises:
            InputError: A parameter is missing, is none of this tool's, or a file is no file.
        """
        known = self.schema["properties"]
        for name in arguments:
            if name not in known:
                raise InputError(
                    f"{self.name} has no parameter {shown(name)}.", f"It has: {', '.join(known)}."
                )
        for name in self.schema["required"]:
            if arguments.get(name) in (None, ""):
                raise InputError(f"The {name} is missing.", f"Give one of these: {HOW}")
        values = []
        for name in known:
            value = arguments.get(name)
            if name in self.files and value not in (None, ""):
                value = file_from_text(value, name)
            elif name in self.lists and isinstance(value, list):  # else the endpoint tells what it takes
                value = [file_from_text(each, name, listed=True) for each in value]
            values.append(value)
        return values


def tools_of(page: gr.Blocks) -> dict[str, Tool]:
    """Return the tools of a page, by name: one for each of its public endpoints."""
    public = [each for each in page.fns.values() if each.api_visibility == "public"]
    return {str(function.api_name): _tool(function) for function in public}


def _tool(function: BlockFunction) -> Tool:
    assert function.fn is not None, "only functions of the server are public"
    name = str(function.api_name)
    task = CALLS[name]
    words, told, _ = get_function_description(function.fn)
    settings = {setting.name: setting for setting in task.parameters}
    names = given_by_clients(function)
    files = tuple(each for each in names if each not in settings and each not in task.last)
    properties: dict[str, Any] = {}
    for each in names:
        if each in settings:
            schema = schema_of(settings[each], told.get(each, ""))
            del schema["additional_description"]
            if settings[each].choices:
                schema["enum"] = [*settings[each].numbers]
        elif each in task.last:
            schema = {
                "type": "array", "items": {"type": "string"}, "description": f"{told[each]} {HOW_IN_LISTS}"
            }  # fmt: skip
        else:
            schema = {"type": "string", "description": f"{told[each]} {HOW}"}
        properties[each] = schema
    return Tool(
        name,
        task.title,
        " ".join(part for part in (words, task.limits, _RETURNS) if part),
        # The first is what the task works on; all else has a default.
        {"type": "object", "properties": properties, "required": names[:1], "additionalProperties": False},
        files,
        task.last,
        function,
    )
