"""The whole page: a title, the tabs, and how it is launched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from psp.pipeline import PspPipeline
from psp.tasks import TASKS
from psp.ui.about import about_tab
from psp.ui.encode import encode_tab

_ROOT = Path(__file__).resolve().parent.parent.parent
_EXAMPLES = _ROOT / "examples"
_CSS = _ROOT / "assets" / "studio.css"
# Uploads and results are looked at every hour and deleted once they are a day old.
_HOUR, _DAY = 3600, 86400


def build_app(pipeline: PspPipeline) -> gr.Blocks:
    """Return the page over ``pipeline``, with its queue; nothing is loaded and nothing is served yet."""
    photos = [str(path) for path in sorted((_EXAMPLES / "photos").glob("*.jpg"))]
    with gr.Blocks(title="pSp Studio", delete_cache=(_HOUR, _DAY), analytics_enabled=False) as page:
        gr.Markdown(
            "# pSp Studio\nA photo becomes a face that a generator can draw: pixel2style2pixel, anywhere."
        )
        with gr.Tab(TASKS["encode"].title):
            encode_tab(pipeline, photos)
        with gr.Tab("About"):
            about_tab()
    page.queue(max_size=pipeline.settings.queue_size)  # always said: on ZeroGPU the default is 1
    assert isinstance(page, gr.Blocks)  # gradio leaves the type of a context open
    return page


def launch_settings() -> dict[str, Any]:
    """Return how the page is served, for ``gr.Blocks.launch``."""
    return {"show_error": False, "theme": gr.themes.Soft(), "css_paths": _CSS, "footer_links": ["api"]}


def launch(page: gr.Blocks) -> None:
    """Serve ``page`` until it is stopped; host and port follow Gradio's own environment variables."""
    page.launch(**launch_settings())
