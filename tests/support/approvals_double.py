"""Approvals in memory: the real desk and the real deciders over invented suppliers of Harbor Health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine.canonical import Document
from engine.ports.p2p_operations import ref_of
from engine.ports.procure import Case, CaseQuery, Dossier
from engine.procure.approvals.desk import ApprovalDesk
from engine.procure.cases import cases_of
from engine.procure.deciders import decide
from engine.procure.decision import Decision, World
from engine.procure.papers import Papers, dossiers_of
from engine.procure.speaking import check_speaker
from tests.support.dossiers import Dossiers, _Everything
from tests.support.people import AuditDouble
from tests.support.suppliers import ANNA, BERT, CARA, POLICIES, account, answer, clear, supplier


class Office:
    """`Records`, `RecordSearch` and the process, as far as approvals need them; nothing is stored."""

    def __init__(self, policies: Any = POLICIES) -> None:
        self.matters, self.audit = Dossiers(policies), AuditDouble()
        self.known: list[str] = []
        self.desk = ApprovalDesk(self, self, self, self.audit, self, lambda: policies)  # type: ignore[arg-type]

    # -------------------------------------------------------------- the clock
    def now(self) -> datetime:
        return self.matters.now

    def monotonic(self) -> float:
        return 0.0

    # -------------------------------------------------------------- the process
    async def take(
        self,
        document: Document,
        message_id: int | None = None,
        who: str | None = None,
        system: str | None = None,
        fields: Sequence[str] = (),
    ) -> None:
        check_speaker(self.matters.policies, document, who, system)
        self.put(document, who)

    def put(self, document: Document, who: str | None = None) -> None:
        self.matters.take(document, who)
        self.known += [one for one in dossiers_of(document) if one not in self.known]

    async def weigh(self, dossier: Dossier, now: datetime) -> Decision:
        world = World(now, self.matters._known, {}, self.matters.policies, _Everything(self.matters))
        return decide(dossier.key, Papers(dossier.records), world)

    # -------------------------------------------------------------- the store
    async def load(self, dossier: str) -> Dossier:
        papers, world = self.matters.papers(dossier), self.matters.world()
        decision = decide(dossier, papers, world)
        empty = Dossier(dossier, records=tuple(one.record for one in papers.all))
        cases = tuple(cases_of(empty, decision, world)[0])
        return msgspec.structs.replace(empty, state=msgspec.json.encode(decision.state), cases=cases)

    async def cases(self, query: CaseQuery) -> Sequence[Case]:
        found = [case for key in self.known for case in (await self.load(key)).cases]
        return [one for one in found if one.state in query.states and query.type in (None, one.type)]

    async def case_id(self, ref: str) -> str | None:
        found = [case.case_id for key in self.known for case in (await self.load(key)).cases]
        return next((one for one in found if ref_of(one) == ref), None)


def approvals_double() -> Office:
    """A supplier that waits for approval, and one whose bank details were changed after they had been verified."""
    office, new = Office(), supplier("S9", "Tidewater Sterile Goods", tax="98-7654321")
    office.put(new, ANNA)
    office.put(clear(new))
    before, after = account("00012345678"), account("00099999912")
    one = supplier("S1", accounts=(before,))
    office.put(one, ANNA)
    office.put(clear(one))
    for number in _numbers(one, before):
        office.put(answer(number, BERT, office.now()), BERT)
    office.matters.wait(timedelta(days=2))
    office.put(supplier("S1", accounts=(after,)), CARA)
    return office


def _numbers(one: Any, before: Any) -> tuple[str, str]:
    from engine.procure.payments.bank_accounts import approval_number
    from engine.procure.suppliers.approval import supplier_number_of_approval

    return supplier_number_of_approval(one), approval_number(one.supplier_number, before)
