"""One connection to a server with a thread of its own, each piece of work under a hard limit."""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from engine.connectors.fields import split_address
from engine.connectors.ftps.protocol import Ftp, NoTlsError, PeerRefusedError, TooMuchError, is_lost
from engine.connectors.ftps.settings import FtpsServer
from engine.connectors.remote_folder.client import LogInError, LostError, Status, StatusError
from engine.connectors.tls import ClientContext, check_pinned
from engine.core.errors import TransportError
from engine.ports.connector import ConnectorContext

T = TypeVar("T")
_NOT_THERE = ("550", "551", "553")
_NOT_KNOWN = ("500", "501", "502", "504")
# What ftplib and ssl raise, also when their sockets are closed under them.
_BROKEN: tuple[type[Exception], ...] = (ftplib.Error, OSError, EOFError, ValueError, AttributeError)
_NO_LOG_IN: tuple[type[Exception], ...] = (TooMuchError, *_BROKEN)


class Session:
    """A server that let us in."""

    def __init__(self, ftp: Ftp, executor: ThreadPoolExecutor) -> None:
        self.ftp, self._executor = ftp, executor
        self.used_at = 0.0  # seconds of the loop's clock

    @property
    def usable(self) -> bool:
        return not self.ftp.spent

    async def run(self, work: Callable[[Ftp], T], limit: float) -> T:
        """In the session's thread.

        Raises:
            StatusError: the server says no.
            LostError: no answer in time, or the connection ended; the session is of no more use.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit):
                return await loop.run_in_executor(self._executor, _said, work, self.ftp)
        except TimeoutError:
            self.ftp.spent = True
            raise LostError("no answer in time") from None
        except LostError:
            self.ftp.spent = True
            raise
        except asyncio.CancelledError:
            self.ftp.spent = True
            raise
        finally:
            self.used_at = loop.time()
            if self.ftp.spent:
                self.end()

    def end(self) -> None:
        """Leaves no socket; the thread ends with what it is at."""
        self.ftp.interrupt()
        with contextlib.suppress(RuntimeError):  # ended before
            self._executor.submit(self.ftp.end)
        self._executor.shutdown(wait=False)


class Door:
    """Connects and logs in."""

    def __init__(self, settings: FtpsServer, context: ConnectorContext) -> None:
        self._settings, self._where = settings, context.name
        self._host, self._port = split_address(settings.address)
        self._tls = ClientContext(settings.tls, context.root, context.secrets)
        self._password = context.secrets.resolve(settings.password).strip("\r\n")

    async def open(self) -> Session:
        """Raises TransportError, LogInError: nothing was asked of the server yet."""
        connected = await self._reach()
        name = self._settings.tls.server_name or self._host
        timeout = self._settings.timeout.total_seconds()
        ftp = Ftp(self._tls.current(), name, timeout, lambda shown: check_pinned(self._settings.tls, shown))
        session = Session(ftp, ThreadPoolExecutor(1, "ftps session"))
        ftp.keep(connected)
        try:
            async with asyncio.timeout(self._settings.login_timeout.total_seconds()):
                await asyncio.get_running_loop().run_in_executor(session._executor, self._log_in, ftp, connected)
        except TimeoutError:
            session.end()
            raise self._error("the server takes the connection, but there is no log-in in time") from None
        except BaseException:
            session.end()
            raise
        return session

    async def _reach(self) -> socket.socket:
        """A socket to the first of the host's addresses that takes us."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._settings.connect_timeout.total_seconds()):
                found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                for family, kind, protocol, _, address in found:
                    if (reached := await socket_to(family, kind, protocol, address)) is not None:
                        return reached
        except (OSError, TimeoutError):
            pass  # told below, as for addresses that do not answer
        raise self._error("no connection to the server")

    # -------------------------------------------------------------- in a thread
    def _log_in(self, ftp: Ftp, connected: socket.socket) -> None:
        try:
            ftp.begin(connected, self._settings.mode == "implicit")
            ftp.enter(self._settings.user, self._password)
        except NoTlsError:
            remedy = "ask the server's operator for FTPS (AUTH TLS and PROT P), or take sftp; plain FTP is not spoken"
            raise TransportError("the server offers no TLS", where=self._where, remedy=remedy) from None
        except PeerRefusedError:
            raise self._error("the server's certificate is not the pinned one") from None
        except ssl.SSLCertVerificationError:
            raise self._error("TLS failed: the server's certificate is not valid") from None
        except ftplib.error_perm:
            raise LogInError(
                "the server does not accept our log-in",
                where=self._where,
                remedy="compare user and password with what the server's operator has; see the server's log",
            ) from None
        except _NO_LOG_IN as error:
            raise self._error(f"the log-in ended without success: {type(error).__name__}") from None

    def _error(self, what: str) -> TransportError:
        remedy = "check address, mode, network, certificate and the server itself"
        return TransportError(what, where=self._where, remedy=remedy)


def _said(work: Callable[[Ftp], T], ftp: Ftp) -> T:
    """In a thread: what the server answers, in the terms of a remote folder."""
    try:
        return work(ftp)
    except (ftplib.error_perm, ftplib.error_temp) as error:
        if is_lost(error):
            raise LostError("the server gave the connection up") from None
        raise StatusError(status_of(error)) from None
    except PeerRefusedError:
        raise LostError("the server's certificate is not the pinned one") from None
    except TooMuchError:
        raise LostError("the server sends more than was asked for") from None
    except _BROKEN:
        raise LostError("the connection ended") from None


def status_of(error: ftplib.Error) -> Status:
    """A refusal as a status. One code of FTP stands for many reasons; `client` tells the absent file apart."""
    code = str(error)[:3]
    if code in _NOT_THERE or code == "530":
        return Status.PERMISSION_DENIED
    return Status.UNSUPPORTED if code in _NOT_KNOWN else Status.FAILURE


async def socket_to(family: int, kind: int, protocol: int, address: object) -> socket.socket | None:
    """None: this address does not take us."""
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(made, address)  # type: ignore[arg-type]
    except OSError:
        made.close()
        return None
    except BaseException:
        made.close()
        raise
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made
