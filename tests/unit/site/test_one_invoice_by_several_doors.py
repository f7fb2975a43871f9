"""One invoice that comes by several doors of the shipped site is paid once; what is billed anew is no duplicate."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.channel.load import load_site
from engine.channel.site import Site
from tests.support.trade import (
    BIG,
    IT1,
    decided,
    edi,
    hub,
    invoice_of,
    order,
    posted,
    receipt,
    taken,
    types,
    ubl,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(ROOT)


DOORS = {"supplier_invoice_in": None, "supplier_invoice_mail": ubl, "fhir_invoices": hub}


def by(door: str, number: str, order_number: str = "PO-1") -> bytes:
    made = DOORS[door]
    head = BIG.replace("I-1", number).replace("PO-1", order_number)
    return edi(head, IT1, "TDS*4000") if made is None else made(number, order_number=order_number)


@pytest.mark.parametrize("second", DOORS)
@pytest.mark.parametrize("first", DOORS)
def test_the_same_invoice_by_two_doors_is_posted_once(site: Site, first: str, second: str) -> None:
    told = [invoice_of(site, by(door, "INV-52001"), door) for door in (first, second)]
    decision = taken(site, order("20"), receipt("20"), *told).decide("order:PO-1")

    assert (types(decision), posted(decision)) == ([], ["post_invoice:S1001/INV-52001"])


@pytest.mark.parametrize("number", ["52001", "inv 52001", "INV-52OO1", "INV-052001", "INV-52010", "INV-52001/COPY"])
@pytest.mark.parametrize(("first", "second"), [(one, other) for one in DOORS for other in DOORS if one != other])
def test_what_another_door_writes_otherwise_is_held_though_the_order_has_room_for_it(
    site: Site, first: str, second: str, number: str
) -> None:
    told = [invoice_of(site, by(first, "INV-52001"), first), invoice_of(site, by(second, number), second)]
    decision = taken(site, order("20"), receipt("20"), *told).decide("order:PO-1")

    assert (types(decision), posted(decision)) == (["duplicate_suspected"], ["post_invoice:S1001/INV-52001"])
    assert decision.findings[0].facts["like"] == "S1001/INV-52001"


@pytest.mark.parametrize("number", ["INV-52001", "INV 52001"])
@pytest.mark.parametrize("elsewhere", ["", "PO-2"])
def test_the_copy_that_names_no_order_or_another_one_is_not_posted(site: Site, number: str, elsewhere: str) -> None:
    copy = invoice_of(site, ubl(number, order_number=elsewhere), "supplier_invoice_mail")
    first = invoice_of(site, by("supplier_invoice_in", "INV-52001"))
    other = [order(order_number="PO-2"), receipt(order_number="PO-2")] if elsewhere else []
    dossiers = taken(site, order("20"), receipt("20"), *other, first, copy)
    decision = dossiers.decide(f"order:{elsewhere}" if elsewhere else f"invoice:S1001/{number}")

    assert {"duplicate_suspected", "invoice_number_used_again"} & set(types(decision))
    assert posted(decision) == []
    assert posted(dossiers.decide("order:PO-1")) == ["post_invoice:S1001/INV-52001"]


def test_what_is_credited_whole_and_billed_anew_is_posted_and_no_duplicate(site: Site) -> None:
    memo = edi(BIG.replace("I-1", "CM-1").replace("DI", "CR"), "REF*OI*INV-52001", IT1, "TDS*4000")
    bodies = [by("supplier_invoice_in", "INV-52001"), memo, by("supplier_invoice_in", "INV-52001R")]

    every = decided(site, bodies, order(), receipt())
    assert types(every) == []
    assert sorted(posted(every)) == [f"post_invoice:S1001/{one}" for one in ("CM-1", "INV-52001", "INV-52001R")]
    without = decided(site, [bodies[0], bodies[2]], order(), receipt())
    assert posted(without) == ["post_invoice:S1001/INV-52001"]
    again = decided(site, [*bodies, by("supplier_invoice_in", "INV-52001S")], order("20"), receipt("20"))
    assert types(again) == ["duplicate_suspected"]


@pytest.mark.parametrize("part", ["2", "9"])
def test_what_is_credited_in_part_is_not_billed_anew_unseen(site: Site, part: str) -> None:
    memo = edi(BIG.replace("I-1", "CM-1").replace("DI", "CR"), "REF*OI*INV-52001", f"IT1*1*{part}*EA*4**IN*M10001",
               f"TDS*{4 * int(part)}00")  # fmt: skip
    bodies = [by("supplier_invoice_in", "INV-52001"), memo, by("supplier_invoice_in", "INV-52001R")]
    decision = decided(site, bodies, order("20"), receipt("20"))

    assert "duplicate_suspected" in types(decision)
