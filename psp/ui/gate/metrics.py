"""Figures for whoever watches over the studio: ``/metrics``, in the text format of Prometheus.

Off unless ``PSP_METRICS`` is set. The format is written here, so that no package is needed for it.
"""

from __future__ import annotations

import gradio as gr
from starlette.responses import PlainTextResponse, Response

from psp.inference.memory import resident_bytes
from psp.ui.gate.line import Line
from psp.ui.gate.probe import HEADERS, refusal
from psp.ui.gate.studio import Studio
from psp.ui.gate.tally import about, line
from psp.version import __version__

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(page: gr.Blocks, method: str) -> Response:
    """Return the figures of a page that is served.

    Args:
        page: The page.
        method: Of HTTP.

    Returns:
        200 with the text; 405 for what is no question.
    """
    if (refused := refusal(method)) is not None:
        return refused
    queue = page._queue
    told = [*about("psp_info", "gauge", "The studio."), line("psp_info", 1, version=__version__)]
    if isinstance(queue, Line):
        told += queue.tally.lines()
        told += _gauge("psp_requests_running", "Requests at work, previews too.", queue.running())
    told += _gauge("psp_requests_waiting", "Requests in line, previews too.", len(queue))
    if isinstance(page, Studio) and page.pipeline is not None:
        told += _gauge("psp_models_loaded", "Models in memory.", page.pipeline.network.loaded_count)
    if (size := resident_bytes()) is not None:
        told += _gauge("process_resident_memory_bytes", "Memory of the process.", size)
    return PlainTextResponse("\n".join(told) + "\n", 200, {**HEADERS, "content-type": _TYPE})


def _gauge(name: str, words: str, value: int) -> list[str]:
    return [*about(name, "gauge", words), line(name, value)]
