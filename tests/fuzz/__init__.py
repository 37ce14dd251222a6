"""Parsers given what nobody would write: a value that comes back the same, or a sentence of ours."""
