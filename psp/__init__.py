"""pSp Studio: photos, sketches, maps and tiny pictures to faces with pixel2style2pixel (CVPR 2021).

The rooms, from the top down: ``cli``; ``evaluation``, ``ui``; ``training``, ``folders``; ``inference``;
``checkpoints``; ``maps``; ``losses``, ``registry``, ``faces``; ``files``; ``models``, ``pictures``,
``codes``. Imports go downward only. Each says what is in it, and explains the words of the field that its
names use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psp.version import __version__

if TYPE_CHECKING:
    from psp.inference.pipeline import PspPipeline, Result

__all__ = ["PspPipeline", "Result", "__version__"]


def __getattr__(name: str) -> object:
    """Load the pipeline on first use, so that ``import psp`` alone costs nothing."""
    if name in ("PspPipeline", "Result"):
        from psp.inference import pipeline  # noqa: PLC0415  (the point of this function)

        return getattr(pipeline, name)
    raise AttributeError(f"module 'psp' has no attribute {name!r}")
