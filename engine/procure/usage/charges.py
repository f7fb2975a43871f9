"""Which charge belongs to which use: by item or charge code, near in time, each quantity once.

Pure and without regard to what came first: pairs nearest in time are made first, equals by their keys; where that
leaves more open than one after the other in time, they are made so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from engine.canonical import ChargeEvent, ChargeKind

_NONE = Decimal(0)


class Side(NamedTuple):
    """A use or a charge. `codes`: every name of what it is; two belong together when they share one."""

    key: str
    at: datetime
    codes: frozenset[tuple[str, str]]
    amount: Decimal
    unit: str


class Pair(NamedTuple):
    used: str
    charged: str
    amount: Decimal


class Paired(NamedTuple):
    """`unused` and `uncharged`: what is left of each side, by key."""

    pairs: tuple[Pair, ...]
    uncharged: dict[str, Decimal]
    unused: dict[str, Decimal]


def pair(used: Sequence[Side], charged: Sequence[Side], window: timedelta) -> Paired:
    """Units must be the same: a charge per box is not a use of an each."""
    candidates = _candidates(used, charged, window)
    nearest = _made(used, charged, candidates)
    if not (nearest.uncharged and nearest.unused):
        return nearest
    return min(nearest, _made(used, charged, sorted(candidates, key=_in_turn)), key=_open)


def _made(used: Sequence[Side], charged: Sequence[Side], candidates: Iterable[tuple[Side, Side]]) -> Paired:
    left = {one.key: one.amount for one in used if one.amount > 0}
    open_charges = {one.key: one.amount for one in charged if one.amount > 0}
    pairs = []
    for use, charge in candidates:
        both = min(left.get(use.key, _NONE), open_charges.get(charge.key, _NONE))
        if both > 0:
            pairs.append(Pair(use.key, charge.key, both))
            left[use.key] -= both
            open_charges[charge.key] -= both
    return Paired(tuple(pairs), _rest(left), _rest(open_charges))


def _in_turn(candidate: tuple[Side, Side]) -> tuple[datetime, str, datetime, str]:
    use, charge = candidate
    return use.at, use.key, charge.at, charge.key


def _open(paired: Paired) -> Decimal:
    return sum((*paired.uncharged.values(), *paired.unused.values()), _NONE)


def _candidates(used: Sequence[Side], charged: Sequence[Side], window: timedelta) -> list[tuple[Side, Side]]:
    by_code: dict[tuple[str, str], list[Side]] = {}
    for charge in charged:
        for code in charge.codes:
            by_code.setdefault(code, []).append(charge)
    near = {
        (abs(use.at - charge.at), use.key, charge.key): (use, charge)
        for use in used
        for code in use.codes
        for charge in by_code.get(code, ())
        if use.unit == charge.unit and abs(use.at - charge.at) <= window
    }
    return [near[key] for key in sorted(near)]


def _rest(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    return {key: amount for key, amount in sorted(amounts.items()) if amount > 0}


def net_charges(charges: Iterable[ChargeEvent]) -> dict[str, Decimal]:
    """What is left of each charge after its credits; a credit that names no charge takes of the last one before it."""
    return _netted(charges)[0]


def credits_beyond(charges: Iterable[ChargeEvent]) -> dict[str, Decimal]:
    """What credits take back that nobody charged, by their numbers."""
    return _netted(charges)[1]


def _netted(charges: Iterable[ChargeEvent]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    ordered = sorted(charges, key=lambda one: (one.charged_at, one.charge_number))
    left = {one.charge_number: one.quantity.amount for one in ordered if not _is_credit(one)}
    beyond: dict[str, Decimal] = {}
    for credit in (one for one in ordered if _is_credit(one)):
        amount = abs(credit.quantity.amount)
        for charge in _credited(credit, ordered):
            taken = min(amount, left.get(charge.charge_number, _NONE))
            left[charge.charge_number] -= taken
            amount -= taken
        if amount > 0:
            beyond[credit.charge_number] = amount
    return left, beyond


def _is_credit(one: ChargeEvent) -> bool:
    """By its kind, or a charge of less than nothing."""
    return one.charge_kind is ChargeKind.CREDIT or one.quantity.amount < 0


def _credited(credit: ChargeEvent, charges: Sequence[ChargeEvent]) -> list[ChargeEvent]:
    plain = [one for one in charges if not _is_credit(one)]
    if credit.reverses is not None:
        return [one for one in plain if one.charge_number == credit.reverses]
    same = [one for one in plain if one.charge_code == credit.charge_code and one.charged_at <= credit.charged_at]
    return [one for one in same[::-1] if None in (one.item_number, credit.item_number) or _is_same_item(one, credit)]


def _is_same_item(one: ChargeEvent, other: ChargeEvent) -> bool:
    """One code is used for many supplies."""
    return one.item_number == other.item_number


def kept(used: Iterable[Side], back: Iterable[Side]) -> list[Side]:
    """Uses less what was put back: each takes of the last use of the same before it."""
    left = {one.key: one for one in used if one.amount > 0}
    for one in sorted(back, key=lambda side: (side.at, side.key)):
        amount = abs(one.amount)
        before = [use for use in left.values() if use.at <= one.at and use.unit == one.unit and use.codes & one.codes]
        for use in sorted(before, key=lambda side: (side.at, side.key), reverse=True):
            taken = min(amount, use.amount)
            left[use.key] = use._replace(amount=use.amount - taken)
            amount -= taken
    return list(left.values())


def utc(moment: datetime) -> datetime:
    """Clinical systems write local times without a zone; they are taken as UTC on both sides."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
