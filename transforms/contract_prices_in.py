"""Rows of one contract of purchasing's price list to Contract. Source: config/layouts/contract_prices.yaml.

A row with an item is a price; from a quantity on, it is a step of the price of the same item, unit, tier and days. A
row without an item makes a facility a member. A price that nobody can ask for is more often a slip than a gift: zero
and below are for a person.
"""

from engine.sdk import (
    Contract,
    ContractLine,
    ContractMember,
    Decimal,
    DocumentError,
    Money,
    PriceBreak,
    Row,
    TabularMessage,
)

REMEDY = "correct the list and put it there again"


def transform(message: TabularMessage) -> Contract:
    first = message.rows[0]
    for row in message.rows:
        if row.text("supplier") != first.text("supplier"):
            raise DocumentError("a contract is of one supplier", where=f"{row.where}, supplier", remedy=REMEDY)
    prices = [row for row in message.rows if row.get("item") or row.get("supplier_item")]
    if not prices:
        raise DocumentError("a contract has a price", where=first.where, remedy=REMEDY)
    steps: dict[tuple[object, ...], list[Row]] = {}
    for row in prices:
        steps.setdefault(line_of(row), []).append(row)
    lines = tuple(line(number, rows) for number, rows in enumerate(steps.values(), 1))
    begins = [one.valid_from for one in lines if one.valid_from]
    ends = [one.valid_to for one in lines if one.valid_to]
    return Contract(
        contract_number=first.text("contract"),
        supplier_number=first.text("supplier"),
        lines=lines,
        members=tuple(member(row) for row in message.rows if row not in prices),
        valid_from=min(begins) if len(begins) == len(lines) else None,
        valid_to=max(ends) if len(ends) == len(lines) else None,
    )


def line_of(row: Row) -> tuple[object, ...]:
    return tuple(row.get(one) for one in ("item", "supplier_item", "unit", "tier", "valid_from", "valid_to"))


def line(number: int, rows: list[Row]) -> ContractLine:
    base = [row for row in rows if minimum(row) <= 1]
    if len(base) != 1:
        raise DocumentError("not one price of one unit", where=rows[0].where, remedy=REMEDY)
    row = base[0]
    return ContractLine(
        number=number,
        unit=row.require("unit"),
        price=price(row),
        item_number=row.get("item"),
        supplier_item_number=row.get("supplier_item"),
        tier=row.get("tier"),
        breaks=tuple(PriceBreak(minimum=minimum(one), price=price(one)) for one in rows if one is not row),
        valid_from=row.date("valid_from") if row.get("valid_from") else None,
        valid_to=row.date("valid_to") if row.get("valid_to") else None,
    )


def minimum(row: Row) -> Decimal:
    return row.number("from_quantity") if row.get("from_quantity") else Decimal(1)


def price(row: Row) -> Money:
    amount = row.number("price") if row.get("price") else Decimal(0)
    if amount <= 0:
        raise DocumentError("a price is above zero", where=f"{row.where}, price", remedy=REMEDY)
    return Money(amount=amount)


def member(row: Row) -> ContractMember:
    if not row.get("facility"):
        raise DocumentError("a row names an item or a facility", where=row.where, remedy=REMEDY)
    return ContractMember(
        facility=row.text("facility"),
        tier=row.get("tier"),
        valid_from=row.date("valid_from") if row.get("valid_from") else None,
        valid_to=row.date("valid_to") if row.get("valid_to") else None,
    )
