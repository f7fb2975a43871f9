"""What we write, read strictly by npm's `node-x12`: every kind of document, both releases, several separators."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.mapping.x12_810 import invoice_to_810
from engine.mapping.x12_820 import remittance_to_820
from engine.mapping.x12_824 import application_advice_to_824
from engine.mapping.x12_850 import purchase_order_to_850
from engine.mapping.x12_855 import order_acknowledgement_to_855
from engine.mapping.x12_856 import shipment_notice_to_856
from engine.protocols.x12 import OutboundGroup, OutboundSet, Separators, answer, read, write_interchange
from tests.support import npm_x12
from tests.support import x12_documents as documents
from tests.support import x12_samples as samples

pytestmark = pytest.mark.integration

MADE_AT = datetime(2026, 11, 20, 8, 15)
# It takes the element separator from the fourth byte and the terminator from the end of ISA, as we do.
SEPARATORS = [Separators(repetition="^"), Separators("|", ":", "~", "^"), Separators("*", ">", "\n", "^")]
WRITERS: dict[str, tuple[str, st.SearchStrategy[Any], Callable[[Any], OutboundSet]]] = {
    "850": ("PO", documents.purchase_orders(), purchase_order_to_850),
    "855": ("PR", documents.order_acknowledgements(), order_acknowledgement_to_855),
    "856": ("SH", documents.shipment_notices, shipment_notice_to_856),
    "810": ("IN", documents.invoices(), invoice_to_810),
    "820": ("RA", documents.remittances(), remittance_to_820),
    "824": ("AG", documents.application_advices, application_advice_to_824),
}


def ours(body: bytes) -> dict[str, object]:
    """The same view of a file by our own reader; node-x12 shows ISA13 as a number, without its zeros."""
    (interchange,) = read(body).interchanges
    header = [*interchange.header.parts]
    header[13] = header[13].lstrip("0")
    groups = [
        {
            "header": group.header.parts if group.header else [],
            "sets": [{"header": s.header.parts, "body": [x.parts for x in s.segments[1:-1]]} for s in group.sets],
        }
        for group in interchange.groups
    ]
    return {"header": header, "groups": groups}


def made(code: str, document: Any, version: str, separators: Separators) -> bytes:
    group, _, to_set = WRITERS[code]
    partner = samples.partner(version, separators=separators)
    return write_interchange(partner, 12, MADE_AT, [OutboundGroup(group, version, 12, (to_set(document),))])


@pytest.mark.parametrize("code", WRITERS)
def test_node_x12_reads_what_we_write_as_we_do(code: str) -> None:
    files: list[bytes] = []

    @given(WRITERS[code][1])
    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    def write(document: Any) -> None:
        for version, separators in zip(("004010", "005010", "005010"), SEPARATORS, strict=True):
            files.append(made(code, document, version, separators))

    write()
    theirs = npm_x12.read(files)

    for body, seen in zip(files, theirs, strict=True):
        assert seen == ours(body), body


def test_node_x12_reads_our_answers() -> None:
    wrong = samples.interchange().replace(b"SE*9", b"SE*8")
    newer = samples.interchange().replace(b"*U*00401*", b"*^*00501*").replace(b"004010", b"005010")
    files = []
    asked = ((samples.interchange(), "997", "004010"), (wrong, "997", "004010"), (newer, "999", "005010"))
    for body, code, version in asked:
        told = answer(body, code=code)
        assert told is not None
        group = told.group(9)
        assert group is not None
        files.append(write_interchange(samples.partner(version), 9, MADE_AT, [group]))

    assert npm_x12.read(files) == [ours(body) for body in files]


def test_node_x12_finds_the_faults_that_we_find() -> None:
    right = samples.interchange()
    files = [right.replace(b"SE*9", b"SE*8"), right.replace(b"GE*1", b"GE*2"), right.replace(b"IEA*1", b"IEA*2")]

    assert ["error" in seen for seen in npm_x12.read([right, *files])] == [False, True, True, True]
    assert [bool(read(body).findings) for body in [right, *files]] == [False, True, True, True]
