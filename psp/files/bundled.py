"""Where ``assets/`` and ``examples/`` lie: beside the package or, installed from a wheel, inside it."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled_dir(name: str) -> Path:
    """Return the folder ``name`` of what comes along.

    A wheel has it inside the package, so that an installation holds nothing outside of its own folder; the
    repository, and an editable install of it, beside the package.

    Args:
        name: "assets" or "examples".
    """
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def assets_dir() -> Path:
    """Return the folder of bundled weights, styles and scripts."""
    return bundled_dir("assets")


def directions_file() -> Path:
    """Return the file of the directions that come along, for the generator of mobile-1024."""
    return assets_dir() / "mobile-1024" / "directions.safetensors"


def examples_dir() -> Path:
    """Return the folder of the example pictures and their stored results."""
    return bundled_dir("examples")
