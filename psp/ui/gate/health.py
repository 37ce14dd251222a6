"""Whether the studio is well, for whoever watches over it: ``/healthz``, answered before all else.

Probes come by the machine's address and know no password, so nothing is asked of them, and nothing is told
but how much there is to do.
"""

from __future__ import annotations

import gradio as gr
from starlette.responses import JSONResponse, Response

from psp.ui.gate.line import Line

HEALTH = "/healthz"

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def health(page: gr.Blocks, method: str) -> Response:
    """Return how the studio is.

    Args:
        page: The page.
        method: Of HTTP.

    Returns:
        200 with how many requests wait and run; 503 once no more are taken; 405 for what is no question.
    """
    if method not in ("GET", "HEAD"):
        return Response(status_code=405, headers={**_HEADERS, "allow": "GET, HEAD"})
    line = page._queue
    if not isinstance(line, Line):
        return JSONResponse({"status": "ok", "waiting": len(line), "running": 0}, headers=_HEADERS)
    if line.closing:
        return JSONResponse({"status": "stopping"}, 503, _HEADERS)
    return JSONResponse({"status": "ok", "waiting": len(line), "running": line.running()}, headers=_HEADERS)
