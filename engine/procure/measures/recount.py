"""Figures counted in Python over the raw JSON of the documents: nothing of the rows, nothing of the SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from engine.core.clock import to_micros
from engine.ports.measures import MeasureStore, Period

Sums = dict[str | None, tuple[int, int]]
_IDLE = ("comment", "reassign")
_MILLION = 1_000_000


class Version(NamedTuple):
    """A version of a document as it is stored."""

    at: int
    said: dict[str, Any]
    traced: bool
    by_person: bool = False


class Spell(NamedTuple):
    case_id: str
    type: str
    began: int
    ended: int | None
    units: int | None
    currency: str | None


class Raw(NamedTuple):
    """`kinds`: by kind and key, versions by age. `commands`: name, key of the document, own key, time."""

    since: int
    until: int
    as_of: int
    kinds: Mapping[str, Mapping[str, list[Version]]]
    spells: list[Spell]
    commands: list[tuple[str, str, str, int]]

    def latest(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, versions in self.kinds.get(kind, {}).items():
            yield key, versions[-1].said

    def came(self, kind: str, key: str) -> int | None:
        found = self.kinds.get(kind, {}).get(key)
        return found[0].at if found else None

    def within(self, at: int | None) -> bool:
        return at is not None and self.since <= at < self.until

    def posted(self) -> dict[str, int]:
        return {
            key: at for name, key, own, at in self.commands if own == f"post_invoice:{key}" and name == "post_invoice"
        }

    def troubled(self, until: Mapping[str, int] = MappingProxyType({})) -> set[str]:
        """Invoices that were an exception; `until`: that began before this time of each."""
        places = ((one.began, one.case_id.partition(f"#{one.type}#")[2]) for one in self.spells)
        found = ((key, at) for at, place in places for key in _invoices_at(place, self.kinds.get("Invoice", {})))
        return {key for key, at in found if key not in until or at < until[key]}


async def read_raw(store: MeasureStore, period: Period, now: datetime) -> Raw:
    kinds: defaultdict[str, dict[str, list[Version]]] = defaultdict(dict)
    text = "SELECT kind, key, at, body, message_id, who FROM p2p_records ORDER BY kind, key, version"
    for kind, key, at, body, message_id, who in await store.measured(text, {}):
        said = msgspec.json.decode(bytes(body))
        version = Version(at, said, message_id is not None or who is not None, who is not None)
        kinds[kind].setdefault(key, []).append(version)
    text = "SELECT case_id, type, state, opened, amount, currency, facts FROM p2p_cases"
    spells = [spell for row in await store.measured(text, {}) for spell in _spells(*row)]
    text = "SELECT name, natural_key, key, at FROM p2p_commands ORDER BY number"
    commands = [(str(a), str(b), str(c), int(d)) for a, b, c, d in await store.measured(text, {})]
    until = to_micros(period.until)
    return Raw(to_micros(period.since), until, min(until, to_micros(now)), kinds, spells, commands)


def _spells(
    case_id: str, type_: str, state: str, opened: int, amount: str | None, currency: str | None, facts: str
) -> Iterator[Spell]:  # fmt: skip
    past = msgspec.json.decode(facts).get("spells", [])
    units = None if amount is None else in_units(amount)
    for began, ended in [*past, *([(opened, None)] if state == "open" else [])]:
        yield Spell(case_id, type_, began, ended, units, currency)


def in_units(amount: Any) -> int:
    return int(Decimal(str(amount)) * _MILLION)


def _days(later: str, earlier: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days


def _invoices_at(place: str, invoices: Mapping[str, Any]) -> Iterator[str]:
    """A case of an invoice stands at its key, or at a line of it: `S1/INV-1/2`, `S1/INV-1:2`; of one that a system
    refused, at `Invoice/S1/INV-1`."""
    place = place.removeprefix("Invoice/")
    ends = [n for n, sign in enumerate(place) if sign in "/:"]
    for end in (len(place), *reversed(ends)):
        if place[:end] in invoices:
            yield place[:end]
            return


def summed(pairs: Iterable[tuple[str | None, int, int]]) -> Sums:
    found: Sums = {}
    for currency, above, below in pairs:
        one, other = found.get(currency, (0, 0))
        found[currency] = (one + above, other + below)
    return found


# ------------------------------------------------------------------ invoices and exceptions
def _cycle(raw: Raw) -> Sums:
    came = {key: raw.came("Invoice", key) for key in raw.kinds.get("Invoice", {})}
    return summed(
        (None, at - (came[key] or 0), 1) for key, at in raw.posted().items() if key in came and raw.within(at)
    )  # fmt: skip


def _arrived(raw: Raw) -> list[str]:
    return [key for key in raw.kinds.get("Invoice", {}) if raw.within(raw.came("Invoice", key))]


def _exceptions(raw: Raw) -> Sums:
    troubled = raw.troubled()
    return summed((None, int(key in troubled), 1) for key in _arrived(raw))


def _matched(raw: Raw) -> Sums:
    posted = raw.posted()
    failed = raw.troubled(posted)
    ordered = {key for key, said in raw.latest("Invoice") if _names_order(said)}
    decided = [key for key in _arrived(raw) if key in ordered and (key in failed or key in posted)]
    return summed((None, int(key not in failed), 1) for key in decided)


def _names_order(said: dict[str, Any]) -> bool:
    return any(one.get("order_number") for one in (said, *said["lines"]))


def _acts(raw: Raw) -> Iterator[tuple[int, dict[str, Any]]]:
    """Decisions."""
    return ((at, said) for at, said in _looks(raw) if said["action"] not in _IDLE)


def _looks(raw: Raw) -> Iterator[tuple[int, dict[str, Any]]]:
    """Decisions, comments, and what was handed on."""
    for key, said in raw.latest("CaseAction"):
        yield raw.came("CaseAction", key) or 0, said


def _touched(raw: Raw) -> Sums:
    invoices, first = raw.kinds.get("Invoice", {}), dict[str, int]()
    for then, said in _looks(raw):
        for key in _invoices_at(said.get("place") or "", invoices):
            first[key] = min(first.get(key, then), then)
    for key, versions in invoices.items():
        for one in versions:
            if one.by_person:
                first[key] = min(first.get(key, one.at), one.at)
    posted = ((key, at) for key, at in raw.posted().items() if key in invoices and raw.within(at))
    return summed((None, int(key in first and first[key] <= at), 1) for key, at in posted)


def _effort(raw: Raw) -> Sums:
    acts = ((None, 1, 0) for at, _ in _acts(raw) if raw.within(at))
    return summed([*acts, *((None, 0, 1) for _ in _arrived(raw))])


def _resolved(raw: Raw) -> Sums:
    return summed(
        (None, one.ended - one.began, 1) for one in raw.spells if one.ended is not None and raw.within(one.ended)
    )


def _open(raw: Raw) -> list[Spell]:
    return [one for one in raw.spells if one.began < raw.until and (one.ended is None or one.ended >= raw.until)]


def _aging(raw: Raw) -> Sums:
    return summed((None, raw.as_of - one.began, 1) for one in _open(raw))


def _at_stake(raw: Raw) -> Sums:
    return summed((one.currency, one.units, 1) for one in _open(raw) if one.units is not None)


def _duplicates(raw: Raw) -> Sums:
    held = (one for one in raw.spells if one.type == "duplicate_suspected" and raw.within(one.began))
    return summed((one.currency, one.units, 1) for one in held if one.units is not None)


# ------------------------------------------------------------------ orders, money, traces
def _orders(raw: Raw) -> dict[str, dict[str, Any]]:
    return {key: said for key, said in raw.latest("PurchaseOrder") if said.get("purpose", "00") not in ("01", "03")}


def _to_order(raw: Raw) -> Sums:
    first: dict[str, int] = {}
    for key, said in _orders(raw).items():
        for wish in said["requisition_numbers"]:
            first[wish] = min(first.get(wish, 1 << 62), raw.came("PurchaseOrder", key) or 0)
    return summed(
        (None, at - came, 1)
        for wish, at in first.items()
        if raw.within(at) and (came := raw.came("Requisition", wish)) is not None
    )


def _response(raw: Raw) -> Sums:
    first: dict[str, int] = {}
    for key, said in raw.latest("OrderAcknowledgement"):
        number = said["order_number"]
        first[number] = min(first.get(number, 1 << 62), raw.came("OrderAcknowledgement", key) or 0)
    orders = _orders(raw)
    return summed(
        (None, at - (raw.came("PurchaseOrder", number) or 0), 1)
        for number, at in first.items()
        if number in orders and raw.within(at)
    )


def _to_receipt(raw: Raw) -> Sums:
    first: dict[str, tuple[str, str]] = {}
    for key, said in raw.latest("Receipt"):
        if said["receipt_kind"] == "receipt" and not said["cancelled"]:
            day = (said["received_on"], key)
            first[said["order_number"]] = min(first.get(said["order_number"], day), day)
    orders = _orders(raw)
    return summed(
        (None, _days(day, orders[number]["ordered_on"]), 1)
        for number, (day, key) in first.items()
        if number in orders and raw.within(raw.came("Receipt", key))
    )


def _traced(raw: Raw) -> Sums:
    versions = (one for keys in raw.kinds.values() for kept in keys.values() for one in kept)
    return summed((None, int(one.traced), 1) for one in versions if raw.within(one.at))


def _was_ended(raw: Raw, wish: str) -> bool:
    """By the end of the period, and not told anew since."""
    told = raw.kinds["Requisition"][wish][-1].at
    ends = (
        raw.came("ApprovalAction", key) or 0
        for key, said in raw.latest("ApprovalAction")
        if said["approval_number"] == wish
        and said["dossier"] == f"requisition:{wish}"
        and said["action"] in ("reject", "withdraw")
    )
    return any(told <= at < raw.until for at in ends)


def _wished(raw: Raw) -> Sums:
    ordered = {
        wish
        for key, said in _orders(raw).items()
        if (raw.came("PurchaseOrder", key) or 0) < raw.until
        for wish in said["requisition_numbers"]
    }
    found = []
    for key, said in raw.latest("Requisition"):
        prices = [line["anticipated_price"] for line in said["lines"]]
        if (
            key in ordered
            or _was_ended(raw, key)
            or (raw.came("Requisition", key) or 0) >= raw.until
            or not all(prices)
        ):
            continue
        currencies = {one["currency"] for one in prices}
        if len(currencies) == 1:
            worth = [Decimal(line["quantity"]["amount"]) * Decimal(line["anticipated_price"]["amount"])
                     for line in said["lines"]]  # fmt: skip
            found.append((currencies.pop(), in_units(sum(worth, Decimal(0))), 1))
    return summed(found)


RECOUNTS: Mapping[str, Callable[[Raw], Sums]] = {
    "invoice_cycle_time": _cycle,
    "invoice_exception_rate": _exceptions,
    "match_success_rate": _matched,
    "manual_touch_rate": _touched,
    "reconciliation_effort": _effort,
    "exception_resolution_time": _resolved,
    "exception_aging": _aging,
    "exception_value": _at_stake,
    "duplicates_held": _duplicates,
    "requisition_to_order": _to_order,
    "supplier_response_time": _response,
    "order_to_receipt": _to_receipt,
    "expected_spend": _wished,
    "audit_traceability": _traced,
}
"""The other figures are sums of the same rows, which are compared one by one."""
