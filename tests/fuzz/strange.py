"""What the parsers are tried with: strategies that stay near their grammars, and leave them."""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from psp.parameters import SETTINGS
from psp.tasks import TASKS

MORE = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Examples a test, where more are wanted than the suite has time for: others in every run, then."""

SMALL = settings(
    derandomize=not MORE,
    database=None,
    max_examples=MORE or 60,
    deadline=None,  # of one example: the machine may be busy
    suppress_health_check=list(HealthCheck),
)
"""How many examples; in the suite the same in every run, so that a failure is found again."""

# What text may hold that a grammar has not thought of: other digits, dashes, half characters, NUL.
_ODD = "٣３²½–−‐\u200b\u00a0\0\n\ud800\udcffİß\x1b"


def text_of(alphabet: str, longest: int = 40) -> st.SearchStrategy[str]:
    """Return texts of a grammar's own characters, with a few that it does not know."""
    return st.text(st.sampled_from(alphabet * 3 + _ODD), max_size=longest) | st.text(max_size=longest)


LAYERS = st.lists(
    st.sampled_from(
        [
            "0",
            "8-",
            "-3",
            "0-3",
            "3-0",
            "999",
            "7:0.5",
            "all:0.2",
            "pose:1",
            "features",
            "colours:.0001",
            "auto",
        ]
    )
    | text_of("0123456789-:.,aloepsufrtc ", 12),
    max_size=30,
).map(",".join)
"""Choices of layers."""

EDITS = st.lists(
    st.sampled_from(["smile:0.5", "age:-1", "a:2", "a:-2.0", "x-1:.01", "x:0", "x:-0.004", "A:1", "a:2.1"])
    | text_of("abcz-_:.0123456789+ ", 12),
    max_size=30,
).map(",".join)
"""Edits."""

SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["NaN", "inf", "1e999", "-0", " 7 ", "0x10", "1_000", "true", "False", "٣", "x" * 500])
)
"""Single values of JSON, and some that JSON does not have."""

ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
"""Plain data."""

_SETTINGS = st.dictionaries(
    st.sampled_from([*SETTINGS, "nothing"]), SCALARS | ANYTHING | LAYERS | EDITS, max_size=5
)
RECIPES = (
    st.fixed_dictionaries(
        {},
        optional={
            "task": st.sampled_from([*TASKS]) | ANYTHING,
            "model": st.just("auto") | ANYTHING,
            "model_sha256": st.just("") | ANYTHING,
            "settings": _SETTINGS | ANYTHING,
            "more": ANYTHING,
        },
    )
    | ANYTHING
)
"""Recipes as plain data."""

_TOML = st.sampled_from(
    ["[a]", "[[a]]", "[A.b]", "['']", "[mobile-1024]", "x = 1", "path = 1979-13-01", "tasks = " + "[" * 2000,
     "x = " + "9" * 5000, "licence = nan", "\ufeff", "\0", "= ", "'''", "path = \"a\"", "[é]"]
)  # fmt: skip
_TOML_VALUES = st.text(max_size=12) | st.sampled_from(
    [
        "a",
        "~nobody-here/x",
        "~\0/x",
        "\0",
        "",
        " ",
        "me/x",
        "../..",
        "main",
        "-x",
        "encode",
        "x" * 9000,
        "/" * 9000,
    ]
)
_TOML_TABLE = st.dictionaries(
    st.sampled_from(["path", "hub", "revision", "title", "licence", "tasks", "more"]),
    _TOML_VALUES
    | st.lists(st.just("encode") | _TOML_VALUES | st.just([]) | st.just({}), max_size=3)
    | st.sampled_from([1, True, {}, {"a": 1}, 1.5]),
    max_size=3,
)


def _as_toml(tables: dict[str, dict[str, Any]]) -> str:
    """Return tables as TOML; of its own escapes, JSON's texts have all that are needed."""
    lines = []
    for name, table in tables.items():
        lines.append(f"[{json.dumps(name)}]")
        for key, value in table.items():
            inline = json.dumps(value) if not isinstance(value, dict) else "{" + "a = 1" * len(value) + "}"
            lines.append(f"{key} = {inline.replace('{}', '{ }')}")
    return "\n".join(lines)


_TOML_NAMES = st.text(max_size=12) | st.sampled_from(["a", "mobile-1024", "x" * 99])
TOML = st.lists(_TOML | st.text(max_size=12), max_size=6).map("\n".join) | st.dictionaries(
    _TOML_NAMES, _TOML_TABLE, max_size=2
).map(_as_toml)
"""Files of own models."""

SETTING_TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        *(
            "1",
            "0",
            "-1",
            "1e3",
            "٣",
            "9" * 16,
            "²",
            "true",
            "~nobody-here/x",
            "~\udcff/x",
            "a:b",
            ":",
            "me:",
        ),
        *("me:correct horse", "cuda:1", "CUDA", "cpu:0", "cuda:99999", "requests", "off", " ", "\x1b[31m"),
        *("<b>", "x" * 9000),
    ]
)
"""Values of variables of the environment."""
