"""Writes the trading partners' X12, apart from the engine's own writer, and answers our 850s as suppliers do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from engine.cli.demo.catalogue import OUR_ISA_ID, SUPPLIERS

CENT = Decimal("0.01")
_ISA_LENGTH = 106  # with its terminator


class Dialect(NamedTuple):
    """How a partner writes an envelope."""

    name: str
    qualifier: str
    isa_id: str
    element: str = "*"
    component: str = ">"
    segment: str = "~"
    version: str = "004010"


class Line(NamedTuple):
    item: str
    catalog_number: str
    description: str
    quantity: int
    price: Decimal

    @property
    def extended(self) -> Decimal:
        return (self.price * self.quantity).quantize(CENT, ROUND_HALF_UP)


class Order(NamedTuple):
    number: str
    supplier: str
    ordered_on: date
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        return sum((line.extended for line in self.lines), Decimal(0))


class Bill(NamedTuple):
    """A supplier's invoice. `freight` is a charge beside the lines."""

    number: str
    supplier: str
    invoiced_on: date
    lines: tuple[Line, ...]
    order: str = ""
    freight: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return sum((line.extended for line in self.lines), self.freight)


_OWN_WAY = {
    "S1002": {"segment": "~\n"},
    "S1003": {"element": "|", "component": ":"},
    "S1004": {"qualifier": "01", "isa_id": "080214466", "version": "005010"},
    "S1005": {"segment": "\n"},
}
DIALECTS: dict[str, Dialect] = {
    s.number: Dialect(**({"name": s.isa_id, "qualifier": "ZZ", "isa_id": s.isa_id} | _OWN_WAY.get(s.number, {})))
    for s in SUPPLIERS
}
CLINIC = Dialect("HARBORCLINIC", "ZZ", "HARBORCLINIC")


def interchange(
    dialect: Dialect, group: str, control: int, on: date, rows: Sequence[Sequence[str]], *, miscount: int = 0
) -> bytes:
    """One interchange with one group and one set. `rows` begin with ST and end before SE.

    Args:
        miscount: added to SE01, for partners who cannot count.
    """
    e, release = dialect.element, dialect.version[:5]
    repetition = "^" if release == "00501" else "U"
    isa = e.join((
        "ISA", "00", " " * 10, "00", " " * 10, dialect.qualifier, dialect.isa_id.ljust(15), "ZZ",
        OUR_ISA_ID.ljust(15), f"{on:%y%m%d}", "0815", repetition, release, f"{control:09d}", "0", "P",
        dialect.component,
    ))  # fmt: skip
    gs = ("GS", group, dialect.name, OUR_ISA_ID, f"{on:%Y%m%d}", "0815", str(control), "X", dialect.version)
    tail = (("SE", str(len(rows) + 1 + miscount), "0001"), ("GE", "1", str(control)), ("IEA", "1", f"{control:09d}"))
    body = [isa, *(e.join(row) for row in (gs, *rows, *tail))]
    return "".join(row + dialect.segment for row in body).encode()


def invoice(bill: Bill, control: int, *, stated: Decimal | None = None, miscount: int = 0) -> bytes:
    """An 810. `stated` is TDS01 when it is to differ from what the parts add up to."""
    supplier = next(s for s in SUPPLIERS if s.number == bill.supplier)
    rows: list[tuple[str, ...]] = [
        ("ST", "810", "0001"),
        ("BIG", f"{bill.invoiced_on:%Y%m%d}", bill.number, "", bill.order, "", "", "DI"),
        ("N1", "RE", supplier.name, "92", supplier.number),
        ("N1", "BT", "Harbor Health", "92", "HARBOR"),
        ("ITD", "01", "3", "", "", "", "", str(supplier.terms_days)),
        ("DTM", "011", f"{bill.invoiced_on:%Y%m%d}"),
    ]
    for number, line in enumerate(bill.lines, 1):
        rows.append(("IT1", str(number), str(line.quantity), "EA", f"{line.price.normalize():f}", "", *_ids(line)))
        rows.append(("PID", "F", "", "", "", line.description))
    rows.append(("TDS", _implied(bill.total if stated is None else stated)))
    if bill.freight:
        rows.append(("SAC", "C", "D240", "", "", _implied(bill.freight)))
    rows.append(("CTT", str(len(bill.lines))))
    return interchange(DIALECTS[bill.supplier], "IN", control, bill.invoiced_on, rows, miscount=miscount)


def order(wanted: Order, control: int, contract: str = "", department: str = "C-CLIN") -> bytes:
    """An 850 of the clinic's purchasing tool, under a contract or none."""
    supplier = next(s for s in SUPPLIERS if s.number == wanted.supplier)
    rows: list[tuple[str, ...]] = [
        ("ST", "850", "0001"),
        ("BEG", "00", "NE", wanted.number, "", f"{wanted.ordered_on:%Y%m%d}"),
        ("REF", "DP", department),
        *([("REF", "CT", contract)] if contract else []),
        ("N1", "SE", supplier.name, "92", supplier.number),
        ("N1", "ST", "Harbor Clinic", "92", "HARBOR-CLINIC"),
    ]
    for number, line in enumerate(wanted.lines, 1):
        rows.append(("PO1", str(number), str(line.quantity), "EA", f"{line.price.normalize():f}", "", *_ids(line)))
        rows.append(("PID", "F", "", "", "", line.description))
    rows.append(("CTT", str(len(wanted.lines))))
    return interchange(CLINIC, "PO", control, wanted.ordered_on, rows)


def _ids(line: Line) -> tuple[str, ...]:
    return ("VN", line.catalog_number, "IN", line.item)


def _implied(amount: Decimal) -> str:
    """N2: two decimals without a point. Source: X12 data type N."""
    return str(int(amount * 100))


class Seen(NamedTuple):
    """What a supplier reads from the envelope of our 850."""

    isa_receiver: str
    interchange_control: str
    group_control: str
    set_control: str
    order_number: str
    supplier: str = ""
    lines: tuple[Line, ...] = ()


def read_order(body: bytes) -> Seen:
    """Read an 850 by position alone, as an old translator would: ISA is 106 characters.

    Raises:
        ValueError: it is not one.
    """
    rows = _rows(body)
    first = {row[0]: row for row in reversed(rows)}
    receiver, lines = first["ISA"][8].strip(), tuple(_ordered(row) for row in rows if row[0] == "PO1")
    supplier = next((number for number, one in DIALECTS.items() if one.isa_id == receiver), "")
    return Seen(receiver, first["ISA"][13], first["GS"][6], first["ST"][2], first["BEG"][3], supplier, lines)


def _ordered(row: list[str]) -> Line:
    ids = dict(zip(row[6::2], row[7::2], strict=False))
    return Line(ids.get("IN", ""), ids.get("VN") or ids.get("VP", ""), "", int(Decimal(row[2])), Decimal(row[4]))


def read_answer(body: bytes) -> list[str]:
    """What an interchange of ours tells a partner: the AK9 code of each 997, `TA1` with the code of each TA1.

    Raises:
        ValueError: it is not an interchange.
    """
    rows = _rows(body)
    return [row[1] for row in rows if row[0] == "AK9"] + [f"TA1 {row[4]}" for row in rows if row[0] == "TA1"]


def _rows(body: bytes) -> list[list[str]]:
    text = body.decode("ascii")
    if not text.startswith("ISA") or len(text) < _ISA_LENGTH:
        raise ValueError("not an interchange")
    return [row.strip("\r\n").split(text[3]) for row in text.split(text[_ISA_LENGTH - 1])]


def acknowledgement(dialect: Dialect, seen: Seen, control: int, on: date, *, accepted: bool) -> bytes:
    """The supplier's 997 for our 850."""
    code = "A" if accepted else "R"
    rows = [
        ("ST", "997", "0001"),
        ("AK1", "PO", seen.group_control),
        ("AK2", "850", seen.set_control),
        ("AK5", "A") if accepted else ("AK5", "R", "5"),
        ("AK9", code, "1", "1", "1" if accepted else "0"),
    ]
    return interchange(dialect, "FA", control, on, rows)


def response(dialect: Dialect, seen: Seen, control: int, on: date) -> bytes:
    """The supplier's 855: every line accepted as ordered."""
    rows: list[tuple[str, ...]] = [
        ("ST", "855", "0001"),
        ("BAK", "00", "AC", seen.order_number, f"{on:%Y%m%d}", "", "", f"A{control}", f"{on:%Y%m%d}"),
        ("N1", "SE", dialect.name, "92", seen.supplier),
    ]
    for number, line in enumerate(seen.lines, 1):
        rows.append(("PO1", str(number), str(line.quantity), "EA", f"{line.price.normalize():f}", "", *_ids(line)))
        rows.append(("ACK", "IA", str(line.quantity), "EA"))
    rows.append(("CTT", str(len(seen.lines))))
    return interchange(dialect, "PR", control, on, rows)


def ship_notice(dialect: Dialect, seen: Seen, control: int, on: date) -> bytes:
    """The supplier's 856: all of the order in one parcel."""
    rows: list[tuple[str, ...]] = [
        ("ST", "856", "0001"),
        ("BSN", "00", f"ASN-{control}", f"{on:%Y%m%d}", "0815", "0001"),
        ("HL", "1", "", "S"),
        ("DTM", "011", f"{on:%Y%m%d}"),
        ("N1", "SF", dialect.name, "92", seen.supplier),
        ("HL", "2", "1", "O"),
        ("PRF", seen.order_number),
    ]
    for number, line in enumerate(seen.lines, 1):
        rows.append(("HL", str(number + 2), "2", "I"))
        rows.append(("LIN", str(number), *_ids(line)))
        rows.append(("SN1", str(number), str(line.quantity), "EA"))
    rows.append(("CTT", str(len(seen.lines) + 2)))
    return interchange(dialect, "SH", control, on, rows)


def lots_notice(
    shipment: str, order: str, supplier: str, lines: Sequence[Line], lot: str, control: int, on: date, purpose: str
) -> bytes:
    """An 856 that names the lot of each item and its last day, 2028-06-30. BSN01 05 replaces the one before."""
    dialect = DIALECTS[supplier]
    rows: list[tuple[str, ...]] = [
        ("ST", "856", "0001"),
        ("BSN", purpose, shipment, f"{on:%Y%m%d}", "0815", "0001"),
        ("HL", "1", "", "S"),
        ("DTM", "011", f"{on:%Y%m%d}"),
        ("N1", "SF", dialect.name, "92", supplier),
        ("HL", "2", "1", "O"),
        ("PRF", order),
    ]
    for number, line in enumerate(lines, 1):
        rows.append(("HL", str(number + 2), "2", "I"))
        rows.append(("LIN", str(number), *_ids(line), "LT", lot))
        rows.append(("SN1", str(number), str(line.quantity), "EA"))
        rows.append(("DTM", "036", "20280630"))
    rows.append(("CTT", str(len(lines) + 2)))
    return interchange(dialect, "SH", control, on, rows)


def catalogue(contract: str, supplier: str, prices: Sequence[tuple[Line, Decimal]], control: int, on: date) -> bytes:
    """An 832: all prices of a contract, each for one piece."""
    rows: list[tuple[str, ...]] = [
        ("ST", "832", "0001"),
        ("BCT", "PC", contract, "", "", "", "", "", "", "", "00"),
        ("REF", "CT", contract),
        ("REF", "IA", supplier),
        ("CUR", "SE", "USD"),
    ]
    for number, (line, price) in enumerate(prices, 1):
        rows.append(("LIN", str(number), "IN", line.item, "VN", line.catalog_number))
        rows.append(("PID", "F", "", "", "", line.description))
        rows.append(("CTP", "", "CON", f"{price.normalize():f}", "1", "EA"))
    rows.append(("CTT", str(len(prices))))
    return interchange(DIALECTS[supplier], "SC", control, on, rows)
