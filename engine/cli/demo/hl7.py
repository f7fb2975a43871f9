"""Writes the hospitals' HL7 v2 messages, apart from the engine's own writer: the two must not share mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from engine.cli.demo.catalogue import ItemRow, SupplierRow

STAMP = "%Y%m%d%H%M%S"


class Patient(NamedTuple):
    """Invented. `record` and `family` must never leave the hospital."""

    record: str
    family: str
    given: str
    born: str
    visit: str
    facility: str
    department: str


class Charge(NamedTuple):
    """One FT1. `extended` is written as given, so that it can be wrong."""

    transaction: str
    code: str
    text: str
    quantity: int
    unit_price: Decimal
    extended: Decimal
    department: str
    unit_cost: Decimal | None = None
    kind: str = "CG"
    takes_back: str = ""


class Wish(NamedTuple):
    """One line of a requisition."""

    code: str
    text: str
    quantity: int
    price: Decimal
    supplier: str


def segment(name: str, fields: dict[int, str]) -> str:
    return name + "|" + "|".join(fields.get(number, "") for number in range(1, max(fields) + 1))


def message(
    kind: str, control_id: str, facility: str, at: datetime, rows: Sequence[str], version: str = "2.5.1"
) -> bytes:
    """A whole message, segments ended by carriage returns, UTF-8."""
    sender = f"HARBOREHR|{facility}|ISTHMUS|HARBOR|{at:{STAMP}}"
    head = f"MSH|^~\\&|{sender}||{kind}|{control_id}|P|{version}||||||UNICODE UTF-8"
    return "".join(row + "\r" for row in (head, *rows)).encode()


def admission(event: str, control_id: str, patient: Patient, at: datetime) -> bytes:
    structure = {"A08": "ADT_A01", "A04": "ADT_A01"}.get(event, f"ADT_{event}")
    rows = (segment("EVN", {1: event, 2: f"{at:{STAMP}}"}), _pid(patient), _pv1(patient, at, event))
    return message(f"ADT^{event}^{structure}", control_id, patient.facility, at, rows)


def charges(control_id: str, patient: Patient, at: datetime, lines: Sequence[Charge]) -> bytes:
    ft1 = [_ft1(number, line, at) for number, line in enumerate(lines, 1)]
    rows = (segment("EVN", {1: "P03", 2: f"{at:{STAMP}}"}), _pid(patient), _pv1(patient, at, "P03"), *ft1)
    return message("DFT^P03^DFT_P03", control_id, patient.facility, at, rows)


def requisition(
    control_id: str, facility: str, at: datetime, number: str, department: str, wishes: Sequence[Wish]
) -> bytes:
    rows = [segment("ORC", {1: "NW", 2: control_id, 4: number, 9: f"{at:{STAMP}}", 10: "N4471"})]
    for line, wish in enumerate(wishes, 1):
        place = {1: str(line), 4: f"{wish.code}^{wish.text}", 5: str(wish.quantity), 6: "EA", 7: department}
        rows.append(segment("RQD", place | {9: f"{department}-STOCK", 10: f"{at:%Y%m%d}"}))
        rows.append(segment("RQ1", {1: str(wish.price), 4: wish.supplier, 7: "Y"}))
    return message("OMS^O05^OMS_O05", control_id, facility, at, rows)


def item_master(
    control_id: str,
    at: datetime,
    items: Sequence[tuple[ItemRow, SupplierRow]],
    categories: Mapping[str, str] | None = None,
) -> bytes:
    """`categories` by item number; others have none."""
    rows = [segment("MFI", {1: "INV^Inventory master^HL70175", 3: "UPD", 6: "AL"})]
    for item, supplier in items:
        rows += _item(control_id, at, item, supplier, (categories or {}).get(item.number, ""))
    return message("MFN^M16^MFN_M16", control_id, "HARBOR-CW", at, rows, version="2.6")


def _item(control_id: str, at: datetime, item: ItemRow, supplier: SupplierRow, category: str) -> list[str]:
    per_box = item.cost * item.per_box
    itm = {1: item.number, 2: item.description, 3: "A", 7: supplier.name, 9: item.catalog_number}
    ladder = [segment("PKG", {1: "1", 2: "EA", 3: "Y", 4: "1", 5: str(item.cost)})]
    if item.per_box > 1:
        ladder.append(segment("PKG", {1: "2", 2: "BX", 3: "N", 4: str(item.per_box), 5: str(per_box)}))
    return [
        segment("MFE", {1: "MAD", 2: control_id, 3: f"{at:{STAMP}}", 4: item.number, 5: "CWE"}),
        segment("ITM", itm | ({5: category} if category else {}) | {11: "Y" if item.charge_code else "N", 14: "Y"}),
        segment("VND", {1: "1", 2: supplier.number, 3: supplier.name, 4: item.catalog_number, 5: "Y"}),
        *ladder,
    ]


def _pid(patient: Patient) -> str:
    name = f"{patient.family}^{patient.given}"
    return segment("PID", {1: "1", 3: f"{patient.record}^^^{patient.facility}^MR", 5: name, 7: patient.born, 8: "U"})


def _pv1(patient: Patient, at: datetime, event: str) -> str:
    patient_class = "E" if patient.department.endswith("ED") else "I"
    fields = {1: "1", 2: patient_class, 3: patient.department, 19: patient.visit, 44: f"{at.replace(hour=1):{STAMP}}"}
    return segment("PV1", fields | ({45: f"{at:{STAMP}}"} if event == "A03" else {}))


def _ft1(number: int, line: Charge, at: datetime) -> str:
    fields = {
        1: str(number),
        2: line.transaction,
        4: f"{at:{STAMP}}",
        5: f"{at:%Y%m%d}",
        6: line.kind,
        7: f"{line.code}^{line.text}^HARBOR-CDM",
        10: str(line.quantity),
        11: f"{line.extended}&USD",
        12: f"{line.unit_price}&USD",
        13: line.department,
    }
    if line.unit_cost is not None:
        fields[22] = f"{line.unit_cost}&USD"
    if line.takes_back:
        fields[31] = line.takes_back
    return segment("FT1", fields)
