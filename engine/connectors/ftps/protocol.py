"""One control connection, spoken in one thread by the standard library's ftplib: TLS before the log-in, always.

Limits that ftplib has not: lines of one answer, lines and bytes of a listing, bytes of a file.
"""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
from collections.abc import Callable
from typing import Any

_BLOCK = 64 * 1024
_MOST_ANSWER_LINES = 2000
_MOST_LISTING = 32 * 1024**2  # bytes of one listing
_TRANSIENT = ("421", "425", "426")  # the server gives the connection up, or could not make or keep the one for data


class PeerRefusedError(Exception):
    """The server's certificate is not one that is pinned."""


class NoTlsError(Exception):
    """The server offers no TLS, or none for data."""


class TooMuchError(Exception):
    """The server sends more than anybody asked for."""


class Ftp(ftplib.FTP_TLS):
    """Never says a word of the log-in in the clear; its data connections resume the control connection's session."""

    def __init__(self, context: ssl.SSLContext, name: str, timeout: float, pinned: Callable[[bytes | None], bool]):
        super().__init__(context=context, timeout=timeout, encoding="utf-8")
        self.host, self._pinned = name, pinned
        self.features: frozenset[str] = frozenset()
        self.home = "/"
        self._answer_lines = 0
        self._plain: socket.socket | None = None
        self._data: socket.socket | None = None
        self.spent = False  # in no state to be used again

    # -------------------------------------------------------------- log-in
    def keep(self, connected: socket.socket) -> None:
        """From now on `end` closes it."""
        self._plain = connected

    def begin(self, connected: socket.socket, implicit: bool) -> None:
        """Take a connected socket as far as TLS.

        Raises:
            NoTlsError, PeerRefusedError: nothing was said of who we are.
        """
        connected.settimeout(self.timeout)
        self.sock, self.af = connected, connected.family
        if implicit:
            self._secure()
        self._listen()
        self.welcome = self.getresp()
        if not implicit:
            try:
                self.voidcmd("AUTH TLS")
            except (ftplib.error_perm, ftplib.error_temp):
                raise NoTlsError from None
            self._secure()
            self._listen()  # what came in the clear behind the answer is thrown away

    def enter(self, user: str, password: str) -> None:
        """Raises ftplib.error_perm with 530: not let in; NoTlsError: no TLS for data."""
        ftplib.FTP.login(self, user, password)
        try:
            self.prot_p()
        except (ftplib.error_perm, ftplib.error_temp):
            raise NoTlsError from None
        self.features = self._ask_features()
        if "UTF8" in self.features:
            with contextlib.suppress(ftplib.error_perm):
                self.sendcmd("OPTS UTF8 ON")
        self.voidcmd("TYPE I")
        self.home = self.pwd() or "/"

    def _secure(self) -> None:
        made = self.context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)  # type: ignore[arg-type]
        self.sock = self._plain = made
        made.do_handshake()
        if not self._pinned(made.getpeercert(binary_form=True)):
            raise PeerRefusedError

    def _listen(self) -> None:
        assert self.sock is not None
        self.file = self.sock.makefile("r", encoding=self.encoding, errors="surrogateescape")

    def _ask_features(self) -> frozenset[str]:
        try:
            lines = self.sendcmd("FEAT").splitlines()[1:-1]
        except ftplib.error_perm:
            return frozenset()
        return frozenset(line.split()[0].upper() for line in lines if line.strip())

    # -------------------------------------------------------------- lines
    def putline(self, line: str) -> None:
        """Names go as the bytes that they came as."""
        if "\r" in line or "\n" in line:
            raise ValueError("a command has one line")
        assert self.sock is not None
        self._answer_lines = 0
        self.sock.sendall(line.encode(self.encoding, "surrogateescape") + b"\r\n")

    def getline(self) -> str:
        """One line of an answer; an answer without end is none."""
        self._answer_lines += 1
        if self._answer_lines > _MOST_ANSWER_LINES:
            raise TooMuchError
        return super().getline()

    # -------------------------------------------------------------- data
    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """A data connection under TLS, on the session of the control connection."""
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        made = self.context.wrap_socket(conn, server_hostname=self.host, session=session, do_handshake_on_connect=False)
        self._data = made
        try:
            made.do_handshake()
            if not self._pinned(made.getpeercert(binary_form=True)):
                raise PeerRefusedError
        except BaseException:
            made.close()
            raise
        return made, size

    def lines(self, command: str, most: int) -> list[str]:
        """Of a listing. Longer ones end there."""
        content = bytearray()
        self.take(command, content, _MOST_LISTING)
        text = content.decode(self.encoding, "surrogateescape")
        return [line.removesuffix("\r") for line in text.split("\n")[:most]]

    def take(self, command: str, content: bytearray, most: int, start: int = 0) -> None:
        """Append what comes. More than `most` bytes are not read, and end this connection."""
        conn = self.transfercmd(command, start or None)
        with conn:
            while block := conn.recv(_BLOCK):
                content += block
                if len(content) > most:
                    self.spent = True
                    raise TooMuchError
        self.voidresp()

    def give(self, command: str, content: bytes) -> None:
        """Returns when the server says that it has it."""
        conn: Any = self.transfercmd(command)
        with conn:
            view = memoryview(content)
            for start in range(0, len(content), _BLOCK):
                conn.sendall(view[start : start + _BLOCK])
            with contextlib.suppress(OSError):  # the server's farewell; whether it has all of it, it tells below
                conn.unwrap()
        self.voidresp()

    # -------------------------------------------------------------- from another thread
    def interrupt(self) -> None:
        """Whatever the thread waits for ends now."""
        self.spent = True
        for one in (self._plain, self.sock, self._data):
            if one is not None:
                with contextlib.suppress(OSError, ValueError):
                    socket.socket.shutdown(one, socket.SHUT_RDWR)

    def end(self) -> None:
        """Close all that is open."""
        for one in (self._data, self.file, self.sock, self._plain):
            if one is not None:
                with contextlib.suppress(OSError, ValueError):
                    one.close()


def is_lost(error: ftplib.Error) -> bool:
    """Does this answer end the connection, rather than refuse what was asked."""
    return str(error)[:3] in _TRANSIENT or not isinstance(error, ftplib.error_perm | ftplib.error_temp)
