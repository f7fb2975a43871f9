"""The client against a server that answers as the test says: late, twice, wrongly, too much, or not at all."""

from __future__ import annotations

import asyncio
import queue
import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest

from engine.connectors.sftp import wire
from engine.connectors.sftp.client import BLOCK, LostError, SftpClient, StatusError
from engine.connectors.sftp.wire import Ask, Attributes, Open, Reader, Status, Told

Answers = Callable[[int, int, Reader], "list[bytes]"]


def told(kind: int, number: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">IBI", 5 + len(content), kind, number) + content


def status(number: int, code: int, words: bytes = b"") -> bytes:
    return told(Told.STATUS, number, wire.u32(code), wire.string(words), wire.string(b"en"))


class Channel:
    """What `SftpClient` uses of a paramiko channel; `answers` gives the packets for each request."""

    def __init__(self, answers: Answers) -> None:
        self._answers, self._unpacker = answers, wire.Unpacker()
        self._told: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.asked: list[int] = []

    def sendall(self, data: bytes) -> None:
        for one in self._unpacker.feed(data):
            self.asked.append(one.kind)
            for answer in self._answers(one.kind, one.number, Reader(one.content)):
                self._told.put(answer)

    def recv(self, most: int) -> bytes:
        return self._told.get()

    def end(self) -> None:
        self._told.put(b"")


class File:
    """One file at every path; `change` alters what the server answers to a kind of request."""

    def __init__(self, content: bytes, block: int = BLOCK, **change: Any) -> None:
        self.content, self.block, self.change = content, block, change
        self.written = bytearray()

    def __call__(self, kind: int, number: int, asked: Reader) -> list[bytes]:
        name = Ask(kind).name.lower()
        if name in self.change:
            return list(self.change[name](number))
        return [getattr(self, f"_{name}")(number, asked)]

    def _init(self, number: int, asked: Reader) -> bytes:
        return told(Told.VERSION, 3, wire.string(b"fsync@openssh.com"), wire.string(b"1"))

    def _open(self, number: int, asked: Reader) -> bytes:
        return told(Told.HANDLE, number, wire.string(b"h"))

    def _read(self, number: int, asked: Reader) -> bytes:
        asked.string()
        offset, length = asked.u64(), asked.u32()
        part = self.content[offset : offset + min(length, self.block)]
        return told(Told.DATA, number, wire.string(part)) if part else status(number, Status.EOF)

    def _write(self, number: int, asked: Reader) -> bytes:
        asked.string()
        offset, part = asked.u64(), asked.string()
        self.written[offset : offset + len(part)] = part
        return status(number, Status.OK)

    def _fstat(self, number: int, asked: Reader) -> bytes:
        return told(Told.ATTRS, number, wire.u32(1), wire.u64(len(self.content)))

    def _close(self, number: int, asked: Reader) -> bytes:
        return status(number, Status.OK)

    _extended = _close


async def client_of(answers: Answers, timeout: float = 5.0) -> tuple[SftpClient, Channel]:
    channel = Channel(answers)
    given: Any = channel
    client = SftpClient(given, timeout)
    await client.begin()
    return client, channel


async def ended(channel: Channel) -> None:
    """No thread of the client is left."""
    channel.end()
    async with asyncio.timeout(30):
        while any(thread.name.startswith("sftp ") for thread in threading.enumerate()):
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("block", [BLOCK, 1000, 1])
@pytest.mark.parametrize("size", [0, 1, 3000])
async def test_server_that_gives_less_than_asked_is_asked_for_the_rest(block: int, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    client, channel = await client_of(File(content, block))
    handle = await client.open("/a", Open.READ)
    large, small = bytearray(), bytearray()
    await client.read_into(handle, large, size)
    looks = await client.read_small(handle, small, size)

    assert (bytes(large), bytes(small), looks) == (content, content, Attributes(size))
    await ended(channel)


async def test_reading_goes_on_behind_what_is_there() -> None:
    content = bytes(number % 251 for number in range(BLOCK * 70))
    client, channel = await client_of(File(content))
    part = bytearray(content[: BLOCK * 3 + 5])
    await client.read_into(b"h", part, len(content))

    assert part == content
    assert channel.asked.count(Ask.READ) == 67
    await ended(channel)


async def test_file_that_ends_before_its_size_gives_what_there_is() -> None:
    client, channel = await client_of(File(b"x" * 100))
    content = bytearray()
    await client.read_into(b"h", content, BLOCK * 5)

    assert content == b"x" * 100
    await ended(channel)


async def test_server_that_gives_more_than_asked_is_given_up() -> None:
    client, channel = await client_of(File(b"", read=lambda n: [told(Told.DATA, n, wire.string(b"x" * 11))]))
    with pytest.raises(LostError):
        await client.read_into(b"h", bytearray(), 10)

    assert client.lost is not None
    await ended(channel)


@pytest.mark.parametrize(
    "answer",
    [
        lambda n: [told(Told.DATA, n, wire.string(b"x"))],
        lambda n: [told(Told.HANDLE, n, b"\xff\xff\xff\xff")],
        lambda n: [told(250, n)],
        lambda n: [struct.pack(">I", 2**31)],
        lambda n: [status(n, Status.OK)[:-9], b""],
        lambda n: [told(Told.STATUS, n)],
    ],
)
async def test_answer_that_is_none_is_the_end_of_the_connection(answer: Any) -> None:
    client, channel = await client_of(File(b"", open=answer))
    with pytest.raises(LostError):
        await client.open("/a", Open.READ)
    with pytest.raises(LostError):
        await client.listing("/")

    await ended(channel)


async def test_ok_in_place_of_a_handle_is_no_handle() -> None:
    client, channel = await client_of(File(b"", open=lambda n: [status(n, Status.OK)]))
    with pytest.raises(StatusError):
        await client.open("/a", Open.READ)

    await ended(channel)


async def test_no_answer_in_time_gives_the_connection_up_for_all_who_wait() -> None:
    client, channel = await client_of(File(b"", open=lambda n: [], readdir=lambda n: []), timeout=0.1)
    outcomes = await asyncio.gather(*(client.open("/a", Open.READ) for _ in range(5)), return_exceptions=True)

    assert [type(one) for one in outcomes] == [LostError] * 5
    await ended(channel)


async def test_answers_out_of_order_twice_or_unasked_reach_only_whom_they_are_for() -> None:
    waiting: list[int] = []

    def later(number: int) -> list[bytes]:
        waiting.append(number)
        if len(waiting) < 3:
            return []
        return [told(Told.HANDLE, one, wire.string(b"%d" % one)) for one in [*reversed(waiting), waiting[0], 999_999]]

    client, channel = await client_of(File(b"", open=later))
    handles = await asyncio.gather(*(client.open("/a", Open.READ) for _ in range(3)))

    assert handles == [b"%d" % number for number in waiting]
    assert client.lost is None
    await ended(channel)


async def test_words_of_the_server_are_in_no_error() -> None:
    client, channel = await client_of(File(b"", open=lambda n: [status(n, Status.FAILURE, b"CANARY \xff")]))
    with pytest.raises(StatusError) as caught:
        await client.open("/a", Open.READ)

    assert "CANARY" not in f"{caught.value} {caught.value.words}"
    await ended(channel)


async def test_server_of_another_version_is_refused() -> None:
    channel = Channel(lambda kind, number, asked: [told(Told.VERSION, 2)])
    given: Any = channel
    with pytest.raises(LostError):
        await SftpClient(given, 5).begin()

    await ended(channel)


async def test_listing_that_never_ends_is_cut_off() -> None:
    count = 0

    def some(number: int) -> list[bytes]:
        nonlocal count
        lines = b"".join(
            wire.string(b"%d" % one) + wire.string(b"") + wire.NO_ATTRIBUTES for one in range(count, count + 10_000)
        )
        count += 10_000
        return [told(Told.NAME, number, wire.u32(10_000), lines)]

    client, channel = await client_of(
        File(b"", opendir=lambda n: [told(Told.HANDLE, n, wire.string(b"h"))], readdir=some)
    )
    found = await client.listing("/")

    assert len(found) == 100_000
    await ended(channel)


async def test_empty_listings_without_end_are_cut_off() -> None:
    client, channel = await client_of(
        File(
            b"",
            opendir=lambda n: [told(Told.HANDLE, n, wire.string(b"h"))],
            readdir=lambda n: [told(Told.NAME, n, wire.u32(0))],
        )
    )

    assert await client.listing("/") == []
    await ended(channel)


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK * 130 + 7])
async def test_what_is_written_is_what_the_server_has(size: int) -> None:
    content, file = bytes(number % 251 for number in range(size)), File(b"")
    client, channel = await client_of(file)
    await client.write(b"h", 0, content)

    assert bytes(file.written) == content
    await ended(channel)


async def test_small_file_is_written_flushed_and_closed_in_this_order() -> None:
    client, channel = await client_of(File(b""))
    await client.write_small(b"h", b"x" * (BLOCK + 1))

    assert channel.asked == [Ask.INIT, Ask.WRITE, Ask.WRITE, Ask.EXTENDED, Ask.CLOSE]
    await ended(channel)


async def test_server_without_the_extension_is_not_asked_to_flush() -> None:
    client, channel = await client_of(File(b"", init=lambda n: [told(Told.VERSION, 3)]))
    await client.write_small(b"h", b"x")

    assert Ask.EXTENDED not in channel.asked
    await ended(channel)


async def test_failure_of_closing_is_told() -> None:
    client, channel = await client_of(File(b"", close=lambda n: [status(n, Status.FAILURE)]))
    with pytest.raises(StatusError):
        await client.write_small(b"h", b"x")

    await ended(channel)
