"""What a case of the table is, and what a good request to each endpoint looks like."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.ui.test_app import CONTRACT


@dataclass(frozen=True)
class File:
    """A file that is uploaded before the case is sent.

    Attributes:
        name: As the browser says it.
        make: Gives its bytes; called once, when it is needed.
    """

    name: str
    make: Callable[[], bytes]


@dataclass(frozen=True)
class Case:
    """One hostile request to an endpoint.

    Attributes:
        kind: The group it is told and counted in.
        name: What is wrong with it.
        endpoint: Name of an endpoint, or of a private function.
        data: One value an input; a File where an upload is.
        said: Pattern that the refusal must have.
        served: It may be answered with a result, too.
        click: What it says of a click.
        query: What stands in the address behind a question mark.
    """

    kind: str
    name: str
    endpoint: str
    data: tuple[Any, ...]
    said: str = ""
    served: bool = False
    click: object = None
    query: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.name} to /{self.endpoint}"


@dataclass(frozen=True)
class Sent:
    """One hostile request over plain HTTP that is no call of a function.

    Attributes:
        kind: As of a case.
        name: As of a case.
        path: Where it is sent.
        body: What is sent; None: it is a GET. A text is sent as it stands, other values as JSON.
        said: As of a case.
        statuses: Which are right.
        headers: Besides the usual ones.
    """

    kind: str
    name: str
    path: str
    body: object = None
    said: str = ""
    statuses: tuple[int, ...] = (400, 403, 404, 405, 413, 422)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}: {self.name} to {self.path[:80]}"


PHOTO, LATENTS, DIRECTIONS, VIDEO = (
    File(name, bytes) for name in ("photo", "latents", "directions", "video")
)
"""Good files, which the studio of the tests has."""

GOOD: dict[str, File] = {
    "photo": PHOTO, "sketch": PHOTO, "mask": PHOTO, "latents": LATENTS, "video": VIDEO
}  # fmt: skip
"""What a good request has for its first input."""

ENDPOINTS = tuple(name.removeprefix("/") for name in CONTRACT)


def values(endpoint: str, **changes: object) -> tuple[Any, ...]:
    """Return the values of a request to a public endpoint: defaults, a good file, and ``changes``."""
    wanted = CONTRACT[f"/{endpoint}"][0]
    assert set(changes) <= set(wanted), (endpoint, changes)
    return tuple(
        changes.get(name, GOOD[name] if default == "required" else default)
        for name, default in wanted.items()
    )


def parameters(endpoint: str) -> Iterator[tuple[str, object]]:
    """Yield the parameters of an endpoint that are no files, with their defaults."""
    for name, default in CONTRACT[f"/{endpoint}"][0].items():
        if default != "required" and default is not None:
            yield name, default


def first_of(endpoint: str) -> str:
    """Return the name of an endpoint's first parameter."""
    return next(iter(CONTRACT[f"/{endpoint}"][0]))


T = TypeVar("T")

_ALL = os.environ.get("HOSTILE_CASES") == "all"


def share_of(cases: Sequence[T], turn: int, of: int) -> Sequence[T]:
    """Return every ``of``-th of some values, from another on at each ``turn``; all with HOSTILE_CASES=all.

    What one piece of code refuses for all endpoints need not be tried with all values at each of them: every
    value is tried somewhere, and every endpoint with some.
    """
    return cases if _ALL else cases[turn % of :: of]
