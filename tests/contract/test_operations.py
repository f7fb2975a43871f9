"""What operators can ask of a running engine, on a real site with real files: nothing here is a double."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.app import Engine, running
from engine.core.errors import ConfigurationError, NotFoundError, OperationError
from engine.ports.journal import MessageRow, Query
from engine.ports.states import MessageState

CHANNEL = """
channel: {name}
version: 1
title: Orders from files to files
source:
  type: file
  format: json
  folder: in/{name}
  pattern: "*.json"
  poll: 20ms
  stable_for: 0s
index: {{order: number}}
transform: {script}
destinations:
  - {{name: out, type: file, folder: out/{name}, format: raw, send: message}}
"""
SCRIPT = '''"""Stamp an order."""

from engine.sdk import DocumentError, JsonMessage


def transform(message: JsonMessage) -> bytes:
    if message.get("number") == "BAD":
        raise DocumentError("not an order")
    return b"{stamp} " + message.require("number").encode()
'''


def write(root: Path, stamp: str = "one") -> None:
    for name in ("orders", "other"):
        path = root / "channels" / "flow" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CHANNEL.format(name=name, script="stamp" if name == "orders" else "plain"))
    (root / "transforms").mkdir(exist_ok=True)
    (root / "transforms" / "stamp.py").write_text(SCRIPT.replace("{stamp}", stamp))
    (root / "transforms" / "plain.py").write_text(SCRIPT.replace("{stamp}", "plain"))


class Desk:
    """A person at the engine."""

    def __init__(self, engine: Engine, root: Path) -> None:
        self.engine, self.root, self.ask = engine, root, engine.operations

    def drop(self, number: str, channel: str = "orders") -> None:
        """Put a file where the channel looks."""
        folder = self.root / "in" / channel
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f".{number}.tmp").write_text(json.dumps({"number": number}))
        (folder / f".{number}.tmp").rename(folder / f"{number}.json")

    async def find(self, number: str, state: MessageState) -> MessageRow:
        found: list[MessageRow] = []

        async def there() -> bool:
            nonlocal found
            query = Query(key=("order", number, False), states=[state])
            found = await self.ask.search(query, "pat")
            return bool(found)

        await until(there)
        return found[0]

    def out(self, channel: str = "orders") -> list[str]:
        folder = self.root / "out" / channel
        return sorted(p.read_text() for p in folder.iterdir() if not p.name.startswith(".")) if folder.exists() else []


async def until(what: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = what()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def desk(root: Path, **options: Any) -> Any:
    async with running(root, **options) as engine:
        yield Desk(engine, root)


async def test_search_view_and_audit(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        at.drop("A-17")
        row = await at.find("A-17", MessageState.DELIVERED)
        by_prefix = await at.ask.search(Query(key=("order", "A-", True)), "pat")
        view = await at.ask.view(row.message_id, "pat")
        records = await at.ask.audit_records(None, 10)

    assert [r.message_id for r in by_prefix] == [row.message_id]
    assert view.documents[0].body == b"one A-17"
    assert [(r["who"], r["action"]) for r in records][:2] == [("pat", "message.view"), ("pat", "message.search")]
    assert all("A-17" not in r["subject"] for r in records)


async def test_a_held_message_is_edited_and_goes_on_under_a_new_id(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        at.drop("BAD")
        held = await at.find("BAD", MessageState.HELD)
        successor = await at.ask.resend(held.message_id, "pat", "typing error", b'{"number": "A-18"}')
        await at.find("A-18", MessageState.DELIVERED)
        old = await at.ask.view(held.message_id, "pat")
        new = await at.ask.view(successor, "pat")

    assert held.reason is not None
    assert held.reason.where == "transforms/stamp.py:8"
    assert old.row.state is MessageState.SUPERSEDED
    assert new.row.parent_id == held.message_id
    assert new.row.correlation_id == old.row.correlation_id
    assert at.out() == ["one A-18"]


async def test_a_held_message_is_discarded_with_a_reason(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        at.drop("BAD")
        held = await at.find("BAD", MessageState.HELD)
        await at.ask.discard(held.message_id, "pat", "sent by mistake")
        view = await at.ask.view(held.message_id, "pat")
        with pytest.raises(OperationError, match="DISCARDED, not HELD"):
            await at.ask.discard(held.message_id, "pat", "again")

    assert view.row.state is MessageState.DISCARDED
    assert view.row.reason.text == "sent by mistake"


async def test_replay_is_planned_first_and_delivers_nothing_twice(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        for number in ("R-1", "R-2", "R-3"):
            at.drop(number)
        for number in ("R-1", "R-2", "R-3"):
            await at.find(number, MessageState.DELIVERED)
        plan = await at.ask.plan_replay(Query(channel="orders"), "pat")
        count = await at.ask.replay(plan.plan_id, "pat", "drill")
        for number in ("R-1", "R-2", "R-3"):
            await at.find(number, MessageState.TRANSFORMED)
        with pytest.raises(OperationError, match="no such replay plan"):
            await at.ask.replay(plan.plan_id, "pat", "twice")

    assert (plan.messages, plan.already_delivered, plan.duplicates, count) == (3, 3, 0, 3)
    assert plan.destinations == {"orders.out": 3}
    assert at.out() == ["one R-1", "one R-2", "one R-3"]


async def test_a_replay_plan_compares_with_another_revision(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        at.drop("C-1")
        await at.find("C-1", MessageState.DELIVERED)
        write(tmp_path, "two")
        await at.ask.deploy(["orders"], "pat", "stamp two")
        await at.ask.rollback("orders", 1, "pat", None)
        plan = await at.ask.plan_replay(Query(channel="orders"), "pat", revision=2)

    assert [change["change"] for change in plan.changes] == ["changed"]
    assert at.out() == ["one C-1"]


async def test_diff_deploy_history_rollback(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        assert {d.channel: d.change for d in await at.ask.diff()} == {"orders": "same", "other": "same"}
        write(tmp_path, "two")
        diff = {d.channel: d for d in await at.ask.diff()}
        rows = await at.ask.deploy([], "pat", "stamp two")
        at.drop("D-1")
        await at.find("D-1", MessageState.DELIVERED)
        back = await at.ask.rollback("orders", None, "pat", "not good")
        at.drop("D-2")
        await at.find("D-2", MessageState.DELIVERED)
        history = await at.ask.history("orders")

    assert diff["other"].change == "same"
    assert any("script changed" in effect for effect in diff["orders"].effects)
    assert [(r.channel, r.revision) for r in rows] == [("orders", 2)]
    assert back.revision == 1
    assert [(r.revision, r.deployed_by, r.active) for r in history] == [(2, "pat", False), (1, "first start", True)]
    assert at.out() == ["one D-2", "two D-1"]


async def test_deploying_one_channel_does_not_touch_another(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        other = at.engine.supervisor.runs["other"]
        source, task = other.source, other._source_task
        write(tmp_path, "two")
        await at.ask.deploy(["orders"], "pat", None)

        assert other.source is source
        assert other._source_task is task
        assert not task.done()


async def test_a_broken_site_is_not_deployed(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        path = tmp_path / "channels" / "flow" / "orders.yaml"
        path.write_text(path.read_text().replace("version: 1", "version: none"))
        with pytest.raises(ConfigurationError) as refused:
            await at.ask.deploy([], "pat", None)
        with pytest.raises(NotFoundError):
            await at.ask.set_channel("nowhere", "paused", "pat", None)
        history = await at.ask.history("orders")

    assert refused.value.where is not None
    assert refused.value.where.startswith("channels/flow/orders.yaml:3")
    assert len(history) == 1


async def test_pause_and_stop_survive_a_restart(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        await at.ask.set_channel("orders", "paused", "pat", "month end")
        await at.ask.set_channel("other", "stopped", "pat", None)
        at.drop("P-1")
        await until(lambda: not list((tmp_path / "in" / "orders").glob("*.json")))
    async with desk(tmp_path) as at:
        states = {c.name: c.state for c in (await at.ask.status()).channels}
        at.drop("P-2", "other")
        await asyncio.sleep(0.3)
        assert (at.out(), at.out("other")) == ([], [])
        await at.ask.set_channel("orders", "running", "pat", None)
        await at.ask.set_channel("other", "running", "pat", None)
        await until(lambda: at.out() == ["one P-1"] and at.out("other") == ["plain P-2"])

    assert states == {"orders": "paused", "other": "stopped"}


async def test_a_changed_site_is_told_and_not_taken_up_by_itself(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path):
        pass
    write(tmp_path, "two")
    async with desk(tmp_path) as at:
        notices = at.engine.supervisor.notices
        at.drop("N-1")
        await at.find("N-1", MessageState.DELIVERED)

    assert notices == ["orders differs on disk from its revision 1: see `isthmus diff`"]
    assert at.out() == ["one N-1"]


async def test_what_lint_calls_an_error_is_not_deployed_wherever_it_is_in_the_site(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        folder = tmp_path / "config" / "policies"
        folder.mkdir(parents=True)
        (folder / "exceptions.yaml").write_text("usual: accounts-payabel\n")
        (folder / "people.yaml").write_text("roles:\n  accounts-payable: {title: Accounts payable}\n")
        write(tmp_path, "two")
        with pytest.raises(ConfigurationError) as refused:
            await at.ask.deploy([], "pat", None)
        with pytest.raises(ConfigurationError):
            await at.ask.deploy(["orders"], "pat", None)
        known = {one.channel: one.revision for one in await at.ask.history(None)}

    assert "C131 there is no role 'accounts-payabel'" in str(refused.value)
    assert refused.value.where == "config/policies/exceptions.yaml:1:8"
    assert "did you mean 'accounts-payable'?" in str(refused.value.remedy)
    assert "nothing was deployed" in str(refused.value.remedy)
    assert known == {"orders": 1, "other": 1, "policies": 1}


async def test_policies_with_a_mistake_that_a_remark_allows_are_deployed(tmp_path: Path) -> None:
    write(tmp_path)
    async with desk(tmp_path) as at:
        folder = tmp_path / "config" / "policies"
        folder.mkdir(parents=True)
        (folder / "exceptions.yaml").write_text("usual: clerks   # lint: allow C131 the directory has them\n")
        (folder / "people.yaml").write_text("roles:\n  accounts-payable: {title: Accounts payable}\n")
        rows = await at.ask.deploy([], "pat", None)
        history = await at.ask.history("policies")
        with pytest.raises(NotFoundError) as unknown:
            await at.ask.deploy(["polices"], "pat", None)

    assert [(one.channel, one.revision) for one in rows] == [("policies", 2)]
    assert [(one.revision, one.active) for one in history] == [(2, True), (1, False)]  # newest first, as channels
    assert unknown.value.remedy == "did you mean 'policies'?"


async def test_an_engine_that_deploys_as_it_starts_does_not_start_with_what_lint_refuses(tmp_path: Path) -> None:
    write(tmp_path)
    folder = tmp_path / "config" / "policies"
    folder.mkdir(parents=True)
    (folder / "approvals.yaml").write_text("routes:\n  - {route: a, subjects: [order], above: 20}\n")

    with pytest.raises(ConfigurationError, match="C135 no route takes an order up to 20"):
        async with running(tmp_path, deploy_all=True):
            pass
    async with running(tmp_path) as engine:
        assert "orders" in engine.supervisor.runs
