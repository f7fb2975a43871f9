"""A small PGP file that unpacks to 4 GB, once or in layers: refused in a process of its own, and soon.

Anybody can make one: what is compressed needs not be encrypted for us. Source: RFC 9580 §§ 4.2, 5.6, 5.9; CWE-409.
"""

from __future__ import annotations

import time
import zlib
from pathlib import Path

import pytest
from pysequoia import Tsk

from engine.connectors.pgp import PgpOpener, PgpOpening
from engine.core.errors import MessageError
from tests.support.connector_doubles import Secrets, context
from tests.support.memory import MIB, PeakMemory

FOUR_GB = 4096 * MIB
MOST_SECONDS = 15.0
_COMPRESSED, _LITERAL = 0xC8, 0xCB  # packets 8 and 11, lengths of five bytes


def packet(tag: int, body: bytes, size: int | None = None) -> bytes:
    return bytes([tag, 0xFF]) + (len(body) if size is None else size).to_bytes(4, "big") + body


def deflated(head: bytes, zeros: int) -> bytes:
    """`head` and so many zeros behind it; whole blocks can be repeated after a full flush."""
    first, block, last = (zlib.compressobj(9, zlib.DEFLATED, -15) for _ in range(3))
    start = first.compress(head) + first.flush(zlib.Z_FULL_FLUSH)
    once = block.compress(bytes(MIB)) + block.flush(zlib.Z_FULL_FLUSH)
    return start + once * (zeros // MIB) + last.flush()


def layered(layers: int) -> bytes:
    zeros = FOUR_GB - MIB
    literal = packet(_LITERAL, b"b\0" + bytes(4), zeros + 6)
    made = packet(_COMPRESSED, b"\1" + deflated(literal, zeros))
    for _ in range(layers - 1):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        made = packet(_COMPRESSED, b"\1" + packer.compress(made) + packer.flush())
    return made


@pytest.mark.parametrize("layers", [1, 2, 3, 20])
def test_four_gigabytes_are_refused_before_they_are_unpacked(layers: int, tmp_path: Path) -> None:
    secrets = Secrets({"env:K": str(Tsk.generate("Harbor <ap@harbor.example>"))})
    opener, bomb = (
        PgpOpener(PgpOpening(key="env:K", encrypted="optional"), context(tmp_path, secrets=secrets)),
        layered(layers),
    )
    begun = time.monotonic()
    with PeakMemory() as peak, pytest.raises(MessageError):
        opener.open(bomb, 64 * MIB)

    assert len(bomb) < 8 * MIB
    assert peak.grown < 100 * MIB
    assert time.monotonic() - begun < MOST_SECONDS
