"""What goes wrong on an ordinary day. Each group keeps its order; each parcel says what must become of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from engine.cli.demo import edi, hl7, invoices, traffic
from engine.cli.demo.catalogue import DEPARTMENTS, SUPPLIERS, items_of
from engine.cli.demo.doors import NO_ANSWER
from engine.cli.demo.parcel import Ending, Parcel, Phase
from engine.cli.demo.traffic import Maker

_REPEATS, _WRONG_SUMS = 10, 3


def mischief(make: Maker) -> Iterator[list[Parcel]]:
    """Groups of parcels to mix into the day."""
    yield from _resent(make)
    yield from _contradictions(make)
    yield from [[one] for one in (*_not_ours(make), *_unknown_codes(make), *_wrong_sums(make))]
    yield _charged_and_credited(make)
    yield _charge_told_twice(make)
    yield from _bad_invoices(make)
    yield [_unknown_supplier_order(make)]
    yield _portal(make)


# ------------------------------------------------------------------ MLLP
def _resent(make: Maker) -> Iterator[list[Parcel]]:
    """The sender missed our answer and sends the same again."""
    for _ in range(_REPEATS):
        patient = make.random.choice(make.patients)
        first = traffic.charges(make, patient, [traffic.service_charge(make, patient)])
        yield [first, first._replace(ending=Ending.REPEATED, mischief="the same message again", effects=())]


def _contradictions(make: Maker) -> Iterator[list[Parcel]]:
    for _ in range(2):
        patient = make.random.choice(make.patients)
        first = traffic.admission(make, patient)
        other = first.body.replace(patient.department.encode(), b"M-OTHER")
        wrong = "a control id used again for another message"
        yield [first, first._replace(body=other, ending=Ending.REFUSED, answer="AE", mischief=wrong)]


def _not_ours(make: Maker) -> Iterator[Parcel]:
    text = b"hello, is anybody there?"
    yield Parcel(Phase.DAY, "visit_context", "no-header", text, Ending.REFUSED, NO_ANSWER, "not HL7 at all")
    body = hl7.message("ORU^R01^ORU_R01", make.control_id("LB"), "HARBOR-MAIN", make.tick(), ["OBR|1", "OBX|1|ST|X||1"])
    wrong = "a laboratory result at the requisition door"
    yield Parcel(Phase.DAY, "stock_requisition", "LB000001", body, Ending.REFUSED, "AR", wrong)


def _unknown_codes(make: Maker) -> Iterator[Parcel]:
    for code in ("OR-NEW-01", "XX-000"):
        wish = hl7.Wish(code, "Something new", 2, Decimal("10.00"), "S1001")
        good = traffic.requisition(make, DEPARTMENTS[0], [wish])
        yield good._replace(ending=Ending.HELD, mischief="an item code that no crosswalk knows", effects=())
    patient = make.patients[0]._replace(department="M-ANNEX")
    line = traffic.supply_charge(make, patient)
    good = traffic.charges(make, patient, [line])
    yield good._replace(ending=Ending.HELD, mischief="a department without a cost center", effects=())


def _wrong_sums(make: Maker) -> Iterator[Parcel]:
    for _ in range(_WRONG_SUMS):
        patient = make.random.choice(make.patients)
        line = traffic.supply_charge(make, patient)
        good = traffic.charges(make, patient, [line._replace(extended=line.extended + 10)])
        yield good._replace(ending=Ending.HELD, mischief="quantity times price is not the amount", effects=())


def _charged_and_credited(make: Maker) -> list[Parcel]:
    patient = make.patients[1]
    line = traffic.supply_charge(make, patient)
    back = line._replace(transaction=f"{line.transaction}C", kind="CD", takes_back=line.transaction)
    lost = back._replace(transaction=f"{line.transaction}X", takes_back="")
    nameless = traffic.charges(make, patient, [lost])
    wrong = "a credit that does not say what it takes back"
    return [
        traffic.charges(make, patient, [line]),
        traffic.charges(make, patient, [back]),
        nameless._replace(ending=Ending.HELD, mischief=wrong, effects=()),
    ]


def _charge_told_twice(make: Maker) -> list[Parcel]:
    """One transaction in two messages with their own control ids: one entry in the ERP."""
    patient = make.patients[2]
    line = traffic.supply_charge(make, patient)
    first, name = traffic.charges(make, patient, [line]), make.control_id("CH")
    body = first.body.replace(first.name.encode(), name.encode())
    return [first, first._replace(name=name, body=body, mischief="the same charge in a second message")]


# ------------------------------------------------------------------ files
def _bad_invoices(make: Maker) -> Iterator[list[Parcel]]:
    good = invoices.parcel_of(make, _bill(make, "S1007"))
    cut = invoices.parcel_of(make, _bill(make, "S1001"))
    yield [
        _refused(cut._replace(body=cut.body[: len(cut.body) * 2 // 3]), "an interchange cut off in the middle", "TA1 R")
    ]
    again = edi.invoice(_bill(make, "S1007"), make.counters["isa-S1007"])
    yield [
        good,
        _refused(good._replace(name="INV-repeat.edi", body=again), "an interchange number used before", "TA1 R"),
    ]
    loose = _bill(make, "S1008")
    body = edi.invoice(loose, make.number("isa-S1008", 101), stated=loose.total + 100)
    held = _held(invoices.parcel_of(make, loose)._replace(body=body), "a total that is not the sum of its lines")
    yield [held]
    strict = invoices.parcel_of(make, _bill(make, "S1002"), miscount=3)
    yield [_refused(strict, "a wrong segment count from a partner that is held to the standard", "R")]
    agreed = "a wrong segment count that was agreed to be noted"
    yield [invoices.parcel_of(make, _bill(make, "S1003"), agreed, miscount=2)]
    guise = invoices.parcel_of(make, _bill(make, "S1007"))
    body = guise.body.replace(b"*92*S1007", b"*92*S1003")
    yield [_held(guise._replace(body=body), "an invoice in another supplier's name")]
    stranger = good.body.replace(b"GREYHAVEN      ", b"NOBODY-WE-KNOW ").replace(b"GS*IN*GREYHAVEN", b"GS*IN*NOBODY")
    yield [_refused(good._replace(name="INV-stranger.edi", body=stranger), "a sender that is no partner of ours", "")]


def _bill(make: Maker, supplier: str) -> edi.Bill:
    item = make.random.choice(items_of(supplier))
    line = edi.Line(item.number, item.catalog_number, item.description, item.per_box * make.some(1, 3), item.cost)
    return edi.Bill(traffic.invoice_number(make), supplier, make.day, (line,))


def _refused(parcel: Parcel, words: str, told: str) -> Parcel:
    return _nothing_made(parcel)._replace(ending=Ending.REFUSED, mischief=words, told=told)


def _held(parcel: Parcel, words: str) -> Parcel:
    return _nothing_made(parcel)._replace(ending=Ending.HELD, mischief=words)


def _nothing_made(parcel: Parcel) -> Parcel:
    return parcel._replace(effects=(), raises=(), matter=None)


def _unknown_supplier_order(make: Maker) -> Parcel:
    _, good = traffic.clinic_order(make, 90)
    body = good.body
    for row in SUPPLIERS:
        body = body.replace(f"*92*{row.number}".encode(), b"*92*S9999")
    wrong = "an order to a supplier that nobody approved"
    return good._replace(phase=Phase.DAY, body=body, ending=Ending.HELD, mischief=wrong, effects=())


# ------------------------------------------------------------------ HTTP
def _portal(make: Maker) -> list[Parcel]:
    first = next(traffic.suppliers(make))
    changed = first.body.replace(b'"payment_terms_days": 30', b'"payment_terms_days": 35')
    long = traffic.supplier_json("S1009", "Ironmere Optics", 900, "Ironmere", "PA")
    base = first._replace(phase=Phase.DAY, effects=())
    stranger = base._replace(name="no-token", headers=(("Authorization", "Bearer guessed"),))
    return [
        base._replace(ending=Ending.REPEATED, answer="200", mischief="the same supplier sent again under the same key"),
        base._replace(body=changed, ending=Ending.REFUSED, answer="409", mischief="the same key for another record"),
        stranger._replace(ending=Ending.TURNED_AWAY, answer="401", mischief="a request without the portal's token"),
        base._replace(
            name="S1009-1", body=long, ending=Ending.HELD, mischief="payment terms of 900 days",
            headers=(("Idempotency-Key", "S1009-1"),),
        ),
    ]  # fmt: skip
