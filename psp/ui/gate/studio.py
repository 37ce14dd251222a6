"""The page as Gradio serves it, with what Gradio leaves out: every request is checked, every error told.

All routes lead through :meth:`Studio.process_api`: the queue, direct calls, functions by number, private
ones. So what is checked here is checked for every endpoint and control, those included that will come.
"""

from __future__ import annotations

import os
from typing import Any

import gradio as gr

from psp.config import Settings
from psp.errors import InputError
from psp.inference.pipeline import PspPipeline
from psp.inference.warmup import Warmth
from psp.ui.gate.incoming import check_event, check_values
from psp.ui.gate.journal import judged
from psp.ui.gate.line import ONCE
from psp.ui.gate.uploads import fetch, is_url, own_file
from psp.ui.words import in_words_async

# What is replaced on single components: a component that Gradio makes anew has to have it too.
_REPLACED = ("preprocess", "_process_single_file", "accept_blobs")

# What Gradio says of each component for the description of the API.
_DESCRIPTION = ("api_info", "api_info_as_input", "api_info_as_output", "example_inputs")


class Studio(gr.Blocks):
    """The studio's Blocks.

    Args:
        settings: Limits of what comes in.
        kwargs: As for ``gr.Blocks``.
    """

    def __init__(self, settings: Settings, **kwargs: Any) -> None:  # noqa: ANN401  (as gradio has them)
        super().__init__(**kwargs)
        self.settings = settings
        self.warmth: Warmth | None = None  # of the process that serves it
        self.pipeline: PspPipeline | None = None  # what is behind it

    def queue(self, *args: Any, **kwargs: Any) -> Studio:  # noqa: ANN401  (as gradio has them)
        """Do nothing: ``take_turns`` gives the studio its lines, and with Gradio's comes one more server."""
        return self

    def get_config_file(self) -> Any:  # noqa: ANN401  (as gradio has it)
        """Return what browsers and clients are told of the page, without describing what no endpoint has."""
        config = super().get_config_file()
        public = [function for function in self.fns.values() if function.api_visibility != "private"]
        told = {block._id for function in public for block in (*function.inputs, *function.outputs)}
        for component in config["components"]:
            if component["id"] not in told:
                for name in _DESCRIPTION:
                    component.pop(name, None)
        for function in config["dependencies"]:
            # What follows another event has no component that a browser could look for: it would look at all.
            function["targets"] = [target for target in function["targets"] if target[0] is not None]
        return config

    def address(self) -> str:
        """Return the address under which the page is seen from outside, as far as it knows."""
        host = os.environ.get("SPACE_HOST", "").partition(",")[0]  # a domain of its own comes after it
        return f"https://{host}" if host else self.share_url or self.local_url or ""

    @in_words_async
    async def process_api(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401  (as gradio has them)
        """Run one request; whatever goes wrong in it is told in words."""
        with judged():
            return await self._process(*args, **kwargs)

    async def _process(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401  (as gradio has them)
        event = kwargs.get("event_data")
        function = args[0] if args else kwargs["block_fn"]
        function = self.fns[function] if isinstance(function, int) else function
        if function.fn is None:
            raise InputError("This runs in the browser alone.", "Call an endpoint by its name.")
        if function.collects_event_data:
            check_event(getattr(event, "_data", None))
        try:
            return await super().process_api(*args, **kwargs)
        finally:
            self._forget(kwargs.get("session_hash") or "")

    async def preprocess_data(
        self,
        block_fn: Any,  # noqa: ANN401  (gradio's BlockFunction, not public)
        inputs: list[Any],
        state: Any,  # noqa: ANN401  (gradio's SessionState, not public)
        explicit_call: bool = False,
    ) -> list[Any]:
        """Check what was sent before any component sees it."""
        if not block_fn.cancels:
            inputs = check_values(block_fn, inputs, self._default)
            for value in inputs:
                if isinstance(value, dict) and is_url(str(value.get("path", ""))):
                    url = value["path"]
                    value["path"] = own_file(url) or await fetch(url, self.settings.max_upload_mb << 20)
        return list(await super().preprocess_data(block_fn, inputs, state, explicit_call))

    async def postprocess_data(
        self,
        block_fn: Any,  # noqa: ANN401  (gradio's BlockFunction, not public)
        predictions: Any,  # noqa: ANN401  (what the function returned)
        state: Any,  # noqa: ANN401  (gradio's SessionState, not public)
    ) -> list[Any]:
        """Keep what is replaced on a component when an update makes Gradio build it anew."""
        data = await super().postprocess_data(block_fn, predictions, state)
        for block in block_fn.outputs:
            kept = {name: vars(block)[name] for name in _REPLACED if name in vars(block)}
            if kept and state is not None and block._id in state:
                vars(state[block._id]).update(kept)
        return list(data)

    def _default(self, block: gr.blocks.Block) -> object:
        """Return the value that a control has on a fresh page."""
        value = getattr(self.blocks[block._id], "value", None)
        return value() if callable(value) else value

    def _forget(self, session: str) -> None:
        """Drop the state of a request without a session: nobody can come back for it."""
        if session.startswith(ONCE):
            self.state_holder.session_data.pop(session, None)
            self.state_holder.time_last_used.pop(session, None)
