"""Writes of a turn leave together, in order; nothing is written to who is closing."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from engine.connectors.hl7v2_mllp.outgoing import Outgoing


class Transport:
    """Notes what is written to it, in a list that several share."""

    def __init__(self, name: str, written: list[tuple[str, bytes]]) -> None:
        self.name, self.written, self.closing = name, written, False

    def write(self, data: bytes) -> None:
        self.written.append((self.name, data))

    def is_closing(self) -> bool:
        return self.closing


def peers(*names: str) -> tuple[list[tuple[str, bytes]], list[Any]]:
    written: list[tuple[str, bytes]] = []
    return written, [cast("asyncio.Transport", Transport(name, written)) for name in names]


async def test_a_turn_of_the_loop_is_one_write_a_peer_in_order() -> None:
    outgoing, (written, (a, b)) = Outgoing(), peers("a", "b")

    outgoing.write(a, b"1")
    outgoing.write(b, b"2")
    outgoing.write(a, b"3")
    nothing_yet = list(written)
    await asyncio.sleep(0)

    assert nothing_yet == []
    assert written == [("a", b"13"), ("b", b"2")]


async def test_the_next_turn_writes_again() -> None:
    outgoing, (written, (a,)) = Outgoing(), peers("a")

    for data in (b"1", b"2"):
        outgoing.write(a, data)
        await asyncio.sleep(0)

    assert written == [("a", b"1"), ("a", b"2")]


async def test_who_is_about_to_be_closed_gets_what_is_due_and_gets_it_once() -> None:
    outgoing, (written, (a, b)) = Outgoing(), peers("a", "b")
    outgoing.write(a, b"1")
    outgoing.write(b, b"2")

    outgoing.flush(a)
    a.closing = True
    await asyncio.sleep(0)

    assert written == [("a", b"1"), ("b", b"2")]


async def test_nothing_is_written_to_who_is_closing() -> None:
    outgoing, (written, (a, b)) = Outgoing(), peers("a", "b")
    outgoing.write(a, b"1")
    outgoing.write(b, b"2")
    a.closing = True

    outgoing.flush(a)
    await asyncio.sleep(0)

    assert written == [("b", b"2")]
