"""Addresses that listeners are given: host, port, whether others can reach them, whether two clash."""

from __future__ import annotations

import ipaddress

_ANY = frozenset({"0.0.0.0", "::", "*", ""})


def split_listen(address: str) -> tuple[str, int] | None:
    """Host and port, or None when it is not an address."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        return None
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def clash(one: str, other: str) -> bool:
    """Whether the two cannot listen at the same time. Port 0 is chosen by the system and never clashes."""
    first, second = split_listen(one), split_listen(other)
    if first is None or second is None or first[1] == 0 or first[1] != second[1]:
        return False
    return _host(first[0]) == _host(second[0]) or first[0] in _ANY or second[0] in _ANY


def _host(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host
