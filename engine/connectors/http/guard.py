"""Which addresses a destination may connect to: a host's name must not lead into places it was not meant for.

The address that was checked is the address that is connected to, so a name that changes its mind between two
look-ups (DNS rebinding) gains nothing. Source: OWASP API7:2023; IANA special-purpose address registries.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from engine.core.errors import DestinationError

Address = IPv4Address | IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_TEREDO = ipaddress.ip_network("2001::/32")
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")
_SHARED = ipaddress.ip_network("100.64.0.0/10")


class AddressRefusedError(DestinationError):
    """The host leads to an address that this destination may not reach."""

    code = "T004"


def refuse_host(host: str, allow_private: bool) -> None:
    """For hosts written as an address, which are never looked up.

    Raises:
        AddressRefusedError: this destination may not connect there, or it is an address in an odd spelling.
    """
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        # Numbers that are no plain address (2130706433, 0177.0.0.1, 127.0.0.1.): the client would not look them
        # up either, and the system takes them for one.
        _refuse_unless(":" not in host and not host.replace(".", "").isdigit())
        return
    _refuse_unless(may_connect(address, allow_private=allow_private, loopback=address.is_loopback))


def host_of(url: str) -> str:
    """The host as the client will use it: `①②⑦.0.0.1` is `127.0.0.1` there.

    Raises:
        DestinationError: not a URL.
    """
    try:
        return URL(url).raw_host or ""
    except ValueError:
        raise DestinationError("the URL cannot be used", where="url") from None


def guarded_socket(allow_private: bool) -> Callable[[AddrInfoType], socket.socket]:
    """Makes the sockets of a client. The last look: whatever way an address came, it is this one that is connected to.

    Raises (when called):
        AddressRefusedError: it may not be connected to.
    """

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        refuse_host(str(address[0]), allow_private)
        return socket.socket(family, kind, protocol)

    return make


def may_connect(address: Address, *, allow_private: bool, loopback: bool) -> bool:
    """Tell whether this address may be connected to.

    Args:
        allow_private: private networks are meant to be reached.
        loopback: the setting itself says localhost or a loopback address.
    """
    inner = _inner(address)
    if inner is not address:  # an IPv4 address in disguise is never needed
        return False
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    if address.is_loopback:
        return allow_private and loopback
    if address.is_private or (isinstance(address, IPv4Address) and address in _SHARED):
        return allow_private and not address.is_reserved and not _is_this_network(address)
    return not address.is_reserved and address.is_global


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _TEREDO and address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64) or (address in _IPV4_COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_this_network(address: Address) -> bool:
    return isinstance(address, IPv4Address) and address in ipaddress.ip_network("0.0.0.0/8")


class GuardedResolver(AbstractResolver):
    """Looks names up and gives out only addresses that may be connected to."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loopback = _says_loopback(host)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        results = [_result(host, port, kind, address) for kind, _, _, _, address in found]
        allowed = [
            one
            for one in results
            if may_connect(ipaddress.ip_address(one["host"]), allow_private=self._allow_private, loopback=loopback)
        ]
        _refuse_unless(bool(allowed))
        return allowed

    async def close(self) -> None:
        """Nothing is held open."""


def _says_loopback(host: str) -> bool:
    """Only plain spellings: another name or number that leads there was not meant to."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _result(host: str, port: int, family: int, address: tuple[object, ...]) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address[0]).partition("%")[0],
        port=port,
        family=family,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _refuse_unless(allowed: bool) -> None:
    if not allowed:
        raise AddressRefusedError(
            "the host leads to an address that may not be reached from here",
            where="url",
            remedy="use the far side's real host; private addresses need allow_private",
        )
