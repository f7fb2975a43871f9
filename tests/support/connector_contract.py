"""The contract tests that every connector passes, given a harness in one line.

    class MllpHarness(SourceHarness):
        type = "hl7v2_mllp"
        ...

    TestMllpSourceContract = source_contract(MllpHarness)
    TestMllpDestinationContract = destination_contract(MllpSinkHarness)

A harness knows how to set the connector and how its far side behaves; the kit knows the rules:

source – unknown settings are refused without showing their values; every setting is described; the peer is
told only after the message is durable; the same key sent twice acts once, with another body it is a conflict;
a store that fails stores nothing and the peer may try again; an oversize message is refused; a peer that
breaks the protocol loses its own connection and no other; cancel leaves no task, no open file, no socket;
TLS certificates are renewed without a restart.

destination – settings as above; a delivery arrives; the same key sent twice acts once (when it says that it is
idempotent); a far side that is down is a TransportError with `sent` false; one that refuses is a
DestinationError; `check()` tells both; a cancelled send and `close()` leave nothing behind.

A rule that does not apply is left out in the harness by a word of its test's name, with the reason:
`exempt = {"oversize": "a clock sends no bodies"}`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ValidationError

from engine.connectors.catalog import CATALOG
from engine.core.errors import DestinationError, StoreError, TransportError
from engine.ports.connector import Destination, Semantics, Source
from tests.support.certificates import Authority
from tests.support.connector_doubles import Door
from tests.support.connector_harness import (
    LIMIT,
    PATIENCE,
    Answer,
    DestinationHarness,
    Peer,
    SourceHarness,
    connect_when_up,
    shown_serial,
)

CANARY = "CANARY-9d81-VALUE"

__all__ = [
    "LIMIT",
    "PATIENCE",
    "Answer",
    "DestinationHarness",
    "Door",
    "Peer",
    "SourceHarness",
    "connect_when_up",
    "destination_contract",
    "source_contract",
]


def source_contract(harness: type[SourceHarness]) -> type:
    """The class of contract tests for this source; bind it to a name that begins with `Test`."""

    class SourceContract(_SourceContract):
        make = harness

    _leave_out(SourceContract, harness.exempt)
    return SourceContract


def destination_contract(harness: type[DestinationHarness]) -> type:
    class DestinationContract(_DestinationContract):
        make = harness

    _leave_out(DestinationContract, harness.exempt)
    return DestinationContract


# ------------------------------------------------------------------ settings
def check_settings(model: type[BaseModel], settings: dict[str, Any]) -> None:
    """Unknown keys are refused and values stay out of the error."""
    model.model_validate(settings)
    with pytest.raises(ValidationError) as caught:
        model.model_validate({**settings, "unknown_setting": CANARY})

    assert "unknown_setting" in str(caught.value)
    assert CANARY not in str(caught.value)


def undescribed(model: type[BaseModel], seen: frozenset[type] = frozenset()) -> list[str]:
    """Fields without a description, also in nested models; required ones also need an example unless limited."""
    missing = []
    for name, field in model.model_fields.items():
        place = f"{model.__name__}.{name}"
        if not (field.description or "").strip():
            missing.append(f"{place}: description")
        for nested in _models(field.annotation):
            if nested not in seen:
                missing += undescribed(nested, seen | {model})
    return missing


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models(part)]


# ------------------------------------------------------------------ sources
class _SourceContract:
    make: ClassVar[type[SourceHarness]]

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SourceHarness:
        return self.make(tmp_path)

    def test_settings_refuse_unknown_keys_without_showing_values(self, harness: SourceHarness) -> None:
        check_settings(CATALOG.sources[harness.type].load(), harness.settings())

    def test_settings_are_all_described(self, harness: SourceHarness) -> None:
        assert undescribed(CATALOG.sources[harness.type].load()) == []

    async def test_durable_peer_is_told_only_after_the_commit(self, harness: SourceHarness) -> None:
        harness.door.open.clear()
        async with _running(harness):
            peer = await harness.connect()
            telling = asyncio.ensure_future(peer.send(harness.message("key-1")))
            await _until(lambda: harness.door.asked >= 1)
            early, _ = await asyncio.wait({telling}, timeout=0.05)
            harness.door.open.set()
            answer = await asyncio.wait_for(telling, PATIENCE)
            await peer.close()

        assert not early
        assert answer is Answer.ACCEPTED

    async def test_repeat_with_the_same_key_acts_once(self, harness: SourceHarness) -> None:
        async with _running(harness):
            peer = await harness.connect()
            answers = [await _told(peer, harness.message("key-1")) for _ in range(3)]
            await peer.close()

        assert answers == [Answer.ACCEPTED] * 3
        assert len(harness.door.accepted) == 1

    async def test_conflict_another_body_under_the_same_key_is_refused(self, harness: SourceHarness) -> None:
        async with _running(harness):
            peer = await harness.connect()
            await _told(peer, harness.message("key-1", "one"))
            answer = await _told(peer, harness.message("key-1", "two"))
            await peer.close()

        assert answer is Answer.REFUSED
        assert len(harness.door.accepted) == 1

    async def test_store_failure_lets_the_peer_try_again(self, harness: SourceHarness) -> None:
        harness.door.failure = StoreError("the disk is gone")
        async with _running(harness):
            peer = await harness.connect()
            first = await _told(peer, harness.message("key-1"))
            harness.door.failure = None
            second = await _told(peer, harness.message("key-1"))
            await peer.close()

        assert first in (Answer.AGAIN, Answer.SILENT)
        assert second is Answer.ACCEPTED
        assert len(harness.door.accepted) == 1

    async def test_oversize_message_is_refused_and_costs_no_other(self, harness: SourceHarness) -> None:
        async with _running(harness):
            bystander, giant = await harness.connect(), await harness.connect()
            answer = await _told(giant, harness.message("key-1", size=LIMIT * 4))
            after = await _told(bystander, harness.message("key-2"))
            await asyncio.gather(bystander.close(), giant.close())

        assert answer in (Answer.REFUSED, Answer.SILENT)
        assert after is Answer.ACCEPTED
        assert len(harness.door.accepted) == 1

    async def test_protocol_break_loses_only_its_own_connection(self, harness: SourceHarness) -> None:
        async with _running(harness) as task:
            bystander = await harness.connect()
            await asyncio.wait_for(harness.break_protocol(), PATIENCE)
            after = await _told(bystander, harness.message("key-1"))
            await bystander.close()
            alive = not task.done()

        assert alive
        assert after is Answer.ACCEPTED

    async def test_cancel_leaves_no_task_and_no_open_file(self, harness: SourceHarness) -> None:
        before = _held_resources()
        async with _running(harness):
            peer = await harness.connect()
            await _told(peer, harness.message("key-1"))
        await peer.close()

        await _until_left(before)

    async def test_cancel_with_a_message_under_way_leaves_nothing(self, harness: SourceHarness) -> None:
        before = _held_resources()
        harness.door.open.clear()
        async with _running(harness):
            peer = await harness.connect()
            telling = asyncio.ensure_future(peer.send(harness.message("key-1")))
            await _until(lambda: harness.door.asked >= 1)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await peer.close()
        harness.door.open.set()  # the journal's own work goes on without the source

        await _until_left(before)

    async def test_tls_certificate_is_renewed_without_a_restart(self, harness: SourceHarness) -> None:
        authority, certificate, key = Authority(), harness.folder / "server.pem", harness.folder / "server.key"
        first = authority.issue(certificate, key)
        settings = harness.settings() | harness.tls_settings("server.pem", "server.key")
        async with _running(harness, settings):
            shown_first = await _until_serial(harness.port, first)
            second = authority.issue(certificate, key)
            shown_second = await _until_serial(harness.port, second)

        assert (shown_first, shown_second) == (first, second)


@asynccontextmanager
async def _running(harness: SourceHarness, settings: dict[str, Any] | None = None) -> AsyncIterator[asyncio.Task[None]]:
    entry = CATALOG.sources[harness.type]
    source = entry.build(entry.load().model_validate(settings or harness.settings()), harness.context())
    task = asyncio.ensure_future(_run(source, harness.door))
    try:
        yield task
    finally:
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
    if isinstance(outcome, Exception):
        raise outcome


async def _run(source: Any, door: Door) -> None:
    serving: Source = source
    await serving.run(door)


async def _told(peer: Peer, body: bytes) -> Answer:
    return await asyncio.wait_for(peer.send(body), PATIENCE)


# ------------------------------------------------------------------ destinations
class _DestinationContract:
    make: ClassVar[type[DestinationHarness]]

    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[DestinationHarness]:
        harness = self.make(tmp_path)
        yield harness
        await harness.stop()

    def test_settings_refuse_unknown_keys_without_showing_values(self, harness: DestinationHarness) -> None:
        check_settings(CATALOG.destinations[harness.type].load(), harness.settings())

    def test_settings_are_all_described(self, harness: DestinationHarness) -> None:
        assert undescribed(CATALOG.destinations[harness.type].load()) == []

    async def test_delivery_arrives(self, harness: DestinationHarness) -> None:
        await harness.start()
        async with _built(harness) as destination:
            await destination.send(harness.outbound())

        assert len(harness.effects()) == 1

    async def test_repeat_with_the_same_key_acts_once(self, harness: DestinationHarness) -> None:
        await harness.start()
        async with _built(harness) as destination:
            if destination.semantics is not Semantics.IDEMPOTENT:
                pytest.skip(f"says of itself that it is {destination.semantics}: the flow never sends twice blindly")
            for _ in range(3):
                await destination.send(harness.outbound())
            await destination.send(harness.outbound("key-2"))

        assert len(harness.effects()) == 2

    async def test_down_far_side_is_a_transport_error_with_nothing_sent(self, harness: DestinationHarness) -> None:
        async with _built(harness) as destination:
            with pytest.raises(TransportError) as caught:
                await asyncio.wait_for(destination.send(harness.outbound()), PATIENCE)

        assert not caught.value.sent

    async def test_refused_delivery_is_a_destination_error_without_values(self, harness: DestinationHarness) -> None:
        await harness.start()
        harness.refuse()
        async with _built(harness) as destination:
            with pytest.raises(DestinationError) as caught:
                await destination.send(harness.outbound(body=_with_canary(harness)))

        assert CANARY not in str(caught.value)

    async def test_check_tells_up_from_down(self, harness: DestinationHarness) -> None:
        async with _built(harness) as destination:
            down = await destination.check()
            await harness.start()
            up = await destination.check()

        assert (down.ok, up.ok) == (False, True)

    async def test_hanging_cancelled_send_leaves_nothing(self, harness: DestinationHarness) -> None:
        await harness.start()
        before = _held_resources()
        harness.hang()
        async with _built(harness) as destination:
            sending = asyncio.ensure_future(destination.send(harness.outbound()))
            await asyncio.wait({sending}, timeout=0.1)
            sending.cancel()
            outcome = (await asyncio.gather(sending, return_exceptions=True))[0]
        await harness.stop()

        assert isinstance(outcome, asyncio.CancelledError)
        await _until_left(before)

    async def test_closed_destination_leaves_nothing(self, harness: DestinationHarness) -> None:
        before = _held_resources()
        await harness.start()
        async with _built(harness) as destination:
            await destination.send(harness.outbound())
        await harness.stop()

        await _until_left(before)


def _with_canary(harness: DestinationHarness) -> bytes:
    return harness.outbound().body + CANARY.encode()


@asynccontextmanager
async def _built(harness: DestinationHarness) -> AsyncIterator[Destination]:
    entry = CATALOG.destinations[harness.type]
    destination: Any = entry.build(entry.load().model_validate(harness.settings()), harness.context())
    try:
        yield destination
    finally:
        await destination.close()


# ------------------------------------------------------------------ small helps
def _leave_out(tests: type, exempt: dict[str, str]) -> None:
    """Raises ValueError when a word names no rule: a misspelt exemption would hide nothing and mislead."""
    names = [name for name in dir(tests) if name.startswith("test_")]
    for word in exempt:
        found = [name for name in names if word in name]
        if not found:
            raise ValueError(f"no rule of the contract is called {word!r}")
        for name in found:
            setattr(tests, name, None)


def _held_resources() -> tuple[int, int]:
    """Tasks besides this one, and open file descriptors."""
    return len(asyncio.all_tasks()) - 1, len(os.listdir("/proc/self/fd"))


def _fewer_or_same(before: tuple[int, int]) -> bool:
    """What an earlier test left behind may be collected meanwhile."""
    return all(now <= then for now, then in zip(_held_resources(), before, strict=True))


async def _until_left(before: tuple[int, int]) -> None:
    """Until no more is held than then; what is held is told when that does not come."""
    try:
        await _until(lambda: _fewer_or_same(before))
    except TimeoutError:
        files = [
            os.readlink(one)
            for one in map("/proc/self/fd/{}".format, os.listdir("/proc/self/fd"))
            if os.path.lexists(one)
        ]
        raise AssertionError(f"{before} before, {_held_resources()} now: {asyncio.all_tasks()} {files}") from None


async def _until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)


async def _until_serial(port: int, wanted: int) -> int:
    """The serial number that the listener shows, after `wanted` appeared or patience ended."""
    serial = -1
    for _ in range(int(PATIENCE / 0.1)):
        serial = await shown_serial(port)
        if serial == wanted:
            break
        await asyncio.sleep(0.1)
    return serial
