"""What went wrong between here and the Hub while a Space was made, in words and with a next step."""

from __future__ import annotations

from collections.abc import Collection

from psp.checkpoints.card import clean
from psp.checkpoints.hub import answer_of, network_errors
from psp.errors import DeployError

NO_TOKEN = "Log in with `hf auth login`, or set HF_TOKEN to a token that may write."

_STEPS = {
    400: ("The Hub does not understand the request", "Read what it says; the front matter may be the cause."),
    401: ("The Hub does not accept the token", NO_TOKEN),
    402: (
        "The Hub wants to be paid for this",
        "ZeroGPU needs a PRO account, other machines a card: take --hardware cpu-basic, or pay on the Hub.",
    ),
    403: ("The token may not do this", "Use a Space of your own and a token with the role 'write'."),
    404: ("The Hub does not find the Space", "Check OWNER, and that the token may see it."),
    409: (
        "The Space is there and not for this token, or is being changed",
        "Wait a minute, and run the command again; if it stays so, take another name.",
    ),
    412: ("The Space has changed meanwhile", "Run the command again; it looks at what is there now."),
    413: ("A file is too large for the Hub", "Files of at most 10 MB are no trouble."),
    429: ("The Hub asks for patience: too many requests", "Wait some minutes, and run the command again."),
}


def told(error: Exception, repo: str, after: str, values: Collection[str]) -> DeployError:
    """Return the error for a person; of the server's own words no more than a line.

    Args:
        error: What the Hub's library raised.
        repo: The Space.
        after: What is there now, one sentence; empty: nothing has changed.
        values: What must not be shown, whoever says it.
    """
    after = f" {after}" if after else " Nothing has changed on the Hub."
    answer = answer_of(error)
    if answer is not None:
        status, said = answer
        problem, step = _STEPS.get(status, ("The Hub answered", "Try again later."))
        if status >= 500:
            problem, step = "The Hub is out of order", "Try again later."
        words = f" It says: {_hidden(said, values)[:200]}" if said else ""
        return DeployError(f"{problem} ({repo}, {status}).{words}{after}", step)
    words = _hidden(str(error), values) or type(error).__name__
    if isinstance(error, network_errors()):
        return DeployError(
            f"The Hub cannot be reached, or the connection broke ({words}).{after}",
            "Run the command again when there is a network; what is there is not sent twice.",
        )
    return DeployError(
        f"The upload failed: {words}.{after}", "Run the command again; what is there is not sent twice."
    )


def _hidden(text: str, values: Collection[str]) -> str:
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "…") if value else text
    return clean(text)
