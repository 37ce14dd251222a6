"""Ctrl+C while codes come closer hands out the closest by then; at any other time it ends the command."""

from __future__ import annotations

import signal

import pytest

from psp.cli.enough import until_enough
from psp.errors import EnoughError
from psp.inference.network import APPROACHING


def test_who_has_enough_is_heard_with_the_next_step_and_twice_ends_it() -> None:
    told: list[float | None] = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), until_enough(lambda _, share: told.append(share)) as step:
        step(APPROACHING, 0.1)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(EnoughError):
            step(APPROACHING, 0.2)
        signal.raise_signal(signal.SIGINT)
    assert told == [0.1]
    assert signal.getsignal(signal.SIGINT) is before


def test_before_and_after_it_ends_the_command() -> None:
    with pytest.raises(KeyboardInterrupt), until_enough(lambda *_: None) as step:
        step("Drawing the face", None)
        signal.raise_signal(signal.SIGINT)
