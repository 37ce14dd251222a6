"""Calling an endpoint from within the server: in the same line, under the same checks as all requests."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import fastapi
from gradio.block_function import BlockFunction
from gradio.data_classes import PredictBodyInternal
from gradio.server_messages import EventMessage, ProcessCompletedMessage, UnexpectedErrorMessage

from psp.errors import PspError, StoppedError
from psp.ui.gate.line import ONCE, Line

Told = Callable[[EventMessage], Awaitable[None]]
"""Is told what happens meanwhile."""


async def ask(
    line: Line, function: BlockFunction, values: list[Any], request: fastapi.Request, told: Told
) -> list[Any]:
    """Call an endpoint and return its outputs as they go over the wire.

    Args:
        line: The lines of the page.
        function: The endpoint.
        values: Its values, as a client would send them.
        request: Who asks, for fairness, and under which name.
        told: Is told of the place in the line, and of the steps.

    Raises:
        PspError: What a client would be told.
    """
    session = f"{ONCE}{uuid.uuid4().hex}"
    joined = _as_joined(request)
    body = PredictBodyInternal(session_hash=session, fn_index=function._id, data=values, request=joined)
    accepted, answer, _ = await line.push(body, joined, None)
    if not accepted:
        raise StoppedError(str(answer))
    box = line.pending_messages_per_session[session]
    try:
        while True:
            message = await box.get()
            if isinstance(message, ProcessCompletedMessage):
                return _outputs(message)
            if isinstance(message, UnexpectedErrorMessage):
                raise StoppedError("The studio is being stopped.", "Try again in a minute.")
            await told(message)
    finally:  # cancelled, too: whoever is gone is not worked for
        line.pending_messages_per_session.pop(session, None)
        await line.clean_events(session_hash=session)


def _outputs(message: ProcessCompletedMessage) -> list[Any]:
    output = message.model_dump()["output"]  # plain data, as Gradio's own streams send it
    if not message.success:
        raise PspError(str(output.get("error") or "The request could not be answered."))
    return list(output.get("data") or [])


def _as_joined(request: fastapi.Request) -> fastapi.Request:
    """Return the request as if it had come by the route of the queue: Gradio looks at its address."""
    path = "/gradio_api/queue/join"
    scope = request.scope
    root = scope.get("app_root_path", "")
    return fastapi.Request(
        {**scope, "path": root + path, "raw_path": (root + path).encode(), "root_path": root}
    )
