"""A page that is served for the length of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from psp.ui.api.server import offer_tools
from psp.ui.app import launch_settings
from psp.ui.gate.studio import Studio


@contextmanager
def served(page: gr.Blocks) -> Iterator[str]:
    """Serve a page on loopback, as the studio does; gives its address."""
    if isinstance(page, Studio):
        offer_tools(page)
    _, url, _ = page.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings()
    )
    try:
        yield url
    finally:
        page.close()
