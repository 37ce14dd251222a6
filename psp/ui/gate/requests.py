"""The shape of requests over plain HTTP: which functions there are, and what a body holds.

What a value must be is checked where it is used (``psp.ui.gate.incoming``); here it is made sure that
Gradio's own reading of a request cannot fail, because it fails without words or with too many.
"""

from __future__ import annotations

import contextlib
import inspect
import json
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from starlette.types import Scope

from psp.errors import PspError
from psp.ranges import shown

# Routes that name a function in their address.
_NAMED = ("call/v2/", "call/", "run/", "api/")
# Brackets and commas of a body: as many values at most. The largest honest request has some hundred.
_MOST_VALUES = 50_000
_LONGEST_ID = 200


def path_of(scope: Scope) -> str:
    """Return the path of a request as the routes know it, in the one form that the rules know.

    What a proxy has not taken off is left out (``GRADIO_ROOT_PATH``), and doubled slashes are one.
    """
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    if root and path.startswith(f"{root}/"):
        path = path.removeprefix(root)
    while "//" in path and not path.startswith("/gradio_api/file="):
        path = path.replace("//", "/")
    return path


def without(scope: Scope, header: bytes) -> Scope:
    """Return a request without one of its headers."""
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != header]}


class Refusal(PspError):  # noqa: N818  (no fault of anybody's here)
    """A request that is not let in.

    Attributes:
        status: Of HTTP.
    """

    def __init__(self, status: int, problem: str, next_step: str = "") -> None:
        super().__init__(problem, next_step)
        self.status = status


def parameters_of(function: Any) -> list[str]:  # noqa: ANN401  (gradio's BlockFunction, not public)
    """Return the names of a function's inputs, one for each, as its code has them."""
    names: list[str] = []
    with contextlib.suppress(
        TypeError, ValueError
    ):  # no function, or one of Python's own: these have no names
        names = [
            parameter.name
            for parameter in inspect.signature(function.fn).parameters.values()
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
    labels = [str(getattr(block, "label", None) or "input").lower() for block in function.inputs]
    return [*names[: len(labels)], *labels[len(names) :]]


def given_by_clients(function: Any) -> list[str]:  # noqa: ANN401  (as above)
    """Return the names of the inputs that a client gives: all but what the server keeps."""
    pairs = zip(parameters_of(function), function.inputs, strict=True)
    return [name for name, block in pairs if not block.skip_api]


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is.

    Raises:
        Refusal: It is none, or holds more values than any honest one.
    """
    if sum(body.count(mark) for mark in (b"[", b"{", b",")) > _MOST_VALUES:
        raise Refusal(413, "The request holds too many values.", "Send files by /gradio_api/upload.")
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(
            400, "The request is no JSON.", "Send a JSON object, Content-Type application/json."
        ) from error
    if not isinstance(read, dict):
        raise Refusal(400, f"The request is {shown(read)}.", 'Send a JSON object, like {"data": […]}.')
    return read


def check_body(page: gr.Blocks, path: str, body: bytes) -> bytes:
    """Return the body of a request in JSON if Gradio can read it.

    Args:
        page: The page.
        path: The address after "/gradio_api/".
        body: What was sent.

    Raises:
        Refusal: It is no JSON object, or a part of it is not what it has to be.
    """
    read = read_object(body)
    # The page names a function by its number, whatever the address says ("run/predict").
    if path.startswith("call/") or read.get("fn_index") is None:
        _check_name(page, path)
    if path.startswith("call/v2/"):
        _check_keys(page, path, read)
    elif path.startswith((*_NAMED, "queue/join")):
        _check_fields(page, path, read)
    return body


def check_listener(page: gr.Blocks, path: str, scope: Scope) -> None:
    """Refuse who listens for what there is not: Gradio breaks the answer off, with a page in the log.

    Args:
        page: The page.
        path: The address after "/gradio_api/".
        scope: The request.

    Raises:
        Refusal: Nobody has asked for anything under the key, or all that was made was fetched.
    """
    queue = page._queue
    if scope["method"] != "GET":
        return
    if path.rstrip("/") == "queue/data":
        key = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[-1]
        there = key in queue.pending_messages_per_session
    elif (
        path.startswith("call/")
        and len(parts := path.removeprefix("call/v2/").removeprefix("call/").split("/")) == 2
    ):
        key = parts[1]
        known = (queue.event_ids_to_events, queue.pending_messages_per_session)
        waited_for = queue.pending_event_ids_session.values()
        there = any(key in each for each in (*known, *list(waited_for)))
    else:
        return
    if not there:
        raise Refusal(
            404, "There is no such request, or its result was fetched already.", "Ask, and listen then."
        )


def _check_name(page: gr.Blocks, path: str) -> None:
    """Refuse an endpoint that there is not; what the page alone runs, it calls by number.

    Raises:
        Refusal: It is a route that names a function, and no endpoint has the name.
    """
    name = function_name(path)
    public = [str(each.api_name) for each in page.fns.values() if each.api_visibility == "public"]
    if name is not None and name not in public:
        there = ", ".join(f"/{each}" for each in public)
        raise Refusal(404, f"There is no endpoint {shown('/' + name)}.", f"There are: {there}.")


def function_name(path: str) -> str | None:
    """Return which function an address names, given what follows "/gradio_api/"; None: it names none."""
    for route in _NAMED:
        if path.startswith(route):
            return path.removeprefix(route).rstrip("/")
    return None


def _check_keys(page: gr.Blocks, path: str, read: dict[str, Any]) -> None:
    """Refuse parameters by name that an endpoint does not have, or lacks."""
    name = function_name(path)
    function = next(each for each in page.fns.values() if str(each.api_name) == name)
    wanted = given_by_clients(function)
    unknown = [key for key in read if key not in wanted]
    if unknown:
        raise Refusal(422, f"/{name} has no parameter {shown(unknown[0])}.", f"It has: {', '.join(wanted)}.")
    if wanted and wanted[0] not in read:
        raise Refusal(422, f"The {wanted[0]} is missing.", f"/{name} takes: {', '.join(wanted)}.")


def _check_fields(page: gr.Blocks, path: str, read: dict[str, Any]) -> None:
    """Refuse a body whose fields Gradio could not read."""
    data = read.get("data")
    if not isinstance(data, list):
        raise Refusal(
            422, f"The field 'data' is {shown(data)}.", "It is a list, one value for each parameter."
        )
    for name in ("session_hash", "event_id", "oauth_token"):
        value = read.get(name)
        if value is not None and not (
            isinstance(value, str) and len(value) <= _LONGEST_ID and value.isprintable()
        ):
            raise Refusal(422, f"The field {name!r} is {shown(value)}.", "It is a short text, or left out.")
    for name in ("fn_index", "trigger_id"):
        value = read.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise Refusal(422, f"The field {name!r} is {shown(value)}.", "It is a whole number, or left out.")
    if read.get("batched") not in (None, False) or read.get("simple_format") not in (None, False, True):
        raise Refusal(422, "The field 'batched' or 'simple_format' cannot be used.", "Leave it out.")
    number = read.get("fn_index")
    if number is not None and number not in page.fns:
        raise Refusal(404, f"There is no function number {shown(number)}.", "Call an endpoint by its name.")
    if number is None and path.startswith("queue/join"):
        raise Refusal(
            422, "The field 'fn_index' is missing.", "Call an endpoint by its name: /gradio_api/call/…."
        )
    if path.startswith("queue/join") and not read.get("session_hash"):
        raise Refusal(
            422,
            "The field 'session_hash' is missing.",
            "Choose one, and listen for it at /gradio_api/queue/data.",
        )
