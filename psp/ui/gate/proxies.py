"""Proxies of the environment at start: Gradio asks its own page, which no proxy can reach."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

import httpx

from psp.errors import SettingsError

_NAMES = ("all_proxy", "http_proxy", "https_proxy")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def exempt_loopback(env: MutableMapping[str, str] | None = None) -> None:
    """Let requests to this machine go round the proxies, and make sure that the proxies can be used at all.

    Args:
        env: Changed where it names a proxy; the process environment by default.

    Raises:
        SettingsError: A proxy needs a package that is not here, or is none. Its address is not repeated: it
            may hold a password.
    """
    env = os.environ if env is None else env
    given = [name for name in env if name.lower() in _NAMES and env[name].strip()]
    if not given:
        return
    own = env.get("GRADIO_SERVER_NAME", "").strip("[]")
    before = [name.strip() for key in ("no_proxy", "NO_PROXY") for name in env.get(key, "").split(",")]
    exempt = ",".join(dict.fromkeys(name for name in (*before, *_LOOPBACK, own) if name))
    # Programs differ in which of the two they read.
    env["no_proxy"] = env["NO_PROXY"] = exempt
    for name in given:
        try:
            httpx.Client(proxy=env[name].strip(), trust_env=False).close()
        except ImportError as error:
            raise SettingsError(
                f"{name} names a SOCKS proxy, for which the package socksio is missing.",
                f"Install it (pip install 'httpx[socks]'), or start with {name} unset.",
            ) from error
        except ValueError as error:
            raise SettingsError(
                f"{name} is no address of a proxy.", "Write it as http://host:port, or unset it."
            ) from error
