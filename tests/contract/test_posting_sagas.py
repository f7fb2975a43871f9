"""A plan of two systems over a real store: crashes between the steps, answers twice or late, and what people see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.canonical import CaseAction, CaseVerb, PostingResult
from engine.channel.load import load_site
from engine.channel.policies import Policies
from engine.channel.policy_postings import Postings
from engine.core.clock import SystemClock
from engine.core.errors import StoreError
from engine.ports.procure import CaseQuery
from engine.procure.desk.desk import Desk
from engine.procure.process import Process
from engine.store.open import Store, open_store
from tests.contract.test_process import invoice, order, receipt
from tests.support.connector_doubles import Clock

POLICIES = Policies(postings=load_site(Path(__file__).parents[2]).policies.postings)
AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
POST, ARCHIVE, UNDO = (f"{one}:S1/INV-1" for one in ("post_invoice", "archive_invoice", "undo_post_invoice"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """One kind of store is enough: test_records.py has all of them."""
    made = await open_store(f"sqlite:///{tmp_path}/isthmus.db", SystemClock())
    yield made
    await made.close()


def process(store: Store) -> Process:
    """As after a start: nothing is remembered but what is stored."""
    return Process(store.records, Clock(), lambda: POLICIES)


def answer(key: str, ok: bool = True, minutes: int = 0, system: str | None = None) -> PostingResult:
    command = key.partition(":")[0]
    return PostingResult(
        dossier="order:PO-1", command=command, system=system or ("archive" if "archive" in command else "erp"),
        subject_kind="Invoice", subject_key="S1/INV-1", ok=ok, answered_at=AT + timedelta(minutes=minutes),
        command_key=key, reference="7731" if ok else None, code=None if ok else "E1",
    )  # fmt: skip


async def commands(store: Store) -> list[str]:
    return [one.command.key for one in await store.records.given(0, (), 100)]


async def saga(store: Store) -> dict[str, Any]:
    state = msgspec.json.decode((await store.records.load("order:PO-1")).state)
    found: dict[str, Any] = state["postings"][POST]
    return found


@pytest.fixture
async def posted(store: Store) -> Store:
    for document in (order(), receipt(), invoice()):
        await process(store).take(document)
    assert await commands(store) == [POST]
    return store


async def test_the_next_system_is_asked_when_the_one_before_has_answered_and_once(posted: Store) -> None:
    for _ in range(3):  # told again after each start
        await process(posted).answered(answer(POST))

    assert await commands(posted) == [POST, ARCHIVE]
    await process(posted).answered(answer(ARCHIVE))
    assert (await saga(posted))["state"] == "posted"


async def test_a_later_refusal_takes_the_earlier_back_and_is_a_case(posted: Store) -> None:
    for one in (answer(POST), answer(ARCHIVE, ok=False)):
        await process(posted).answered(one)

    assert await commands(posted) == [POST, ARCHIVE, UNDO]
    (case,) = await posted.records.cases(CaseQuery())
    assert (case.type, case.facts["system"], case.facts["code"]) == ("posting_refused", "archive", "E1")

    await process(posted).answered(answer(UNDO))
    assert [one["state"] for one in (await saga(posted))["steps"]] == ["undone", "refused"]


async def test_what_cannot_be_taken_back_is_an_urgent_case(posted: Store) -> None:
    for one in (answer(POST), answer(ARCHIVE, ok=False), answer(UNDO, ok=False)):
        await process(posted).answered(one)

    (case,) = await posted.records.cases(CaseQuery())
    assert (case.type, case.rank >= 1000) == ("posting_half_done", True)
    assert (await saga(posted))["state"] == "stuck"


class Crashing:
    """Stops at a save, before or after it was written."""

    def __init__(self, inner: Any, *, written: bool) -> None:
        self._inner, self._written = inner, written

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._stopping(found) if name.startswith("save") else found

    def _stopping(self, save: Callable[..., Awaitable[bool]]) -> Callable[..., Awaitable[bool]]:
        async def stopping(*change: Any) -> bool:
            if self._written:
                await save(*change)
            raise StoreError("stopped here")

        return stopping


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("step", range(3))
async def test_a_crash_at_any_step_asks_for_each_command_once(posted: Store, step: int, written: bool) -> None:
    for number, one in enumerate((answer(POST), answer(ARCHIVE, ok=False), answer(UNDO))):
        if number == step:
            crashing = Crashing(posted.records, written=written)
            with pytest.raises(StoreError):
                await Process(crashing, Clock(), lambda: POLICIES).answered(one)
        await process(posted).answered(one)  # told again, as its sender does until it is taken

    assert await commands(posted) == [POST, ARCHIVE, UNDO]
    assert (await saga(posted))["state"] == "undone"


async def test_a_person_has_it_tried_again_and_old_answers_say_nothing_of_it(posted: Store) -> None:
    for one in (answer(POST), answer(ARCHIVE, ok=False), answer(UNDO)):
        await process(posted).answered(one)
    (case,) = await posted.records.cases(CaseQuery())
    action = CaseAction(
        action_number="1", case_id=case.case_id, dossier="order:PO-1", action=CaseVerb.REMATCH, who="ana", at=AT,
        reason="the image is there", case_type=case.type, place="Invoice/S1/INV-1",
    )  # fmt: skip

    await process(posted).take(action, who="ana")
    assert (await commands(posted))[3:] == [f"{POST}:try-2"]
    await process(posted).answered(answer(ARCHIVE, ok=False, minutes=9))  # late, of the first try
    await process(posted).answered(answer(f"{POST}:try-2", minutes=10))
    await process(posted).answered(answer(f"{ARCHIVE}:try-2", minutes=11))

    assert (await commands(posted))[3:] == [f"{POST}:try-2", f"{ARCHIVE}:try-2"]
    assert (await saga(posted))["state"] == "posted"
    assert await posted.records.cases(CaseQuery()) == []


async def test_what_is_done_after_all_when_the_rest_was_taken_back_is_half_done(posted: Store) -> None:
    for one in (answer(POST), answer(ARCHIVE, ok=False), answer(UNDO), answer(ARCHIVE, minutes=5)):
        await process(posted).answered(one)

    (case,) = await posted.records.cases(CaseQuery())
    assert case.type == "posting_half_done"
    assert [one["state"] for one in (await saga(posted))["steps"]] == ["undone", "done"]


async def test_the_page_of_the_order_shows_each_step(posted: Store) -> None:
    for one in (answer(POST), answer(ARCHIVE, ok=False)):
        await process(posted).answered(one)
    desk = Desk(posted.records, posted.record_search, process(posted), posted.audit, Clock(), lambda: None, None)

    view = await desk.order("PO-1", "ana")

    assert view is not None
    shown = [(one.title, one.state) for one in view.steps if one.stage == "posting"]
    assert shown[1:] == [
        ("post invoice at erp: undoing", "waiting"), ("archive invoice at archive: refused", "trouble")
    ]  # fmt: skip


async def test_without_a_plan_a_command_is_all_there_is(store: Store) -> None:
    plain = Process(store.records, Clock(), lambda: Policies(postings=Postings()))
    for document in (order(), receipt(), invoice()):
        await plain.take(document)
    await plain.answered(answer(POST))

    assert await commands(store) == [POST]
    assert (await saga(store))["state"] == "posted"
