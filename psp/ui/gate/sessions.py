"""The state of every visit, without what Gradio prepares for links into it.

For each session Gradio 6.31 describes all controls of the page anew, so that a "deep link" can restore them:
0.3 s in which the server answers nobody, and half a megabyte. The studio refuses such links
(``psp.ui.gate.door``); its own hold a recipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState, StateHolder


class Sessions(StateHolder):
    """The sessions of a page."""

    def __getitem__(self, session_id: str) -> SessionState:
        """Return a session, a new one where there is none yet."""
        if session_id not in self.session_data:
            self.session_data[session_id] = _Session(self.blocks)
        return super().__getitem__(session_id)


@dataclass(frozen=True)
class _Undescribed:
    """What a session takes of the page: how it begins, and no control to describe."""

    default_config: BlocksConfig
    blocks: tuple[int, ...] = ()


class _Session(SessionState):
    """The state of one visit: its own values and its own changes of controls."""

    def __init__(self, blocks: gr.Blocks) -> None:
        super().__init__(_Undescribed(blocks.default_config))  # type: ignore[arg-type]  # all that it reads

    def _update_config(self, key: int) -> None:
        """Leave a changed control undescribed."""

    def _update_value_in_config(self, key: int, value: Any) -> None:  # noqa: ANN401  (as gradio has it)
        """Leave a changed value undescribed."""
