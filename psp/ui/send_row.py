"""The row of buttons below a result that send it to another tab."""

from __future__ import annotations

from psp.tasks import TASKS


def send_buttons(task: str) -> str:
    """Return the row of buttons below the results of ``task``, as HTML."""
    others = [other for other in TASKS.values() if other.name != task]
    buttons = "".join(
        f'<button type="button" data-from="{task}" data-send="{other.name}" '
        f'aria-label="Send this result to {other.tab}">{other.tab}</button>'
        for other in others
    )
    return f'<div class="send"><span>Send to</span>{buttons}</div>'
