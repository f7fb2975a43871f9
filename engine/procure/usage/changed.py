"""What was told of a visit's use and charges after it was decided: cost that is in the ledger, credits of no charge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.canonical import ChargeEvent, Consumption
from engine.procure.decision import Finding, World, text_of
from engine.procure.papers import Papers
from engine.procure.usage.charges import credits_beyond, utc
from engine.procure.usage.waiting import Wait, wait_for


def entry_of(document: Consumption) -> str:
    """The number of the entry that posts its cost."""
    return f"USE-{document.natural_key}"[:80]


def changed_since(papers: Papers, world: World) -> Iterator[Finding]:
    """Its cost was asked to be posted as it was told at first; what is told now is another use, or none."""
    for now in papers.newest(Consumption):
        if not any(key.startswith(f"post_journal:{entry_of(now)}") for key in world.given):
            continue
        versions = [one for one in papers.versions(Consumption) if one.natural_key == now.natural_key]
        before = next((one for one in versions if not one.cancelled), now)
        if now.cancelled or _told(now) != _told(before):
            what = "was taken back" if now.cancelled else "says something else now"
            yield Finding(
                "decided_otherwise_since", now.natural_key, f"Its cost is in the ledger, and the use {what}",
                facility=now.facility, department=now.department,
                facts={"entry": entry_of(now), "posted": _told(before), "now": [] if now.cancelled else _told(now)},
                flip="the use as it was, or an entry that takes the difference back",
            )  # fmt: skip


def _told(document: Consumption) -> list[str]:
    return [
        f"line {one.number}: {text_of(one.quantity.amount)} {one.quantity.unit} of {one.item_number or one.charge_code}"
        f", {one.disposition.value}"
        for one in document.lines
    ]


def credit_waits(charges: Sequence[ChargeEvent], world: World) -> dict[str, Wait]:
    """Credits of supplies that take back what nobody charged, with what may still tell of the charge."""
    beyond = credits_beyond(charges)
    return {
        one.charge_number: wait_for(world, "charges", utc(one.charged_at))
        for one in charges
        if one.charge_number in beyond and one.item_number
    }


def credited_beyond(charges: Sequence[ChargeEvent], waits: Mapping[str, Wait]) -> Iterator[Finding]:
    """
    Args:
        waits: as of `credit_waits`.
    """
    beyond = credits_beyond(charges)
    for one in sorted(charges, key=lambda charge: charge.charge_number):
        if one.charge_number in waits and waits[one.charge_number].is_over:
            yield Finding(
                "charge_credit_unmatched", one.charge_number, "It was credited and never charged",
                money=one.amount, facility=one.facility, department=one.department,
                flip="the charge that it takes back, of the same visit",
                facts={"rule": "usage.credit", "item": one.item_number, "code": one.charge_code,
                       "reverses": one.reverses or "", "beyond": text_of(beyond[one.charge_number])},
            )  # fmt: skip
