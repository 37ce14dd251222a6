"""Whether the studio is well, for whoever watches over it: ``/healthz``, answered before all else.

Probes come by the machine's address and know no password, so nothing is asked of them, and nothing is told
but the version, how much there is to do, and what is the matter. To answer loads nothing.
"""

from __future__ import annotations

import gradio as gr
from starlette.responses import JSONResponse, Response

from psp.ui.gate.line import Line
from psp.ui.gate.probe import HEADERS, refusal
from psp.ui.gate.studio import Studio
from psp.version import __version__

HEALTH = "/healthz"


def health(page: gr.Blocks, method: str) -> Response:
    """Return how the studio is.

    Args:
        page: The page.
        method: Of HTTP.

    Returns:
        200 with how many requests wait and run; 503 once no more are taken, or where the default model could
        not be loaded when that was last tried; 405 for what is no question.
    """
    if (refused := refusal(method)) is not None:
        return refused
    line = page._queue
    running = line.running() if isinstance(line, Line) else 0
    status = _status(page)
    told = {"status": status, "version": __version__, "waiting": len(line), "running": running}
    return JSONResponse(told, 200 if status == "ok" else 503, HEADERS)


def _status(page: gr.Blocks) -> str:
    if isinstance(page._queue, Line) and page._queue.closing:
        return "stopping"
    if isinstance(page, Studio) and page.pipeline is not None and page.pipeline.network.default.failed():
        return "default model cannot be loaded"
    return "ok"
