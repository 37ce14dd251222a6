"""Exact likeness at the page, which asks for it by itself: what becomes of it where a model cannot do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psp.inference.network import Network
from psp.inference.result import Result
from psp.ui.addressed import is_program

_ONLY_QUICK = "This model knows no exact likeness: this is the quick one."


def as_far_as_it_can(network: Network, model: str, likeness: str, run: Callable[[str], Result]) -> Result:
    """Run a task with ``likeness``; at the page quickly, and told, where the model cannot be exact.

    Args:
        network: Knows the model.
        model: Its name.
        likeness: What was asked for; a program that asks for what a model cannot do is told so.
        run: The task, given the likeness.
    """
    lacks = likeness == "exact" and not is_program() and not network.can_be_exact(model)
    made = run("quick" if lacks else likeness)
    if lacks:
        warnings: list[Any] = made.details["warnings"]
        made.details["warnings"] = [*warnings, _ONLY_QUICK]
    return made
