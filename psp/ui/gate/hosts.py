"""Under which names the page answers; a foreign one means that another site borrows somebody's browser.

A laptop's loopback address can be reached by every page that the laptop's browser opens: such a page lets its
own name point to 127.0.0.1 (DNS rebinding), and the browser takes the studio for a part of it. The name in
the Host header tells.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_HOST = re.compile(r"(\[[0-9a-f:.%]+\]|[a-z0-9_.-]{1,253})(:\d{1,5})?", re.IGNORECASE)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Hosts:
    """The names that a studio answers under.

    Attributes:
        names: Names in lower case; "*.example.org" is every name below one, "*" every name.
        addresses: Whether bare IP addresses are its own: it listens beyond loopback. No name, so that nobody
            can let one point elsewhere.
        anywhere: Whether other sites' pages may ask it too: on a Space everything is public.
    """

    names: tuple[str, ...]
    addresses: bool = False
    anywhere: bool = False

    @classmethod
    def of(
        cls, allowed: tuple[str, ...], listens_on: str | None, env: Mapping[str, str] | None = None
    ) -> Hosts:
        """Return the names of this machine, of the Space that it may be, and those allowed besides.

        Args:
            allowed: ``Settings.allowed_hosts``.
            listens_on: The address that the server listens on; None: the environment says it, else loopback.
            env: The process environment by default.
        """
        env = os.environ if env is None else env
        listens_on = (listens_on or env.get("GRADIO_SERVER_NAME") or "127.0.0.1").strip("[]").lower()
        own = socket.gethostname().lower()
        names = [
            *_LOOPBACK,
            "*.localhost",
            own,
            f"{own}.local",
            listens_on,
            *(name.lower() for name in allowed),
        ]
        space = bool(env.get("SPACE_ID") or env.get("SPACE_HOST"))
        if space:
            names += ["*.hf.space", env.get("SPACE_HOST", "").lower()]
        if env.get("GRADIO_SHARE", "").lower() == "true":
            names.append("*.gradio.live")
        names.append((urlsplit(env.get("GRADIO_ROOT_PATH", "")).hostname or "").lower())
        beyond = listens_on not in _LOOPBACK
        return cls(tuple(name for name in names if name), beyond or space, space or "*" in allowed)

    def has(self, host: str) -> bool:
        """Return whether ``host``, as a Host header has it ("name", "name:port"), is one of the names."""
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match.group(1).strip("[]").rstrip(".").lower()
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return any(
                known in (name, "*") or (known.startswith("*.") and name.endswith(known[1:]))
                for known in self.names
            )
        return address.is_loopback or self.addresses or name in self.names or "*" in self.names

    def welcomes(self, origin: str) -> bool:
        """Return whether a page of ``origin``, as an Origin header has it, may send requests."""
        return self.anywhere or self.owns(origin)

    def owns(self, origin: str) -> bool:
        """Return whether a page of ``origin`` is one of the studio's own names."""
        parts = origin.split("://", 1)
        return len(parts) == 2 and parts[0] in ("http", "https") and self.has(parts[1])
