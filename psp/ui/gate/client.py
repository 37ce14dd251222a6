"""Who a request comes from, for fairness: an address, never a person."""

from __future__ import annotations

import os
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import fastapi

Client = str
"""An address, or for IPv6 the network of one household: its addresses are for free."""

_HOUSEHOLD = 64  # bits


def client_of(request: fastapi.Request) -> Client:
    """Return who sent a request.

    What a proxy says of the sender counts only if the proxy is trusted: one on this machine, or that of a
    Space, whose address is private. Anybody else could claim to be somebody new with every request.
    """
    host = request.client.host if request.client else ""
    peer = _address(host)
    if peer is None:
        return host
    if peer.is_loopback or (peer.is_private and os.environ.get("SPACE_ID")):
        for name in reversed(request.headers.get("x-forwarded-for", "").split(",")):
            claimed = _address(name.strip())
            if claimed is not None and not (claimed.is_private or claimed.is_loopback):
                return _household(claimed)  # the last one that is not another proxy of the house
    return _household(peer)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _household(address: IPv4Address | IPv6Address) -> Client:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network(f"{address}/{_HOUSEHOLD}", strict=False))
