"""What orders promise, counted over the raw JSON of orders, changes, receipts and invoices: nothing of the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from engine.core.currency import minor_places
from engine.procure.measures.recount import Raw, Sums, in_units, summed

Said = dict[str, Any]
_CANCELS = ("01", "03")
_EPOCH = date(1970, 1, 1)
_DAY = timedelta(days=1) // timedelta(microseconds=1)


class Standing(NamedTuple):
    """An order with the changes that count; `lines` by number."""

    said: Said
    lines: Mapping[int, Said]
    is_cancelled: bool


def orders_by(raw: Raw, until: int | None = None) -> Iterator[tuple[str, Standing]]:
    """Each as it was known before `until`."""
    changes = _changes(raw, until)
    for number, kept in raw.kinds.get("PurchaseOrder", {}).items():
        if versions := [one.said for one in kept if until is None or one.at < until]:
            yield number, _standing(versions[-1], changes[number])


def _standing(said: Said, changes: list[Said]) -> Standing:
    lines = {one["number"]: one for one in said["lines"]}
    for change in changes:
        for part in change["lines"]:
            _apply(lines, part)
    cancelled = said["purpose"] in _CANCELS or any(one["purpose"] in _CANCELS for one in changes) or not lines
    return Standing(said, lines, cancelled)


def _changes(raw: Raw, until: int | None) -> defaultdict[str, list[Said]]:
    """Those that count, by order, in their order."""
    known = raw.kinds.get("OrderChange", {}).items()
    told = [(key, [one.said for one in kept if until is None or one.at < until]) for key, kept in known]
    latest = sorted((said[-1]["sequence"], said[-1]["change_number"], key, said[-1]) for key, said in told if said)
    turns, days = [], dict[tuple[str, str], str]()
    for sequence, number, _, one in latest:
        if one["accepted"] is True if one["changed_by"] == "supplier" else one["accepted"] is not False:
            side = (one["order_number"], one["changed_by"])
            days[side] = max(one["changed_on"], days.get(side, ""))  # a day before that of the last one is a slip
            turns.append((days[side], sequence, one["changed_by"], number, one))
    found: defaultdict[str, list[Said]] = defaultdict(list)
    for *_, one in sorted(turns, key=lambda turn: turn[:-1]):
        found[one["order_number"]].append(one)
    return found


def _apply(lines: dict[int, Said], part: Said) -> None:
    number = part["order_line_number"]
    told = {name: part[name] for name in ("quantity", "price", "needed_by", "line_kind") if part[name] is not None}
    if part["action"] == "delete":
        lines.pop(number, None)
    elif number in lines:
        lines[number] = {**lines[number], **told}
    elif part["item_number"] and {"quantity", "price"} <= told.keys():
        lines[number] = {"line_kind": "goods", "needed_by": None, "contract_number": None, **told}


def _worth(line: Said) -> Decimal:
    price, quantity = line["price"], line["quantity"]
    whole = Decimal(price["amount"]) * Decimal(quantity["amount"])
    return whole.quantize(Decimal(1).scaleb(-minor_places(price["currency"])), ROUND_HALF_UP)


# ------------------------------------------------------------------ money
def _committed(raw: Raw) -> Sums:
    found, billed = [], _billed(raw)
    for number, now in orders_by(raw, raw.until):
        if not _was_promised(raw, number):
            continue
        charges = sum((Decimal(one["amount"]["amount"]) for one in now.said["charges"]), Decimal(0))
        worth = sum(map(_worth, now.lines.values()), charges)
        left = Decimal(0) if now.is_cancelled or now.said["blanket"] else worth
        left -= billed[number, now.said["currency"]]
        found.append((now.said["currency"], max(0, in_units(left)), 1))
    return summed(found)


def _was_promised(raw: Raw, number: str) -> bool:
    """Whether it ever was an order of its own by the end of the period."""
    versions = [one.said for one in raw.kinds["PurchaseOrder"][number] if one.at < raw.until]
    return any(one["purpose"] not in _CANCELS and not one["blanket"] for one in versions)


def _billed(raw: Raw) -> defaultdict[tuple[str, str], Decimal]:
    """By order and currency, given to the ledger by the end of the period."""
    found: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for key, at in raw.posted().items():
        versions = raw.kinds.get("Invoice", {}).get(key)
        if versions and at < raw.until:
            said = versions[-1].said
            sign = -1 if said["invoice_kind"] == "credit_memo" else 1
            for order, amount in _parts(said).items():
                found[order, said["stated_total"]["currency"]] += amount * sign
    return found


def _parts(invoice: Said) -> dict[str, Decimal]:
    """Its lines by order; the first that it names has also all that is no line of another one."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in invoice["lines"]:
        sums[line["order_number"] or invoice["order_number"] or ""] += _worth(line)
    named = sorted(sums.keys() - {""})
    if not named:
        return {}
    first = invoice["order_number"] if invoice["order_number"] in named else named[0]
    others = {one: sums[one] for one in named if one != first}
    return {**others, first: Decimal(invoice["stated_total"]["amount"]) - sum(others.values(), Decimal(0))}


def _on_contract(raw: Raw) -> Sums:
    found = []
    for number, now in orders_by(raw):
        if now.is_cancelled or now.said["blanket"] or not raw.within(raw.came("PurchaseOrder", number)):
            continue
        bought = [one for one in now.lines.values() if one["line_kind"] in ("goods", "service")]
        kept = [one for one in bought if _keeps(one, now.said)]
        above, below = (sum(map(_worth, lines), Decimal(0)) for lines in (kept, bought))
        found.append((now.said["currency"], in_units(above), in_units(below)))
    return summed(found)


def _keeps(line: Said, order: Said) -> bool:
    limit = line.get("contract_price")
    is_dear = limit is not None and Decimal(line["price"]["amount"]) > Decimal(limit["amount"])
    return bool(line["contract_number"] or order["contract_number"]) and not is_dear


# ------------------------------------------------------------------ goods
def _on_time(raw: Raw) -> Sums:
    found, receipts = [], _receipts(raw)
    for number, now in orders_by(raw):
        if now.is_cancelled:
            continue
        goods = {key: one for key, one in now.lines.items() if one["line_kind"] == "goods"}
        days = [day for one in goods.values() if (day := one["needed_by"] or now.said["needed_by"])]
        over = ((date.fromisoformat(max(days)) - _EPOCH).days + 1) * _DAY if days else 0
        if raw.since < over <= raw.as_of:
            found.append((None, int(_whole_by(receipts[number], goods, max(days))), 1))
    return summed(found)


def _receipts(raw: Raw) -> defaultdict[str, list[Said]]:
    found: defaultdict[str, list[Said]] = defaultdict(list)
    for _, one in raw.latest("Receipt"):
        if not one["cancelled"]:
            found[one["order_number"]].append(one)
    return found


def _whole_by(receipts: list[Said], goods: Mapping[int, Said], day: str) -> bool:
    """Everything was there by then, and is now."""
    by_then = [one for one in receipts if one["received_on"] <= day]
    return all(_is_whole(some, goods) for some in (receipts, by_then)) and not _short_later(receipts, goods, day)


def _short_later(receipts: list[Said], goods: Mapping[int, Said], day: str) -> bool:
    """Whether what was there went back in between, and came again."""
    later = sorted({one["received_on"] for one in receipts if one["received_on"] > day})
    return any(not _is_whole([one for one in receipts if one["received_on"] <= then], goods) for then in later)


def _is_whole(receipts: list[Said], goods: Mapping[int, Said]) -> bool:
    got: defaultdict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for one in receipts:
        for part in one["lines"]:
            unit, amount = part["quantity"]["unit"], Decimal(part["quantity"]["amount"])
            got[part["order_line_number"], unit] += -amount if one["receipt_kind"] == "return" else amount
    wanted = ((key, one["quantity"]) for key, one in goods.items())
    return all(got[key, each["unit"]] >= Decimal(each["amount"]) for key, each in wanted)


OF_ORDERS: Mapping[str, Callable[[Raw], Sums]] = {
    "commitment": _committed,
    "contract_compliance": _on_contract,
    "supplier_on_time": _on_time,
}
