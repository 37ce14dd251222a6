"""What all answers to whoever watches over the studio have in common: ``/healthz`` and ``/metrics``."""

from __future__ import annotations

from starlette.responses import Response

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Of each answer: it is true for the moment only."""


def refusal(method: str) -> Response | None:
    """Return 405 for a method of HTTP that is no question; None for one that is."""
    if method in ("GET", "HEAD"):
        return None
    return Response(status_code=405, headers={**HEADERS, "allow": "GET, HEAD"})
