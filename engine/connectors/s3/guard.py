"""Which addresses a bucket's client may send to: the peer of each new connection is looked at before a byte goes out.

It is the address that the connection has, so a name that changes its mind between two look-ups gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from engine.connectors.http.guard import may_connect
from engine.connectors.s3.settings import LOOPBACK, S3Server


class ConnectionGuard:
    """`refused`: the latest connection led to an address that is not allowed."""

    def __init__(self, settings: S3Server) -> None:
        self._allow_private = settings.allow_private
        self._loopback = urlsplit(settings.endpoint or "").hostname in LOOPBACK
        self.refused = False

    def allows(self, connected: socket.socket) -> bool:
        address = ipaddress.ip_address(str(connected.getpeername()[0]).partition("%")[0])
        allowed = may_connect(address, allow_private=self._allow_private, loopback=self._loopback)
        self.refused = not allowed
        return allowed

    def put_into(self, client: Any) -> None:
        """Every connection of the client is made by classes that ask here."""
        manager = client._endpoint.http_session._manager
        manager.pool_classes_by_scheme = {
            "http": _pool(AWSHTTPConnectionPool, AWSHTTPConnection, self),
            "https": _pool(AWSHTTPSConnectionPool, AWSHTTPSConnection, self),
        }


def _pool(pool: Any, connection: Any, guard: ConnectionGuard) -> type:
    def new_connection(self: Any) -> socket.socket:
        made: socket.socket = connection._new_conn(self)
        if guard.allows(made):
            return made
        made.close()
        raise NewConnectionError(self, "an address that may not be reached")

    guarded = type("GuardedConnection", (connection,), {"_new_conn": new_connection})
    return type("GuardedPool", (pool,), {"ConnectionCls": guarded})
