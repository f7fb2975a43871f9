"""Payments counted: sums by currency, exact, and a run as one line. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from engine.canonical import PaymentRun
from engine.ports.payments import GROUPS, PaymentRow, RunRow
from engine.procure.decision import text_of


class GroupSum(msgspec.Struct, frozen=True):
    """How many payments stand there, and over how much by currency."""

    count: int
    sums: Mapping[str, str]


def groups_of(rows: Sequence[PaymentRow]) -> dict[str, GroupSum]:
    """Of every group, also the empty ones, in their order."""
    parts = {group: [one for one in rows if one.group == group] for group in GROUPS}
    return {group: GroupSum(len(part), sums_of(part)) for group, part in parts.items()}


def sums_of(rows: Iterable[PaymentRow]) -> dict[str, str]:
    return _summed((one.currency, one.amount) for one in rows)


def run_row(made: PaymentRun, groups: Iterable[str]) -> RunRow:
    """A run that was made here, by its lines; `groups` of its payments as they stand now."""
    discounts = [line.discount for line in made.lines if line.discount is not None]
    return RunRow(
        number=made.run_number,
        pay_on=made.pay_on.isoformat(),
        payments=len({line.payment_number for line in made.lines}),
        sums=_summed((line.pays.currency, text_of(line.pays.amount)) for line in made.lines),
        discounts=_summed((one.currency, text_of(one.amount)) for one in discounts),
        groups=_count(groups),
        made_here=True,
        next_run=made.next_run.isoformat(),
        left=len(made.left) + made.left_out,
    )


def erp_run_row(number: str, paid: Sequence[PaymentRow]) -> RunRow:
    """The ERP's own, by its payments."""
    return counted(RunRow(number, max((one.pay_on for one in paid), default=""), 0, {}, {}, {}, False), paid)


def counted(row: RunRow, paid: Sequence[PaymentRow]) -> RunRow:
    """The run over these payments only."""
    return msgspec.structs.replace(
        row,
        payments=len(paid),
        sums=sums_of(paid),
        discounts=_summed((one.currency, one.discount) for one in paid if one.discount is not None),
        groups=_count(one.group for one in paid),
    )


def _count(groups: Iterable[str]) -> dict[str, int]:
    found = Counter(groups)
    return {group: found[group] for group in GROUPS if found[group]}


def _summed(amounts: Iterable[tuple[str, str]]) -> dict[str, str]:
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + Decimal(amount)
    return {currency: text_of(amount) for currency, amount in sorted(sums.items())}
