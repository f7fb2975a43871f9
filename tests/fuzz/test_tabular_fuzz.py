"""No bytes break the readers of tables; parts hold the rows of the file; what is written is read again."""

from __future__ import annotations

import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import MessageError
from engine.protocols.tabular import TableReader, write
from engine.protocols.tabular.pattern import check_pattern, matcher
from tests.support.adversarial import at_most
from tests.support.layouts import BANK, layout, reader

READERS: list[TableReader] = [
    reader(),
    reader(header="no", separator="pipe"),
    reader(records=None, group_by="sku", quote="'", comment="#"),
    reader("fixed_width", **BANK),
    reader("fixed_width", columns=[{"name": "a", "length": 2}, {"name": "b", "length": 3}], record_length=6),
    reader("excel"),
]
PIECES = st.sampled_from(
    [b"Item No.,price,since,unit", b"\r\n", b"\n", b"\r", b",", b'"', b'""', b"A1", b"1.5", b"2026-01-02", b"EA",
     b"#", b"H20261120", b"Pann   00001050", b"T   10000001050", b"|", b"\x00", b"\xff", b"\xef\xbb\xbf",
     b"PK\x03\x04", b"#,"]
)  # fmt: skip
BODIES = st.one_of(st.lists(PIECES, max_size=30).map(b"".join), st.binary(max_size=200))


@given(BODIES, st.sampled_from(READERS))
def test_any_bytes_are_read_or_refused(body: bytes, read: TableReader) -> None:
    try:
        parts = read.split(body)
    except MessageError:
        return
    for part in parts:
        if part.problem is None:
            assert read.parse(part.body, part.line).rows


@given(
    st.lists(
        st.tuples(st.text(string.printable + "é\u2028", max_size=12), st.decimals(-999, 999, places=2)), min_size=1
    )
)
def test_rows_that_are_written_are_read_again(rows: list[tuple[str, Decimal]]) -> None:
    columns: list[dict[str, Any]] = [
        {"name": "text", "trim": False},
        {"name": "amount", "type": "decimal", "scale": 2, "required": True},
    ]
    made = layout(columns=columns, formulas="as_they_are", records="file")

    written = write([{"text": text, "amount": str(amount)} for text, amount in rows], made.table())

    read = [tuple(row.values()) for row in TableReader(made.table()).parse(written).rows]
    assert read == [(text if text.strip() else None, amount) for text, amount in rows]


@given(st.text("ab()[]{}*+?|\\.,19^-d", max_size=12), st.text("ab19-", max_size=20))
def test_a_pattern_is_refused_or_does_its_work_in_time(pattern: str, value: str) -> None:
    try:
        check_pattern(pattern)
    except ValueError:
        return
    with at_most(2):
        matcher(pattern)(value)


@pytest.mark.parametrize("read", READERS, ids=lambda one: one.layout.kind)
def test_a_file_cut_anywhere_is_read_or_refused(read: TableReader) -> None:
    body = b"H20261120\r\nPann   00001050\r\nT   10000001050\r\nItem No.,price\r\nA1,1\r\n"
    for end in range(len(body)):
        try:
            read.split(body[:end])
        except MessageError:
            continue
