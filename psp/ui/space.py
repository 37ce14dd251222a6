"""What the page has on a Space alone: the buttons to duplicate it and to sign in."""

from __future__ import annotations

from importlib.util import find_spec

import gradio as gr
from gradio import oauth
from gradio.utils import get_space

# What the platform sets where the Space's card says hf_oauth, as Gradio has read it when it was imported;
# without one of them it does not start.
_OAUTH = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")
# What "gradio[oauth]" adds.
_PACKAGES = ("authlib", "itsdangerous")


def space_buttons() -> None:
    """Lay out the buttons of a Space, inside the current row; elsewhere there are none."""
    if get_space() is None:
        return
    gr.DuplicateButton(scale=0, min_width=160)
    if _can_sign_in():
        gr.LoginButton(size="sm", scale=0, min_width=180)


def keep_private(page: gr.Blocks) -> None:
    """Take what the buttons ask of the server out of the API; called once all functions are there.

    Args:
        page: The page, finished.
    """
    for function in page.fns.values():
        if isinstance(getattr(function.fn, "__self__", None), gr.LoginButton):
            function.api_visibility = "private"


def _can_sign_in() -> bool:
    return all(getattr(oauth, name) for name in _OAUTH) and all(find_spec(name) for name in _PACKAGES)
