"""The whole page: a title, the tabs, and how it is launched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import gradio as gr
from gradio.routes import App

from psp.config import Settings
from psp.files.bundled import assets_dir
from psp.inference.examples import FOLDER
from psp.inference.pipeline import PspPipeline
from psp.inference.warmup import Warmth
from psp.tasks import TASKS, TOOLS
from psp.ui.about import about_tab
from psp.ui.api.described import describe_api
from psp.ui.api.server import offer_tools
from psp.ui.batch.tab import batch_tab
from psp.ui.editing import edit_tab
from psp.ui.encode import encode_tab
from psp.ui.frame.card import ICON, Card
from psp.ui.frame.masthead import TITLE, masthead
from psp.ui.frame.theme import MARGINS, studio_theme
from psp.ui.frame.warm import warm_when_opened
from psp.ui.frontalize import frontalize_tab
from psp.ui.gate.door import Door
from psp.ui.gate.line import take_turns
from psp.ui.gate.login import Login, checker
from psp.ui.gate.printed import printed
from psp.ui.gate.proxies import exempt_loopback
from psp.ui.gate.serving import serve_until_stopped
from psp.ui.gate.sessions import Sessions
from psp.ui.gate.studio import Studio
from psp.ui.layout import MODEL_QUEUE
from psp.ui.mixing import mixing_tab
from psp.ui.preset import connect_preset
from psp.ui.recipes import connect_recipes, recipe_input, restored_note
from psp.ui.segmentation import legend_css, segmentation_tab
from psp.ui.session.follow import connect_follow
from psp.ui.session.send import connect_send
from psp.ui.session.strip import connect_strip, result_strip
from psp.ui.sketch import sketch_tab
from psp.ui.space import keep_private, space_buttons
from psp.ui.super_resolution import super_resolution_tab
from psp.ui.toonify import toonify_tab
from psp.ui.video.tab import video_tab

_ASSETS = assets_dir()
_CSS = [_ASSETS / f"{name}.css" for name in ("frame", "studio", "mix", "edit", "films", "batch")]
_PADS = _ASSETS / "pads.css"
_NAMES = (
    "pad", "seeds", "results", "sheet", "live", "mix", "edit", "clip", "films", "pictures", "tabs", "names",
    "session", "share", "batch",
)  # fmt: skip
_SCRIPTS = [_ASSETS / f"{name}.js" for name in _NAMES]
# Uploads and results are looked at every hour and deleted once they are a day old.
_HOUR, _DAY = 3600, 86400
# Visitors whose state is kept at once, up to 3 MB each (the details of an edited face); the one who was away
# longest loses it first.
_SESSIONS = 256

# Requests with a model at once where a GPU is lent call by call: most of them wait for one, which may take a
# minute, and others prepare their pictures meanwhile. On a device of its own, one at a time.
_ON_LENT = 8

_TABS = {
    "encode": encode_tab,
    "edit": edit_tab,
    "frontalize": frontalize_tab,
    "sketch_to_face": sketch_tab,
    "segmentation_to_face": segmentation_tab,
    "super_resolution": super_resolution_tab,
    "toonify": toonify_tab,
    "style_mix": mixing_tab,
}


def build_app(pipeline: PspPipeline) -> gr.Blocks:
    """Return the page over ``pipeline``, with its queue; nothing is loaded and nothing is served yet."""
    settings = pipeline.settings
    with Studio(settings, title=TITLE, delete_cache=(_HOUR, _DAY - _HOUR), analytics_enabled=False) as page:
        with gr.Row(elem_classes="top", equal_height=True):
            masthead()
            space_buttons()
        restored = restored_note()
        known, opened = [], []
        with gr.Tabs(overflow_behavior="wrap", elem_classes="task-tabs") as tabs:
            for name, tab in _TABS.items():
                title = TASKS[name].tab
                with gr.Tab(title, id=name, elem_id=f"tab-{title.lower()}") as each:
                    known.append(tab(pipeline))
                opened.append(each)
            with gr.Tab(TOOLS["video"].title, id="video", elem_id="tab-video"):
                video_tab(pipeline)
            with gr.Tab("Batch", id="batch", elem_id="tab-batch"):
                batch_tab(pipeline)
            with gr.Tab("About", id="about", elem_id="tab-about"):
                about_tab(pipeline.settings)
        state, strip, forget = result_strip()
        for parts in known:
            connect_preset(parts.fresh, parts.inputs, parts.settings, parts.results)
        connect_follow(opened, known)
        connect_send(tabs, known)
        connect_strip(state, strip, forget, tabs, known)
        connect_recipes(page, pipeline, recipe_input(), restored, tabs, known)
        assert isinstance(page, Studio)  # gradio leaves the type of a context open
        page.pipeline, page.warmth = pipeline, Warmth(pipeline)
        warm_when_opened(page, page.warmth)
        describe_api(page, page.address)
    keep_private(page)
    if pipeline.network.lent:
        for function in page.fns.values():
            if function.concurrency_id == MODEL_QUEUE:
                function.concurrency_limit = _ON_LENT
    page.api_open = False  # else /run goes round the queue
    take_turns(page, settings)
    return page


def launch_settings(settings: Settings | None = None) -> dict[str, Any]:
    """Return how the page is served, for ``gr.Blocks.launch``.

    Args:
        settings: Limits of what comes in; from the environment by default.
    """
    settings = settings or Settings.from_env()
    most = settings.max_upload_mb << 20

    @asynccontextmanager
    async def behind_the_door(app: App) -> AsyncIterator[None]:
        # Outermost, so that Gradio's own layers do not answer for it (CORS); the server starts after this.
        assert app.middleware_stack is not None, "built when the server starts"
        page, below = app.get_blocks(), app.middleware_stack
        login = Login(below, app, settings.auth) if settings.auth else None
        assert isinstance(page, Studio), "build_app makes it"
        app.state_holder = Sessions()  # type: ignore[no-untyped-call]  # as Gradio has the one before
        app.state_holder.set_blocks(page)
        inner = Card(login or below, page)
        app.middleware_stack = Door(inner, page, settings.allowed_hosts, most, login, settings.metrics)
        async with AsyncExitStack() as stack:
            if page.mcp_server_obj:
                await stack.enter_async_context(page.mcp_server_obj.lifespan(app))
            yield

    return {
        "show_error": False,
        "auth": checker(settings.auth) if settings.auth else None,
        "theme": studio_theme(),
        "css_paths": _CSS,
        "favicon_path": ICON,
        "css": legend_css(),
        "head": f"{MARGINS}<style>{_PADS.read_text('utf-8')}</style>"
        + "".join(f"<script>{path.read_text('utf-8')}</script>" for path in _SCRIPTS),
        "footer_links": ["api"],
        "allowed_paths": [str(FOLDER)],
        "max_file_size": most,
        "state_session_capacity": _SESSIONS,
        "enable_monitoring": False,
        "run_history": False,
        "mcp_server": False,  # Gradio's own; the page has tools of its own (offer_tools)
        "app_kwargs": {"lifespan": behind_the_door},
        # Gradio would ask for its own page and give up where it takes three seconds, as on a busy machine.
        "_frontend": False,
    }


def launch(page: gr.Blocks) -> None:
    """Serve ``page`` until it is stopped; host and port follow Gradio's own environment variables.

    Raises:
        SettingsError: The environment names a proxy that cannot be used.
    """
    exempt_loopback()
    assert isinstance(page, Studio), "build_app makes it"
    offer_tools(page)
    with printed(page.settings.log):
        assert page.warmth is not None, "build_app makes it"
        page.warmth.allow()
        page.launch(prevent_thread_lock=True, **launch_settings(page.settings))
        serve_until_stopped(page)
        page.warmth.stop()
