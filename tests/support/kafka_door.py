"""A door before Kafka's cluster of tests that speaks TLS and asks for a password, as a listener of a real one does.

librdkafka's own cluster can neither. The door ends TLS (OpenSSL's server side), holds the SCRAM or PLAIN exchange,
passes every frame on, and puts its own port where the cluster names its own.
Source: RFC 5802 and 4616; Kafka's protocol guide (SaslHandshake 17, ApiVersions 18, SaslAuthenticate 36).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import ssl
from typing import Any

from tests.support.broker_keys import broker_keys
from tests.support.kafka_cluster import kafka_cluster

USER, PASSWORD = "isthmus", "PaSSw0rd-31af"
_SALT, _ROUNDS = b"salt of the door", 4096
_HANDSHAKE, _VERSIONS, _AUTHENTICATE = 17, 18, 36
_FINE, _WRONG = b"\x00\x00", (58).to_bytes(2, "big")
# What the cluster does not say that it takes: key, versions 0 to 1 (ApiVersions 0 to 2).
_LOGIN_KINDS = [key.to_bytes(2, "big") + b"\x00\x00\x00\x01" for key in (_HANDSHAKE, _AUTHENTICATE)]


class KafkaDoor:
    """`async with KafkaDoor(...) as door`: `door.port`. `certificate` names one of `broker_keys`."""

    def __init__(self, certificate: str = "server", *, client: bool = False, sasl: str | None = None) -> None:
        self._sasl, self.let_in = sasl, 0
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(broker_keys() / f"{certificate}.pem", broker_keys() / f"{certificate}.key")
        if client:
            self._tls.verify_mode = ssl.CERT_REQUIRED
            self._tls.load_verify_locations(broker_keys() / "ca.pem")

    async def __aenter__(self) -> KafkaDoor:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._tasks: set[asyncio.Task[Any]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError, ValueError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", kafka_cluster().port)
            asked: set[bytes] = set()
            back = asyncio.ensure_future(self._back(far_reader, writer, asked))
            try:
                await self._forth(reader, writer, far_writer, asked)
            finally:
                back.cancel()
                far_writer.close()
        writer.close()
        self._tasks.discard(task)

    async def _forth(self, reader: asyncio.StreamReader, writer: Any, far: Any, asked: set[bytes]) -> None:
        login, let_in = _Login(self._sasl or ""), self._sasl is None
        while True:
            frame = await _frame(reader)
            kind = int.from_bytes(frame[:2], "big")
            if kind == _VERSIONS:
                asked.add(frame[4:8])
            elif not let_in:
                answer = login.handshake() if kind == _HANDSHAKE else login.step(_token(frame))
                await _write(writer, frame[4:8] + answer)
                let_in = login.ended
                _expect(kind == _HANDSHAKE or answer[:2] == _FINE)
                continue
            self.let_in += let_in
            await _write(far, frame)

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: set[bytes]) -> None:
        theirs, ours = (b"127.0.0.1" + port.to_bytes(4, "big") for port in (kafka_cluster().port, self.port))
        with contextlib.suppress(OSError, EOFError):
            while True:
                frame = (await _frame(reader)).replace(theirs, ours)
                if frame[:4] in asked and self._sasl is not None:
                    asked.remove(frame[:4])
                    count = int.from_bytes(frame[6:10], "big") + len(_LOGIN_KINDS)
                    frame = frame[:6] + count.to_bytes(4, "big") + b"".join(_LOGIN_KINDS) + frame[10:]
                await _write(writer, frame)


class _Login:
    """The exchange of SASL: `step` takes what the client says and gives the body of our answer."""

    def __init__(self, mechanism: str) -> None:
        self._mechanism, self._said, self.ended = mechanism, "", False

    def handshake(self) -> bytes:
        name = self._mechanism.encode()
        return _FINE + (1).to_bytes(4, "big") + len(name).to_bytes(2, "big") + name

    def step(self, token: bytes) -> bytes:
        try:
            answer = self._answer(token.decode())
        except ValueError:
            return _WRONG + b"\xff\xff" + bytes(4 + 8)
        return _FINE + b"\xff\xff" + len(answer).to_bytes(4, "big") + answer.encode() + bytes(8)

    def _answer(self, token: str) -> str:
        if self._mechanism == "PLAIN":
            _expect(token == f"\0{USER}\0{PASSWORD}")
            self.ended = True
            return ""
        if not self._said:
            bare = token.removeprefix("n,,")
            nonce = dict(part.split("=", 1) for part in bare.split(","))["r"] + "door"
            first = f"r={nonce},s={base64.b64encode(_SALT).decode()},i={_ROUNDS}"
            self._said = f"{bare},{first}"
            return first
        without, _, proof = token.rpartition(",p=")
        last = _judged(base64.b64decode(proof), f"{self._said},{without}".encode(), self._mechanism)
        self.ended = True
        return last


def _token(frame: bytes) -> bytes:
    """Of a SaslAuthenticate request: header, client id, bytes."""
    _expect(int.from_bytes(frame[:2], "big") == _AUTHENTICATE)
    start = 10 + int.from_bytes(frame[8:10], "big") + 4
    return frame[start:]


def _judged(proof: bytes, agreed: bytes, mechanism: str) -> str:
    """The server's last word of SCRAM. Raises ValueError."""
    name = "sha512" if mechanism.endswith("512") else "sha256"
    salted = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), _SALT, _ROUNDS)
    client, server = (hmac.digest(salted, word, name) for word in (b"Client Key", b"Server Key"))
    stored = hashlib.new(name, client).digest()
    signature = hmac.digest(stored, agreed, name)
    _expect(bytes(a ^ b for a, b in zip(proof, signature, strict=True)) == client)
    return f"v={base64.b64encode(hmac.digest(server, agreed, name)).decode()}"


def _expect(right: bool) -> None:
    if not right:
        raise ValueError("not this password")


async def _frame(reader: asyncio.StreamReader) -> bytes:
    size = int.from_bytes(await reader.readexactly(4), "big")
    return await reader.readexactly(size)


async def _write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(len(frame).to_bytes(4, "big") + frame)
    await writer.drain()
