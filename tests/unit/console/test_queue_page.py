"""The work queue as clerks use it: sorted, in pages, and many exceptions decided at once, each for itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from engine.api.app import build_app
from engine.console import pages
from engine.console.queue import MOST, PAGE, ordered
from engine.core.clock import to_micros
from engine.ports.accounts import Role
from engine.ports.p2p_operations import ref_of
from engine.ports.procure import Case, CaseQuery
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import NOW, OperationsDouble
from tests.support.p2p_double import CASE_REF, MemoryRecords
from tests.support.people import AuditDouble, enrol


def many(matters: MemoryRecords, count: int) -> None:
    """Of one large order: the more, the less important; every other one is about money, every third belongs north."""
    base = matters.dossiers["order:PO-4713"]
    cases = [
        Case(
            case_id=f"order:PO-4713#price_above_tolerance#OLYMPIC/9-1002:{n}", dossier="order:PO-4713",
            type="price_above_tolerance", state="open", title=f"The price of line {n} is above the tolerance",
            owner="buyer", rank=-n, facts={"line": n}, opened_micros=to_micros(NOW - timedelta(hours=n)),
            due_micros=None, amount=f"{n * 1000}.50" if n % 2 else None, currency="USD" if n % 2 else None,
            supplier="OLYMPIC", facility="HARBOR-MAIN" if n % 3 else "HARBOR-NORTH",
        )
        for n in range(1, count + 1)
    ]  # fmt: skip
    matters.dossiers["order:PO-4713"] = msgspec.structs.replace(base, cases=tuple(cases))


@pytest.fixture
def operations() -> OperationsDouble:
    made = OperationsDouble(1)
    many(made.matters, 250)
    return made


async def clerk(accounts: SqlAccounts, operations: OperationsDouble, role: Role, *facilities: str) -> AsgiClient:
    await enrol(accounts, "first.admin", Role.ADMIN)
    token = await enrol(accounts, "maria.lind", role, facilities)
    session = await accounts.session(token)
    assert session is not None
    app = build_app(operations, accounts, AuditDouble(), pages=pages())
    return AsgiClient(app, token, session.csrf)


def chosen(text: str) -> list[str]:
    return re.findall(r'name="case" value="([^"]+)"', text)


def titles(text: str) -> Sequence[str]:
    return re.findall(r'<th scope="row"><a href="/cases/[0-9a-f]{12}">([^<]+)</a>', text)


async def test_every_exception_stands_on_one_page_of_the_queue(
    accounts: SqlAccounts, operations: OperationsDouble
) -> None:
    viewer = await clerk(accounts, operations, Role.VIEWER)

    texts = [(await viewer.get(f"/cases?page={n}")).text for n in (1, 2, 3)]

    assert [len(titles(text)) for text in texts] == [PAGE, PAGE, 54]
    assert len(set(re.findall(r'<th scope="row"><a href="(/cases/[0-9a-f]{12})"', "".join(texts)))) == 254
    assert "Page 3 of 3, 254 exceptions" in texts[2]
    assert titles((await viewer.get("/cases?page=99")).text) == titles(texts[2])
    assert 'name="case"' not in texts[0], "a viewer decides nothing"


async def test_the_queue_is_sorted_by_a_column_both_ways_with_empty_ones_last(
    accounts: SqlAccounts, operations: OperationsDouble
) -> None:
    viewer = await clerk(accounts, operations, Role.VIEWER)

    down = (await viewer.get("/cases?sort=-amount&owner=buyer")).text
    up = (await viewer.get("/cases?sort=amount&owner=buyer")).text

    assert titles(down)[0] == "The price of line 249 is above the tolerance"
    assert titles(up)[0] == "The price of line 2 is above the tolerance"  # 24.50
    assert 'aria-sort="descending"><a class="sort" href="/cases?owner=buyer&amp;state=open&amp;sort=amount"' in down
    assert "249,000.50" in down
    rows = await operations.p2p.cases(CaseQuery(limit=MOST), "x")
    assert [row.amount is None for row in ordered(rows, "-amount")] == sorted(row.amount is None for row in rows)


async def test_many_are_decided_at_once_each_with_the_reason_and_what_is_not_allowed_stops_no_other(
    accounts: SqlAccounts, operations: OperationsDouble
) -> None:
    operator = await clerk(accounts, operations, Role.OPERATOR)
    of_page = chosen((await operator.get("/cases?sort=-amount")).text)
    stale = f"{CASE_REF}.{'0' * 16}"
    form = {
        "action": "hold",
        "reason": "price list of May",
        "case": [*of_page[:3], stale],
        "back": "/cases?sort=-amount",
    }

    sent = await operator.post_form("/cases/decide", form)
    text = (await operator.get(sent.headers["location"])).text

    taken = operations.matters.taken
    assert sent.headers["location"] == "/cases?sort=-amount"
    assert [(one.action.value, one.reason, one.who) for one in taken] == [
        ("hold", "price list of May", "maria.lind")
    ] * 3
    assert [ref_of(one.case_id) for one in taken] == [one.partition(".")[0] for one in of_page[:3]]
    assert "3 exceptions held." in text
    assert "1 exception not decided: The case has changed since it was shown" in text


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"action": "hold", "reason": " ", "case": ["x"]}, 400),
        ({"action": "split", "reason": "x", "case": ["x"]}, 303),
        ({"action": "hold", "reason": "x"}, 303),
        ({"action": "hold", "reason": "x", "case": ["nonsense"], "back": "https://elsewhere.example/"}, 303),
    ],
)
async def test_nothing_is_decided_without_reason_choice_or_a_decision_that_is_for_many(
    accounts: SqlAccounts, operations: OperationsDouble, form: dict[str, object], status: int
) -> None:
    operator = await clerk(accounts, operations, Role.OPERATOR)

    sent = await operator.post_form("/cases/decide", form)

    assert (sent.status, sent.headers.get("location", "/cases"), operations.matters.taken) == (status, "/cases", [])


async def test_exceptions_of_another_facility_are_not_decided_in_bulk(
    accounts: SqlAccounts, operations: OperationsDouble
) -> None:
    north = await clerk(accounts, operations, Role.OPERATOR, "HARBOR-NORTH")
    rows = await operations.p2p.cases(CaseQuery(limit=MOST), "x")
    form = {"action": "hold", "reason": "x", "case": [f"{row.ref}.{row.seen}" for row in rows[:PAGE]]}

    await north.post_form("/cases/decide", form)

    assert 0 < len(operations.matters.taken) < PAGE
    mine = {ref_of(one.case_id) for one in operations.matters.taken}
    assert {row.facility for row in rows if row.ref in mine} == {"HARBOR-NORTH"}


async def test_an_open_page_of_an_exception_is_told_when_somebody_else_closed_it(
    accounts: SqlAccounts, operations: OperationsDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.console.p2p._STANDS_FOR", -1.0)
    viewer = await clerk(accounts, operations, Role.VIEWER)
    before = (await viewer.get(f"/cases/{CASE_REF}/live")).json()
    kept = operations.matters.dossiers["order:PO-4711"]
    closed = tuple(msgspec.structs.replace(one, state="decided") for one in kept.cases)
    operations.matters.dossiers["order:PO-4711"] = msgspec.structs.replace(kept, cases=closed)

    after = (await viewer.get(f"/cases/{CASE_REF}/live")).json()

    assert before["shape"] != after["shape"]
    assert (after["who"], after["csrf"]) == ("maria.lind", viewer.csrf)
    assert (await viewer.get("/cases/000000000000/live")).status == 404
