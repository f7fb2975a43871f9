"""Ten thousand generated documents a set are written, read strictly and are the same, in 004010 and 005010.

Documents go there and back; 860, 865, 832, 846 and 867, which scripts may also read by their places, are compared
segment by segment as well. Seeds are fixed: a failure names the document's number, and comes again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from engine.canonical import InventoryLevel
from engine.mapping.x12_810 import invoice_from_810, invoice_to_810
from engine.mapping.x12_820 import remittance_from_820, remittance_to_820
from engine.mapping.x12_824 import application_advice_from_824, application_advice_to_824
from engine.mapping.x12_832 import contract_from_832, contract_to_832
from engine.mapping.x12_846 import inventory_levels_from_846, inventory_levels_to_846
from engine.mapping.x12_850 import purchase_order_from_850, purchase_order_to_850
from engine.mapping.x12_855 import order_acknowledgement_from_855, order_acknowledgement_to_855
from engine.mapping.x12_856 import shipment_notice_from_856, shipment_notice_to_856
from engine.mapping.x12_860 import order_change_from_860, order_change_to_860
from engine.mapping.x12_865 import order_change_from_865, order_change_to_865
from engine.mapping.x12_867 import consumption_from_867, consumption_to_867
from engine.protocols.x12 import OutboundSet, TransactionSet
from engine.protocols.x12.values import joined
from engine.protocols.x12.writer import _trimmed
from tests.support.x12_any_set import AnySet
from tests.support.x12_exchange import VERSIONS, sent_and_received
from tests.support.x12_generated import Making
from tests.support.x12_generated_supply import SupplyMaking

SHORT, LONG = 40, 10_000


class Mapped(NamedTuple):
    group: str
    make: Callable[[Any], Any]
    write: Callable[[Any], OutboundSet]
    read: Callable[[TransactionSet, str | None], Any]


def level_to_846(level: InventoryLevel) -> OutboundSet:
    return inventory_levels_to_846([level])


def level_from_846(one: TransactionSet, supplier: str | None) -> InventoryLevel:
    (level,) = inventory_levels_from_846(one, supplier)
    return level


MAPPED = {
    "810": Mapped("IN", Making.invoice, invoice_to_810, invoice_from_810),
    "820": Mapped("RA", Making.remittance, remittance_to_820, remittance_from_820),
    "824": Mapped("AG", Making.application_advice, application_advice_to_824, application_advice_from_824),
    "850": Mapped("PO", Making.purchase_order, purchase_order_to_850, purchase_order_from_850),
    "855": Mapped("PR", Making.order_acknowledgement, order_acknowledgement_to_855, order_acknowledgement_from_855),
    "856": Mapped("SH", Making.shipment_notice, shipment_notice_to_856, shipment_notice_from_856),
    "832": Mapped("SC", SupplyMaking.contract, contract_to_832, contract_from_832),
    "846": Mapped("IB", SupplyMaking.inventory_level, level_to_846, level_from_846),
    "860": Mapped("PC", SupplyMaking.buyers_change, order_change_to_860, order_change_from_860),
    "865": Mapped("CA", SupplyMaking.suppliers_word, order_change_to_865, order_change_from_865),
    "867": Mapped("PT", SupplyMaking.consumption, consumption_to_867, consumption_from_867),
}
_SAYS_ITS_SUPPLIER = frozenset(("832", "846", "860", "865", "867"))  # REF IA
BY_PLACES = {"832": "SC", "846": "IB", "860": "PC", "865": "CA", "867": "PT"}


def same_documents(code: str, count: int) -> None:
    mapped, making = MAPPED[code], SupplyMaking(int(code))
    for number in range(count):
        document = mapped.make(making)
        written = mapped.write(document)
        for version in VERSIONS:
            received = sent_and_received(written, mapped.group, version)
            supplier = None if code in _SAYS_ITS_SUPPLIER else document.supplier_number
            assert mapped.read(received, supplier) == document, (code, version, number)


def same_segments(code: str, count: int) -> None:
    for version in VERSIONS:
        making = AnySet(code, version, int(code))
        for number in range(count // len(VERSIONS)):
            written = making.make()
            received = sent_and_received(written, BY_PLACES[code], version)
            expected = [
                [joined(value, received.separators.component, "") for value in _trimmed(segment)]
                for segment in written.segments
            ]
            assert [segment.parts for segment in received.segments[1:-1]] == expected, (code, version, number)


@pytest.mark.parametrize("code", MAPPED)
def test_a_written_document_reads_as_the_same(code: str) -> None:
    same_documents(code, SHORT)


@pytest.mark.parametrize("code", BY_PLACES)
def test_a_written_set_reads_segment_by_segment_as_the_same(code: str) -> None:
    same_segments(code, SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("code", MAPPED)
def test_ten_thousand_written_documents_read_as_the_same(code: str) -> None:
    same_documents(code, LONG)


@pytest.mark.slow
@pytest.mark.parametrize("code", BY_PLACES)
def test_ten_thousand_written_sets_read_as_the_same(code: str) -> None:
    same_segments(code, LONG)
