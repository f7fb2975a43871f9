"""Small files that would unpack to very large ones: stopped before the memory of the process grows by 100 MB.

Source: CWE-409, https://www.bamsoftware.com/hacks/zipbomb/ (overlapping entries), APPNOTE 6.3.10, RFC 1951, RFC 1952,
RFC 9580 § 5.6, RFC 5402 (compressed AS2). All bombs are made here.
"""

from __future__ import annotations

import functools
import gzip
import io
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.connectors.file.settings import FileSourceSettings
from engine.connectors.wrapping import Unwrapper
from engine.core.errors import IsthmusError
from engine.protocols.archive import Archive, ArchiveLimits
from engine.protocols.as2.compressing import compress, decompress
from engine.protocols.tabular.layout import Column, RecordType, TableLayout
from engine.protocols.tabular.reader import TableReader
from tests.support.connector_doubles import context
from tests.support.memory import MIB, PeakMemory

MOST = 100 * MIB
MOST_SECONDS = 10.0  # far above what is needed: time with the square of the size fails
EXCEL = TableReader(TableLayout("any", "excel", (RecordType((Column("a"),)),), header="no"))


@functools.cache
def zeros(size: int, *, wbits: int = -15) -> bytes:
    """Deflated zeros, without holding them."""
    packer, made, piece = zlib.compressobj(6, zlib.DEFLATED, wbits), [], bytes(MIB)
    for _ in range(size // MIB):
        made.append(packer.compress(piece))
    return b"".join([*made, packer.flush()])


def entry(name: bytes, body: bytes, size: int, *, at: int = 0, method: int = 8, flags: int = 0) -> tuple[bytes, bytes]:
    """Local header with its body, and the line of the directory. `size`: what they say it unpacks to."""
    facts = struct.pack("<HHHHHIII", 20, flags, method, 0, 0, 0, len(body), size)
    local = b"PK\3\4" + facts + struct.pack("<HH", len(name), 0) + name + body
    central = b"PK\1\2" + struct.pack("<H", 20) + facts + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, at) + name
    return local, central


def archive(*entries: tuple[bytes, bytes]) -> bytes:
    local, central = b"".join(one for one, _ in entries), b"".join(one for _, one in entries)
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(central), len(local), 0)
    return local + central + b"PK\5\6" + end


def flat(size: int = 160 * MIB) -> bytes:
    return archive(entry(b"a.csv", zeros(size), size))


def overlapping(count: int) -> bytes:
    """Each line of the directory names the same packed bytes."""
    kernel = zeros(8 * MIB)
    local, _ = entry(b"0", kernel, 8 * MIB)
    lines = b"".join(entry(b"%05d" % n, kernel, 8 * MIB)[1] for n in range(count))
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(lines), len(local), 0)
    return local + lines + b"PK\5\6" + end


def nested(depth: int) -> bytes:
    """As 42.zip: sixteen archives in each archive."""
    inside = flat(16 * MIB)
    for _ in range(depth):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for number in range(16):
                made.writestr(f"{number}.zip", inside)
        inside = out.getvalue()
    return inside


def many(count: int) -> bytes:
    lines = b"".join(entry(b"%06d" % n, b"", 0)[1] for n in range(count))
    local, _ = entry(b"000000", b"", 0)
    return local + lines + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, len(lines), len(local), 0)


def workbook(sheet: bytes, says: int | None = None) -> bytes:
    book = (
        b'<workbook xmlns="m" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        b'<sheet name="a" r:id="r1"/></sheets></workbook>'
    )
    relations = b'<Relationships xmlns="p"><Relationship Id="r1" Target="sheet.xml"/></Relationships>'
    parts = {b"xl/workbook.xml": book, b"xl/_rels/workbook.xml.rels": relations, b"xl/sheet.xml": sheet}
    entries, at = [], 0
    for name, body in parts.items():
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(body) + packer.flush()
        facts = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0, zlib.crc32(body), len(packed), says or len(body))
        local = b"PK\3\4" + facts + struct.pack("<HH", len(name), 0) + name + packed
        line = b"PK\1\2" + struct.pack("<H", 20) + facts + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, at) + name
        entries.append((local, line))
        at += len(local)
    return archive(*entries)


def _sheet(rows: bytes) -> bytes:
    return b'<worksheet xmlns="m"><sheetData>' + rows + b"</sheetData></worksheet>"


def _members(data: bytes) -> int:
    return sum(len(one.content) for one in Archive(data, ArchiveLimits()).members())


def _unwrapped(*wrappers: str) -> Callable[[bytes], object]:
    settings = FileSourceSettings.model_validate({"folder": "in", "unwrap": wrappers, "unpacked_limit": "32MB"})
    return lambda data: len(Unwrapper(settings, context(Path("/nowhere"))).open(data, "a.zip"))


BOMBS: dict[str, tuple[Callable[[bytes], object], Callable[[], bytes]]] = {
    "zip, flat": (_members, flat),
    "zip, 4.5 GB said": (_members, lambda: archive(entry(b"a", zeros(4 * MIB), 2**32 - 2))),
    "zip64, 4.5 GB said": (_members, lambda: _zip64(4_500_000_000)),
    "zip, says less than there is": (_members, lambda: archive(entry(b"a", zeros(160 * MIB), 10))),
    "zip, says a little less": (_members, lambda: archive(entry(b"a", zeros(160 * MIB), 30 * MIB))),
    "zip, says nothing": (_members, lambda: archive(entry(b"a", zeros(160 * MIB), 0, flags=8))),
    "zip, stored and lying": (_members, lambda: archive(entry(b"a", b"x" * 100, 4_000_000_000, method=0))),
    "zip, overlapping": (_members, lambda: overlapping(250)),
    "zip, overlapping many": (_members, lambda: overlapping(60_000)),
    "zip, hundred thousand files": (_members, lambda: many(100_000)),
    "zip, bzip2": (_members, lambda: archive(entry(b"a", _bzip2(120), 10, method=12))),
    "zip, lzma": (_members, lambda: archive(entry(b"a", _lzma(120), 10, method=14))),
    "zip in zip": (_unwrapped("zip", "zip"), lambda: nested(1)),
    "zip in zip in zip": (_unwrapped("zip", "zip", "zip", "zip"), lambda: nested(3)),
    "gzip": (_unwrapped("gzip"), lambda: zeros(160 * MIB, wbits=31)),
    "gzip of gzip": (_unwrapped("gzip", "gzip"), lambda: gzip.compress(zeros(160 * MIB, wbits=31))),
    "gzip, many members": (_unwrapped("gzip"), lambda: gzip.compress(b"") * 200_000),
    "gzip, members that add up": (_unwrapped("gzip"), lambda: gzip.compress(bytes(4 * MIB)) * 200),
    "gzip in zip": (_unwrapped("zip", "gzip"), lambda: archive(entry(b"a.gz", *_stored(zeros(160 * MIB, wbits=31))))),
    "xlsx": (EXCEL.parse, lambda: workbook(_sheet(b"<row/>" * 12_000_000))),
    "xlsx, one row": (EXCEL.parse, lambda: workbook(_sheet(b"<row>" + b"<c/>" * 8_000_000 + b"</row>"))),
    "xlsx, beside its rows": (EXCEL.parse, lambda: workbook(_sheet((b"<x/>" * 100_000 + b"<p><row></row></p>") * 20))),
    "xlsx, lying": (EXCEL.parse, lambda: workbook(_sheet(b"<row/>" * 12_000_000), says=1000)),
    "as2, compressed": (lambda data: len(decompress(data, 32 * MIB)), lambda: compress(bytes(110 * MIB))),
}  # fmt: skip


def _stored(body: bytes) -> tuple[bytes, int]:
    packer = zlib.compressobj(0, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush(), len(body)


def _zip64(size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as made:
        made.writestr("a", b"x")
    data = out.getvalue()
    at = data.index(b"PK\1\2")
    extra = struct.pack("<HHQ", 1, 8, size)
    line = bytearray(data[at : data.index(b"PK\5\6")])
    line[24:28], line[30:32] = b"\xff" * 4, struct.pack("<H", len(extra))
    line += extra
    return data[:at] + bytes(line) + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(line), at, 0)


def _bzip2(mib: int) -> bytes:
    import bz2

    return bz2.compress(bytes(mib * MIB), 1)


def _lzma(mib: int) -> bytes:
    import lzma

    packer = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "preset": 0, "dict_size": 65536}])
    body = b"".join([*(packer.compress(bytes(MIB)) for _ in range(mib)), packer.flush()])
    return b"\x09\x04\x05\x00\x5d" + struct.pack("<I", 65536) + body


HARMLESS = {  # read, and come to nothing
    "xlsx", "zip, says nothing", "gzip, many members",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_stopped(name: str) -> None:
    opened, made = BOMBS[name]
    data = made()
    refused = False
    began = time.monotonic()
    with PeakMemory() as peak:
        try:
            opened(data)
        except IsthmusError:
            refused = True

    assert refused or name in HARMLESS
    assert peak.grown < MOST, peak.grown // MIB
    assert time.monotonic() - began < MOST_SECONDS
