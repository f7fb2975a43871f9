"""Implant cases as all their documents, clean ones and one for each of the twelve discrepancies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

from engine.canonical import (
    ChargeEvent,
    Consumption,
    ConsumptionLine,
    Contract,
    ContractLine,
    CostCenter,
    Disposition,
    Document,
    Invoice,
    InvoiceLine,
    Item,
    Money,
    OrderLine,
    PurchaseOrder,
    Quantity,
    RecallNotice,
    Receipt,
    ReceiptLine,
    ShipmentNotice,
    ShippedLine,
    Supplier,
)

USED_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DAY = USED_AT.date()
ONE = Quantity(amount=Decimal(1))


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))


def device(n: int) -> str:
    return f"0081000000{n:04}"


def item(n: int, contract: str | None = "CI") -> Item:
    return Item(
        item_number=f"IMP{n}",
        description="implant",
        supplier_number="S9",
        cost_price=usd("1000"),
        implantable=True,
        device_identifier=device(n),
        contract_numbers=(contract,) if contract else (),
        natural_account="6150",
    )


ITEMS = [item(n) for n in range(20)]
OFF_CONTRACT = item(99, None)
MASTER: tuple[Document, ...] = (
    *ITEMS,
    OFF_CONTRACT,
    Supplier(supplier_number="S9", name="Nine"),
    CostCenter(cost_center="OR", name="theatre"),
    Contract(
        contract_number="CI",
        supplier_number="S9",
        lines=tuple(ContractLine(number=n + 1, unit="EA", price=usd("1000"), item_number=f"IMP{n}") for n in range(20)),
    ),
    RecallNotice(recall_number="RC-1", device_identifier=device(3), recalled_on=DAY, lot="BAD"),
)

Lines = list[ConsumptionLine]
Case = dict[str, Document]


def clean(number: int, random: Random) -> Case:
    """One to four pieces: by serial or lot, used, ordered, received, invoiced, charged, each once."""
    name = f"K{number}"
    lines = [_line(name, n, random) for n in range(1, random.randint(1, 4) + 1)]
    return documents(name, lines)


def _line(case: str, n: int, random: Random) -> ConsumptionLine:
    which = random.randrange(20)
    mark = {"serial": f"SN{case}-{n}"} if random.random() < 0.5 else {"lot": f"L{random.randrange(50)}-{n}"}
    return ConsumptionLine(
        number=n,
        quantity=ONE,
        item_number=f"IMP{which}",
        device_identifier=device(which),
        disposition=Disposition.IMPLANTED,
        bill_only=True,
        supplier_number="S9",
        cost_center="OR",
        expires_on=date(2027, 6, 1),
        documented_by="nurse",
        **mark,
    )


def documents(name: str, lines: Lines) -> Case:
    case: Case = {
        "used": used(name, lines),
        "order": PurchaseOrder(
            order_number=f"PO-{name}", supplier_number="S9", ordered_on=DAY, bill_only=True,
            case_reference=name, facility="MAIN",
            lines=tuple(OrderLine(price=usd("1000"), **_marks(one)) for one in lines),
        ),
        "receipt": Receipt(
            receipt_number=f"RC-{name}", order_number=f"PO-{name}", supplier_number="S9", received_on=DAY,
            case_reference=name,
            lines=tuple(ReceiptLine(order_line_number=one.number, **_marks(one, number=False)) for one in lines),
        ),
        "invoice": Invoice(
            invoice_number=f"IV-{name}", supplier_number="S9", invoiced_on=date(2026, 11, 5), order_number=f"PO-{name}",
            case_reference=name, stated_total=usd("1000").times(Decimal(len(lines))),
            lines=tuple(InvoiceLine(price=usd("1000"), **_marks(one)) for one in lines),
        ),
    }  # fmt: skip
    return case | {f"charge{one.number}": charge(name, one) for one in lines}


def _marks(one: ConsumptionLine, number: bool = True) -> dict[str, object]:
    marks = {"item_number": one.item_number or "?", "quantity": one.quantity, "lot": one.lot, "serial": one.serial}
    return {**marks, "device_identifier": one.device_identifier, **({"number": one.number} if number else {})}


def used(name: str, lines: Lines, number: str = "U1", sheet: str = "SH1") -> Consumption:
    return Consumption(
        consumption_number=f"{number}-{name}",
        used_at=USED_AT,
        lines=tuple(lines),
        facility="MAIN",
        case_reference=name,
        procedure_on=DAY,
        sheet_number=f"{sheet}-{name}",
        visit_number=f"V-{name}",
    )


def charge(name: str, one: ConsumptionLine) -> ChargeEvent:
    """Charges name the item, seldom the piece."""
    return ChargeEvent(
        charge_number=f"CH-{name}-{one.number}",
        charge_code="C",
        charged_at=USED_AT,
        quantity=one.quantity,
        item_number=one.item_number,
        case_reference=name,
        facility="MAIN",
        visit_number=f"V-{name}",
    )


# ------------------------------------------------------------------ the twelve
def _lines(case: Case) -> Lines:
    document = case["used"]
    assert isinstance(document, Consumption)
    return list(document.lines)


def _name(case: Case) -> str:
    return str(getattr(case["used"], "case_reference", ""))


def _with(case: Case, **changed: object) -> Case:
    """The first piece is another one, in all documents."""
    first, *others = _lines(case)
    return documents(_name(case), [first.model_copy(update=changed), *others])


def _document(case: Case, **changed: object) -> Case:
    """The first piece was documented otherwise; all other documents stay."""
    first, *others = _lines(case)
    return case | {"used": used(_name(case), [first.model_copy(update=changed), *others])}


def _without(case: Case, *names: str) -> Case:
    return {name: one for name, one in case.items() if name not in names}


def _dear(case: Case) -> Case:
    invoice = case["invoice"]
    assert isinstance(invoice, Invoice)
    first, *others = invoice.lines
    dear = first.model_copy(update={"price": usd("1000.01")})
    return case | {"invoice": invoice.model_copy(update={"lines": (dear, *others)})}


def _other_record(case: Case) -> Case:
    lines = [one.model_copy(update={"documented_by": "representative"}) for one in _lines(case)]
    wrong = lines[0].model_copy(update={"serial": None, "lot": "OTHER"})
    return case | {"by_rep": used(_name(case), [wrong, *lines[1:]], "U2", "SH2")}


def _twice(case: Case) -> Case:
    return case | {"again": used(_name(case), _lines(case)[:1], "U2", "SH1")}


def _late_order(case: Case) -> Case:
    order = case["order"].model_copy(update={"ordered_on": date(2026, 11, 6)})
    return case | {"order": order}


def _replaced(case: Case, is_shipped: bool = False) -> Case:
    found = _document(case, replenish=True)
    first = _lines(case)[0]
    notice = ShipmentNotice(
        shipment_number=f"SN-{_name(case)}",
        supplier_number="S9",
        noticed_on=DAY,
        case_reference=_name(case),
        lines=(ShippedLine(quantity=ONE, item_number=first.item_number, lot="NEW"),),
    )
    return found | ({"notice": notice} if is_shipped else {})


def replaced_in_time(case: Case) -> Case:
    return _replaced(case, is_shipped=True)


SEEDS: Mapping[str, Callable[[Case], Case]] = {
    "implant_off_contract": lambda case: _with(case, item_number="IMP99", device_identifier=device(99)),
    "implant_price_over_cap": _dear,
    "implant_wasted": lambda case: _without(_document(case, disposition=Disposition.WASTED), "charge1"),
    "implant_charge_without_order": lambda case: _without(case, "order", "receipt", "invoice"),
    "implant_order_without_charge": lambda case: _without(case, "charge1"),
    "implant_duplicate_sheet": _twice,
    "implant_expired": lambda case: _document(case, expires_on=date(2026, 11, 1)),
    "implant_documented_differently": _other_record,
    "implant_order_after_invoice": _late_order,
    "implant_udi_missing": lambda case: _document(case, device_identifier=None),
    "implant_recalled": lambda case: _with(
        case, item_number="IMP3", device_identifier=device(3), lot="BAD", serial=None
    ),
    "implant_replacement_not_shipped": _replaced,
}
