"""The presets: every number of every run that the studio knows, by name."""

from __future__ import annotations

from psp.errors import TrainingError
from psp.training.config import TrainConfig
from psp.training.presets_mobile import MOBILE_PRESETS
from psp.training.presets_own import OWN_PRESETS
from psp.training.presets_paper import PAPER_PRESETS

_PRESETS = MOBILE_PRESETS | PAPER_PRESETS | OWN_PRESETS


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(_PRESETS)


def preset(name: str) -> TrainConfig:
    """Return the preset called ``name``.

    Raises:
        TrainingError: There is none.
    """
    if name not in _PRESETS:
        raise TrainingError(f"There is no preset called {name!r}.", f"Known: {', '.join(_PRESETS)}.")
    return _PRESETS[name]()
