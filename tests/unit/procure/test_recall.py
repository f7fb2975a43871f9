"""A recalled device and lot is found in every document that names it, by identifier or item number."""

from __future__ import annotations

from random import Random

import pytest

from engine.canonical import ConsumptionLine, Disposition
from engine.procure.papers import dossiers_of
from engine.procure.usage.recall import Recalled, RecallIndex
from tests.support.implant_cases import ITEMS, ONE, clean, device, documents, used


@pytest.mark.parametrize("by", [device(3), "IMP3"])
def test_device_and_lot_lead_to_cases_suppliers_orders_and_invoices(by: str) -> None:
    cases = {n: clean(n, Random(n)) for n in range(60)}
    lines = [line for case in cases.values() for line in getattr(case["used"], "lines", ())]
    lot = next(line.lot for line in lines if line.item_number == "IMP3" and line.lot)
    index = RecallIndex([*ITEMS, *(one for case in cases.values() for one in case.values())])
    expected = {
        f"K{n}"
        for n, case in cases.items()
        if any(x.item_number == "IMP3" and x.lot == lot for x in getattr(case["used"], "lines", ()))
    }

    found = index.find(by, lot)

    assert set(found.cases) == expected
    assert set(found.invoices) == {f"S9/IV-{name}" for name in expected}
    assert set(found.orders) == {f"PO-{name}" for name in expected}
    assert found.suppliers == ("S9",)


def test_a_newer_version_replaces_what_the_document_said() -> None:
    case = clean(1, Random(1))
    index = RecallIndex(case.values())
    line = next(iter(getattr(case["used"], "lines", ())))
    other = documents("K1", [line.model_copy(update={"lot": "NEW", "serial": None})])
    for one in other.values():
        index.add(one)

    assert index.find(line.item_number, "NEW").cases == ("K1",)
    assert index.find(line.item_number, line.lot or "none") == Recalled()


def test_what_was_only_scanned_is_found_by_what_its_label_says() -> None:
    label = "(01)00850068673094(17)271231(10)L-2201(21)S77"
    line = ConsumptionLine(number=1, quantity=ONE, udi=label, disposition=Disposition.IMPLANTED)
    use = used("K1", [line])

    assert "lot:00850068673094/L-2201" in dossiers_of(use)
    assert RecallIndex([use]).find("00850068673094", "L-2201").cases == ("K1",)


def test_what_was_documented_in_error_is_not_found() -> None:
    use = clean(1, Random(1))["used"]
    line = next(iter(getattr(use, "lines", ())))
    index = RecallIndex([use, use.model_copy(update={"cancelled": True})])

    assert index.find(line.item_number, line.lot) == Recalled()
