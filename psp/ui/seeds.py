"""The seed with its dice and its lock: by chance at the page, fixed in the API (``assets/seeds.js``)."""

from __future__ import annotations

import json

import gradio as gr

_LOCK = (
    '<button type="button" class="lock" id="lock-{task}" aria-pressed="false" '
    'title="Keep this seed: the next run makes the same faces again">'
    '<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" fill="none" stroke="currentColor" '
    'stroke-width="1.6"><rect x="3" y="7" width="10" height="7" rx="1.5" fill="currentColor"/>'
    '<path d="M5 7V5a3 3 0 0 1 6 0v2"/></svg>Keep</button>'
)


def seed_control(task: str, default: int, label: str, info: str) -> gr.Number:
    """Make a seed with its dice and its lock, inside the current row.

    Args:
        task: Name of the task that takes the seed.
        default: What the API takes where nobody says.
        label: Its name on the page.
        info: What it does.

    Returns:
        The seed; dice and lock are the browser's own business.
    """
    named = json.dumps(task)
    with gr.Column(min_width=120, elem_classes="seed"):
        seed = gr.Number(value=default, precision=0, label=label, info=info)
        with gr.Row(elem_classes="seed-buttons"):
            dice = gr.Button("Roll the dice", size="sm", min_width=80)
            gr.HTML(_LOCK.format(task=task), padding=False, elem_classes="lock-frame")
    rolled = dice.click(None, None, seed, js=f"() => seeds.roll({named})", api_visibility="private")
    rolled.success(
        None, js=f"() => (document.getElementById('run-{task}').click(), [])", api_visibility="private"
    )
    # Whoever types a seed wants this one.
    seed.input(None, js=f"() => seeds.lock({named}, true)", api_visibility="private")
    return seed
