"""One IMAP connection. Its library blocks, so it lives in a thread of its own, and every call has a time limit.

Source: RFC 3501, RFC 6851 (MOVE), RFC 4315 (UIDPLUS), RFC 2177 (IDLE).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from engine.connectors.fields import split_address
from engine.connectors.mail.settings import ImapSourceSettings
from engine.connectors.tls import ClientContext, check_pinned
from engine.core.errors import TransportError

T = TypeVar("T")
_IMPATIENT = 2.0  # seconds for a thread to notice that its connection is gone


class Mailbox:
    """
    Every method raises:
        TransportError: the server is not there, refuses, or takes too long; the connection is closed then.
    """

    def __init__(self, settings: ImapSourceSettings, tls: ClientContext, where: str) -> None:
        self._settings, self._tls, self._where = settings, tls, where
        self._client: IMAPClient | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")

    async def open(self, password: str | None, token: str | None) -> None:
        """Connect, prove who we are (password or OAuth2 token), select the folder, make the others."""
        if self._client is None:
            limit = self._settings.connect_timeout.total_seconds() + self._settings.timeout.total_seconds()
            await self._call(lambda: self._open(password, token), limit)

    async def uids(self) -> list[int]:
        """Of the mails in the folder, oldest first."""
        return sorted(await self._ask(_waiting))

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Bytes by uid. A mail that somebody took away is not among them."""
        found = await self._ask(lambda client: client.fetch(uids, ["RFC822.SIZE"]))
        return {uid: int(facts[b"RFC822.SIZE"]) for uid, facts in found.items() if b"RFC822.SIZE" in facts}

    async def mail(self, uid: int) -> bytes | None:
        """All of it; None: somebody took it away. It is not marked as read."""
        return await self._section(uid, "BODY.PEEK[]", b"BODY[]")

    async def head(self, uid: int, most: int) -> bytes | None:
        """The first bytes of its header."""
        return await self._section(uid, f"BODY.PEEK[HEADER]<0.{most}>", b"BODY[HEADER]<0>")

    async def move(self, uid: int, folder: str) -> None:
        await self._ask(lambda client: _move(client, uid, folder))

    async def delete(self, uid: int) -> None:
        await self._ask(lambda client: _delete(client, uid))

    async def wait(self, seconds: float) -> None:
        """Return when the server tells of something new, or after this time."""
        if self._client is not None and self._client.has_capability("IDLE"):
            await self._call(lambda: self._idle(seconds), seconds + self._settings.timeout.total_seconds())
        else:
            await asyncio.sleep(seconds)

    async def folders(self) -> set[str]:
        found = await self._ask(lambda client: client.list_folders())
        return {str(name) for _, _, name in found}

    async def close(self) -> None:
        """Say good-bye if there is time for it."""
        if self._client is not None:
            client, self._client = self._client, None
            try:
                await self._in_thread(client.logout, _IMPATIENT, client)
            except TransportError:
                pass  # the connection goes anyway
            _let_go(client)
        self._thread.shutdown(wait=False)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")

    # -------------------------------------------------------------- in the thread
    def _open(self, password: str | None, token: str | None) -> None:
        settings = self._settings
        host, port = split_address(settings.address)
        limits = SocketTimeout(settings.connect_timeout.total_seconds(), settings.timeout.total_seconds())
        at_once = settings.security == "tls"
        context = self._tls.current()
        client = IMAPClient(host, port, ssl=at_once, ssl_context=context if at_once else None, timeout=limits)
        self._client = client
        if not at_once:
            client.starttls(context)
        if not check_pinned(settings.tls, client.socket().getpeercert(binary_form=True)):
            raise TransportError("the server's certificate is not the pinned one", where=self._where)
        if token is not None:
            client.oauth2_login(settings.user, token)
        else:
            client.login(settings.user, password or "")
        there = {str(name) for _, _, name in client.list_folders()}
        for folder in (settings.done, settings.error):
            if folder not in there:
                client.create_folder(folder)
        client.select_folder(settings.folder)

    def _idle(self, seconds: float) -> None:
        client = self._opened()
        client._imap.untagged_responses.pop("EXISTS", None)
        client.idle()
        if not _told_already(client):
            client.idle_check(seconds)
        client.idle_done()

    def _opened(self) -> IMAPClient:
        if self._client is None:
            raise TransportError("the connection was closed", where=self._where)
        return self._client

    # -------------------------------------------------------------- asking
    async def _section(self, uid: int, item: str, key: bytes) -> bytes | None:
        found = await self._ask(lambda client: client.fetch([uid], [item]))
        body = found.get(uid, {}).get(key)
        return bytes(body) if body is not None else None

    async def _ask(self, question: Callable[[IMAPClient], Any]) -> Any:
        limit = 10 * self._settings.timeout.total_seconds()  # of the whole answer: a slow server still moves
        return await self._call(lambda: question(self._opened()), limit)

    async def _call(self, work: Callable[[], T], limit: float) -> T:
        """In the thread. Whatever goes wrong, the connection is not used again."""
        try:
            return await self._in_thread(work, limit, self._client)
        except BaseException:
            self._drop()
            raise

    async def _in_thread(self, work: Callable[[], T], limit: float, client: IMAPClient | None) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            async with asyncio.timeout(limit):  # wait_for of Python 3.11 may swallow that the task was cancelled
                return await asyncio.shield(future)
        except (TimeoutError, asyncio.CancelledError) as error:
            client = self._client or client
            _wake(client)
            await asyncio.wait([future], timeout=_IMPATIENT)
            if future.done():
                future.exception()  # what the cut made of it is of no interest
            if isinstance(error, asyncio.CancelledError):
                raise
            raise TransportError("the mail server does not answer in time", where=self._where) from None
        except LoginError:
            remedy = "check user and password; some servers ask for oauth2"
            raise TransportError("the mail server does not let us in", where=self._where, remedy=remedy) from None
        except (IMAPClientError, OSError, EOFError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise TransportError(f"the mail server: {reason}", where=self._where) from None

    def _drop(self) -> None:
        client, self._client = self._client, None
        _let_go(client)


def _told_already(client: IMAPClient) -> bool:
    """What came with the server's word that it tells us now: the library waits on the socket alone, where it is not."""
    if "EXISTS" in client._imap.untagged_responses:
        return True
    sock = client.socket()
    limit = sock.gettimeout()
    sock.setblocking(False)
    try:
        return bool(client._imap.file.peek(1))
    except OSError:
        return False  # nothing there
    finally:
        sock.settimeout(limit)


def _waiting(client: IMAPClient) -> list[int]:
    client.noop()  # a server tells of new mails with the answer to some command; until then it may not find them
    found: list[int] = client.search("UNDELETED")
    return found


def _move(client: IMAPClient, uid: int, folder: str) -> None:
    if client.has_capability("MOVE"):
        client.move([uid], folder)
        return
    client.copy([uid], folder)
    _delete(client, uid)


def _delete(client: IMAPClient, uid: int) -> None:
    client.delete_messages([uid])
    if client.has_capability("UIDPLUS"):
        client.uid_expunge([uid])
    else:
        client.expunge()


def _wake(client: IMAPClient | None) -> None:
    """Whoever waits for the server gets an end instead. The library's own way would wait for the reader's lock."""
    try:
        if client is not None:
            socket.socket.shutdown(client.socket(), socket.SHUT_RDWR)
    except (OSError, AttributeError):
        pass  # it is closed already, or was never open


def _let_go(client: IMAPClient | None) -> None:
    """When the thread is through with it."""
    _wake(client)
    try:
        if client is not None:
            client.shutdown()
    except (OSError, AttributeError, IMAPClientError):
        pass  # as above
