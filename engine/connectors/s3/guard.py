"""What carries a bucket's requests: only addresses that may be reached are connected to.

The client's own event `before-send` hands each request over. Its host is looked up once, the address that was judged is
the one that is connected to, and TLS still asks for the host's name: a name that changes its mind between two look-ups
gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions as wrong
import urllib3
import urllib3.exceptions as failed
from botocore.awsrequest import AWSResponse

from engine.connectors.http.guard import may_connect
from engine.connectors.s3.settings import LOOPBACK, S3Server

_HOSTS_AT_ONCE = 8  # pools; an endpoint's addresses, and those that it redirects to
_NO_CONNECTION = (failed.NewConnectionError, failed.ConnectTimeoutError)


class AddressNotAllowedError(Exception):
    """The host leads to addresses that may not be reached only."""


class GuardedTransport:
    """One for a client; may be used by several threads. `authorities`: a file of them, else the system's."""

    def __init__(self, settings: S3Server, authorities: str | None, parallel: int) -> None:
        self._allow_private = settings.allow_private
        self._loopback = urlsplit(settings.endpoint or "").hostname in LOOPBACK
        self._pools = urllib3.PoolManager(
            _HOSTS_AT_ONCE,
            maxsize=parallel,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(settings.connect_timeout.total_seconds(), settings.timeout.total_seconds()),
            ssl_context=ssl.create_default_context(cafile=authorities),
        )

    def put_into(self, client: Any) -> None:
        """Every request of the client goes this way."""
        client.meta.events.register("before-send.s3", self.send)

    def close(self) -> None:
        self._pools.clear()

    def send(self, request: Any, **_: Any) -> AWSResponse:
        """The server's answer, its body not yet read where the caller streams it.

        Raises:
            AddressNotAllowedError: nothing was connected to.
            BotoCoreError: as the client's own transport does.
        """
        url = urlsplit(request.url)
        try:
            addresses = self._allowed(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
            answer = self._asked(request, url.scheme, url.hostname or "", addresses)
            response = AWSResponse(request.url, answer.status, answer.headers, answer)
            if not request.stream_output:
                response.content  # noqa: B018  # it is read here, so that its failures are told from here
        except failed.SSLError as error:
            raise wrong.SSLError(endpoint_url=request.url, error=error) from None
        except (failed.NewConnectionError, socket.gaierror) as error:
            raise wrong.EndpointConnectionError(endpoint_url=request.url, error=error) from None
        except failed.ConnectTimeoutError as error:
            raise wrong.ConnectTimeoutError(endpoint_url=request.url, error=error) from None
        except failed.ReadTimeoutError as error:
            raise wrong.ReadTimeoutError(endpoint_url=request.url, error=error) from None
        except failed.HTTPError as error:
            raise wrong.HTTPClientError(error=error) from None
        return response

    def allows(self, address: str) -> bool:
        """Of an address as the system writes it."""
        plain = ipaddress.ip_address(address.partition("%")[0])
        return may_connect(plain, allow_private=self._allow_private, loopback=self._loopback)

    def _allowed(self, host: str, port: int) -> list[tuple[str, int]]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        allowed = [(str(address[0]), port) for *_, address in found if self.allows(str(address[0]))]
        if not allowed:
            raise AddressNotAllowedError
        return allowed

    def _asked(
        self, request: Any, scheme: str, host: str, addresses: list[tuple[str, int]]
    ) -> urllib3.BaseHTTPResponse:
        """Of the first address that takes the connection."""
        tls = {"server_hostname": host, "assert_hostname": host} if scheme == "https" else {}
        target, headers = _target(request.url), _headers(request)
        for number, (address, port) in enumerate(addresses, 1):
            pool = self._pools.connection_from_host(address, port, scheme, tls)
            try:
                return pool.urlopen(
                    request.method, target, request.body, headers,
                    retries=False, redirect=False, assert_same_host=False, preload_content=False, decode_content=False,
                )  # fmt: skip
            except _NO_CONNECTION:
                if number == len(addresses):
                    raise
        raise AddressNotAllowedError


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _headers(request: Any) -> dict[str, str]:
    """With the host's name, which the connection to an address does not know; the client writes some as bytes."""
    text = {str(name): value.decode("latin-1") if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()}  # fmt: skip
    return {"Host": urlsplit(request.url).netloc.rpartition("@")[2]} | text
