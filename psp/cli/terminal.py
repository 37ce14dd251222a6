"""Output that every terminal takes: cp1252 and ASCII get other signs, never an error after the work."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

# Signs of print and of mathematics, as a typewriter has them; all else keeps its letters without accents.
_PLAIN = {
    **{"×": "x", "–": "-", "—": "-", "−": "-", "→": "->", "≥": ">=", "≤": "<=", "…": "...", "·": "*"},
    **{"λ": "lambda", "α": "alpha", "γ": "gamma", "‘": "'", "’": "'", "“": '"', "”": '"', "€": "EUR"},
}
_HANDLER = "psp-plain"


def make_printable() -> None:
    """Let standard output and errors replace what their encoding has no sign for.

    Nothing changes where the encoding has all signs (UTF-8), but for names of files that are no text.
    """
    codecs.register_error(_HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def takes(text: str) -> bool:
    """Whether standard output can show ``text`` as it is."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def print_step(words: str, share: float | None) -> None:
    """Show what happens now in one line that the next one replaces; only what takes long is told.

    Args:
        words: What happens.
        share: How much of it is done, 0 to 1; None: it does not take long.
    """
    if share is not None:  # downloads, many faces
        print(f"\r{words} ({share:.0%})\033[K", end="\r", file=sys.stderr, flush=True)


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Return signs that ASCII has for those that could not be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(sign: str) -> str:
    if sign in _PLAIN:
        return _PLAIN[sign]
    letters = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return letters or sign.encode("ascii", "backslashreplace").decode()
