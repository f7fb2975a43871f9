"""Every difference between two books is found with its cause, and equal books cost a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import CaseAction, CaseVerb, DriftCause, Money
from engine.ports.ledger_view import LedgerEntry
from engine.procure.reconciliation.reconcile import exact
from engine.procure.reconciliation.run import EntriesView, compare
from tests.support.dossiers import NOON, Dossiers


class Counting(EntriesView):
    """Counts the entries that it gave out."""

    given = 0

    async def entries(self, kind: str, period: str, supplier: str, prefix: str) -> Sequence[LedgerEntry]:
        found = await super().entries(kind, period, supplier, prefix)
        self.given += len(found)
        return found


def entry(number: int, amount: str = "10", state: str = "posted", supplier: str | None = None) -> LedgerEntry:
    supplier = supplier or f"S{number % 3}"
    return LedgerEntry(f"{supplier}/I{number}", supplier, amount, state=state)


BOOKS = [entry(n) for n in range(200)]


async def causes(here: Sequence[LedgerEntry], there: Sequence[LedgerEntry]) -> dict[str, DriftCause]:
    report = await compare(EntriesView("us", here), EntriesView("erp", there), "Invoice", "2026-11", NOON)
    return {one.subject_key: one.cause for one in report.drifts}


async def test_equal_books_give_no_entries() -> None:
    there = Counting("erp", BOOKS)

    report = await compare(EntriesView("us", BOOKS), there, "Invoice", "2026-11", NOON)

    assert (report.drifts, report.count_here, report.count_there, there.given) == ((), 200, 200, 0)


async def test_one_difference_in_many_is_found_by_looking_at_few() -> None:
    there = Counting("erp", [msgspec.structs.replace(one, amount="11") if one.key == "S1/I7" else one for one in BOOKS])

    report = await compare(EntriesView("us", BOOKS), there, "Invoice", "2026-11", NOON)

    assert [(one.subject_key, one.cause) for one in report.drifts] == [("S1/I7", DriftCause.AMOUNT)]
    assert there.given <= 16


async def test_two_amounts_that_cancel_out_are_found_all_the_same() -> None:
    changed = {"S0/I3": "9", "S0/I6": "11"}
    there = [msgspec.structs.replace(one, amount=changed.get(one.key, one.amount)) for one in BOOKS]

    assert await causes(BOOKS, there) == dict.fromkeys(changed, DriftCause.AMOUNT)


_CHANGES = st.dictionaries(st.integers(0, 79), st.sampled_from(["gone", "amount", "state", "more"]), max_size=12)
_CAUSES = {
    "gone": DriftCause.MISSING_THERE, "more": DriftCause.MISSING_HERE, "amount": DriftCause.AMOUNT,
    "state": DriftCause.STATE,
}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(_CHANGES)
async def test_every_seeded_difference_is_found_with_its_cause(changes: dict[int, str]) -> None:
    here, there = [], []
    for number in range(80):
        one, change = entry(number), changes.get(number)
        if change != "more":
            here.append(one)
        if change != "gone":
            there.append(entry(number, "12" if change == "amount" else "10", "paid" if change == "state" else "posted"))

    assert await causes(here, there) == {entry(n).key: _CAUSES[change] for n, change in changes.items()}


async def test_each_drift_is_a_case_with_the_money_at_stake() -> None:
    there = [entry(1, "12.5"), entry(2)]
    report = await compare(
        EntriesView("us", [entry(1), entry(3)]), EntriesView("erp", there), "Invoice", "2026-11", NOON
    )
    here = Dossiers()
    here.take(report)

    found = here.decide("reconciliation:erp/Invoice/2026-11")

    assert {(one.type, one.place, one.money) for one in found.findings} == {
        ("drift_amount", "Invoice/S1/I1", Money(amount=Decimal("2.5"))),
        ("drift_missing_here", "Invoice/S2/I2", Money(amount=Decimal(10))),
        ("drift_missing_there", "Invoice/S0/I3", Money(amount=Decimal(10))),
    }
    assert found.state["drifts"] == {"missing_there": 1, "missing_here": 1, "amount": 1}


async def test_a_drift_that_a_person_accepted_is_no_case_until_its_amount_is_another() -> None:
    here = Dossiers()
    seen = CaseAction(
        action_number="A1", case_id="c", dossier="reconciliation:erp/Invoice/2026-11", action=CaseVerb.ACCEPT,
        who="l.ott", reason="a rounding of the ERP", at=NOON, case_type="drift_amount", place="Invoice/S1/I1",
        amount=Money(amount=Decimal("2.5")),
    )  # fmt: skip
    open_ = []
    for amount in ("12.5", "13"):
        there = EntriesView("erp", [entry(1, amount)])
        here.take(await compare(EntriesView("us", [entry(1)]), there, "Invoice", "2026-11", NOON))
        here.take(seen)
        open_.append([one.type for one in here.decide("reconciliation:erp/Invoice/2026-11").findings])

    assert open_ == [[], ["drift_amount"]]


def test_the_same_amount_has_one_text() -> None:
    assert [exact(Decimal(one)) for one in ("10.00", "1E+1", "0.50", "-0.00", "100")] == ["10", "10", "0.5", "0", "100"]
