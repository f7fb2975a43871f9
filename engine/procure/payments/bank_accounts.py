"""To which of a supplier's bank accounts money may go. What a document claims of its verification counts for nothing.

An account is verified when people who are logged in approved exactly these details by the route `bank_change`: none of
them brought the details in, each counts once, and their answers came after the details did. Then a day must pass. Any
other number, holder or currency is another account; one that went away and comes back is a new one, too; so is one
that comes with another supplier's number by a merge.

Source: domain rules on bank changes (two people, call-back, 24 hours).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from engine.canonical import Approval, ApprovalAction, BankAccount, Money, Supplier
from engine.canonical.entity_names import blind
from engine.channel.policy_people import same_person
from engine.core.clock import from_micros
from engine.procure.approvals.approve import approve
from engine.procure.approvals.documents import acts_of
from engine.procure.approvals.states import ApprovalState
from engine.procure.approvals.values import Act, Request, Standing
from engine.procure.decision import World
from engine.procure.papers import Paper, Papers
from engine.procure.suppliers.approval import number_of_approval

COOL_DOWN = timedelta(hours=24)


class AccountStanding(msgspec.Struct, frozen=True):
    """How far an account is trusted.

    Args:
        number: of its approval: people who verify it answer this one.
        state: `verified`, `cooling` (until `pays_from`), or that of its approval.
    """

    code: str
    number: str
    state: str
    since: datetime
    pays_from: datetime | None
    standing: Standing

    @property
    def may_be_paid_to(self) -> bool:
        return self.state == "verified"

    @property
    def facts(self) -> dict[str, Any]:
        return {"state": self.state, "approval": self.number, "since": self.since.isoformat(), **_asked(self.standing)}


def _asked(standing: Standing) -> dict[str, Any]:
    facts = standing.facts
    return {name: facts[name] for name in ("asked", "counted", "not_counted")}


def details_of(account: BankAccount) -> str:
    """Digest of where the money goes."""
    guarded = [one.reveal() if one is not None else "" for one in (account.account_number, account.iban)]
    parts = [account.routing_number or "", account.bic or "", *guarded, account.holder or "", account.currency]
    return blind("\n".join(parts))


def approval_number(supplier_number: str, account: BankAccount) -> str:
    return number_of_approval(f"bank/{supplier_number}/{account.code}", details_of(account))


def account_standings(papers: Papers, world: World) -> dict[str, AccountStanding]:
    """Of all accounts of a supplier that are in use, by their code."""
    versions = [one for one in papers.all if isinstance(one.document, Supplier)]
    if not versions:
        return {}
    supplier = _supplier(versions[-1])
    accounts = {one.code: one for one in supplier.bank_accounts if one.active}
    return {code: _standing(account, versions, papers, world) for code, account in accounts.items()}


def _supplier(paper: Paper) -> Supplier:
    assert isinstance(paper.document, Supplier)  # papers were chosen so
    return paper.document


def _standing(account: BankAccount, versions: Sequence[Paper], papers: Papers, world: World) -> AccountStanding:
    supplier = _supplier(versions[-1])
    number = approval_number(supplier.supplier_number, account)
    came = _came_with(account, versions)
    since = from_micros(came.record.at_micros)
    request = _request(number, account, came, papers, since)
    standing = approve(request, _acts(number, papers, world, since), world)
    approved = standing.state is ApprovalState.APPROVED and bool(standing.counted)
    pays_from = max([since + COOL_DOWN, *(one.at for one in standing.counted)]) if approved else None
    state = standing.state.value if not approved else "verified"
    if approved and pays_from is not None and pays_from > world.now:
        state = "cooling"
    elif not approved and standing.state is ApprovalState.APPROVED:
        state = ApprovalState.STUCK.value  # a route without steps: nobody stands for it
    return AccountStanding(account.code, number, state, since, pays_from, standing)


def _came_with(account: BankAccount, versions: Sequence[Paper]) -> Paper:
    """The version that brought it in: the first of those up to the newest that all have it."""
    details, came = details_of(account), versions[-1]
    for version in reversed(versions):
        here = _supplier(version).bank_account(account.code)
        if here is None or not here.active or details_of(here) != details:
            break
        came = version
    return came


def _request(number: str, account: BankAccount, came: Paper, papers: Papers, since: datetime) -> Request:
    """Who asks again for an answer that expired is one of those who do not give it."""
    again = [one for one in papers.newest(Approval) if one.approval_number == number]
    before = _supplier(came).bank_account(account.code)
    makers = {came.record.who, account.changed_by, before.changed_by if before else None}
    makers |= {name for one in again for name in (one.requested_by, one.created_by)}
    return Request(
        key=number,
        subject="bank_change",
        amount=Money(amount=Decimal(0)),
        requested_at=max([since, *(one.requested_at for one in again)]),
        creators=frozenset(one for one in makers if one),
        requester=came.record.who or account.changed_by,
        supplier=_supplier(came).supplier_number,
    )


def _acts(number: str, papers: Papers, world: World, since: datetime) -> Iterator[Act]:
    """Only of people who were logged in as themselves, and by the clock of the engine, after the details came."""
    asked = Approval(
        approval_number=number, dossier="supplier", subject_kind="BankChange", subject_key=number,
        requested_by="-", requested_at=since,
    )  # fmt: skip
    counted = {act.key: act for act in acts_of(asked, papers, world)}
    for paper in papers.all:
        one = paper.document
        act = counted.get(one.natural_key) if isinstance(one, ApprovalAction) else None
        at = from_micros(paper.record.at_micros)
        if act is None or paper.record.who is None or same_person(paper.record.who) != same_person(act.who):
            continue
        if at >= since:
            yield msgspec.structs.replace(act, at=at)
