"""The connector contract of `window`; and that each document is summed exactly once, whatever happens when."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.connectors.window.settings import WindowSourceSettings
from engine.connectors.window.source import WindowSource
from engine.core.errors import ConfigurationError, StoreError
from engine.core.ids import id_text
from engine.ports.connector import ConnectorContext, Received
from engine.ports.journal import NewDocument
from engine.store.open import Store
from tests.support.connector_contract import Answer, SourceHarness, source_contract
from tests.support.connector_doubles import Clock, Door, context
from tests.support.feed_double import FeedDouble
from tests.support.stores import CLOCK, Driver

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
USUAL: dict[str, Any] = {
    "channels": ["charges"],
    "kind": "Consumption",
    "every": "5m",
    "group_by": ["cost_center"],
    "sum": ["quantity", "extended"],
    "wait": "0s",
}


def line(amount: str = "1", cost: str = "2.50", unit: str = "EA", currency: str = "USD", **more: Any) -> dict[str, Any]:
    fields = {"quantity": {"amount": amount, "unit": unit}, "extended": {"amount": cost, "currency": currency}}
    return {"number": 1, "cost_center": "4010"} | fields | more


def body(*lines: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"consumption_number": "C-1", "facility": "MAIN", "lines": lines} | more).encode()


class Site:
    """A window over a feed in memory, with a clock that the test moves."""

    def __init__(self, folder: Path = Path(), **changed: Any) -> None:
        self.folder, self.settings = folder, USUAL | changed
        self.feed, self.door, self.clock = FeedDouble(), Door(), Clock(NOON)
        self.start()

    def start(self) -> None:
        """Also again, after a crash: nothing is remembered but the feed's places."""
        made = context(self.folder, channel="summary", services={"feed": self.feed}, clock=self.clock)
        self.source = WindowSource(WindowSourceSettings.model_validate(self.settings), made)

    def look(self) -> float:
        return asyncio.run(self.source.look(self.door))

    def charge(self, *lines: dict[str, Any], ago: float = 0, **more: Any) -> None:
        """`ago`: seconds that the commit is older than its place in the feed says."""
        self.feed.made(body(*(lines or (line(),)), **more), self.clock.now() - timedelta(seconds=ago))

    def later(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(one.body) for one in self.door.accepted]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.look()
    return made


def test_a_window_is_told_when_it_has_ended(site: Site) -> None:
    site.charge(line("1", "2.50"), line("2", "0.10"))
    site.later(minutes=4, seconds=59)
    site.charge(line("0.5", "100.00"))
    early = site.look()
    assert site.told == []
    site.later(seconds=1)
    site.look()

    (told,) = site.told
    assert early == 1.0
    assert told["window"] == {
        "start": "2026-03-02T12:00:00+00:00",
        "end": "2026-03-02T12:05:00+00:00",
        "zone": "UTC",
        "late": False,
    }
    assert told["group"] == {"cost_center": "4010"}
    assert told["sums"] == {
        "quantity": {"amount": "3.5", "unit": "EA"},
        "extended": {"amount": "102.60", "unit": "USD"},
    }
    assert (told["count"], [one["entries"] for one in told["documents"]]) == (3, [[1, 2], [1]])


def test_empty_windows_tell_nothing(site: Site) -> None:
    for _ in range(3):
        site.later(minutes=5)
        site.look()

    assert site.told == []


def test_units_and_currencies_are_never_mixed(site: Site) -> None:
    site.charge(line(), line(unit="BX"), line(currency="EUR"), line(cost_center="4020"), line(cost_center=None))
    site.later(minutes=5)
    site.look()

    assert sorted(one["sums"]["quantity"]["amount"] for one in site.told) == ["1"] * 5
    assert Counter(one["sums"]["extended"]["unit"] for one in site.told) == {"USD": 4, "EUR": 1}


def test_what_has_no_amount_is_counted_as_such(site: Site) -> None:
    site.charge(line(), {"cost_center": "4010", "quantity": {"amount": "1", "unit": "EA"}}, line(cost="NaN"))
    site.later(minutes=5)
    site.look()

    assert [(one["count"], one["absent"]) for one in site.told] == [(1, {}), (2, {"extended": 2})]


def test_decimals_are_exact(site: Site) -> None:
    for _ in range(1000):
        site.charge(line("0.1", "0.001"))
    site.charge(line("1e50", "12345678901234567890123456789.01"))
    site.later(minutes=5)
    site.look()

    (told,) = site.told
    assert told["sums"]["quantity"]["amount"] == f"1{'0' * 47}100.0"
    assert told["sums"]["extended"]["amount"] == "12345678901234567890123456790.010"


def test_fields_of_the_document_group_its_entries(tmp_path: Path) -> None:
    site = Site(tmp_path, group_by=["facility", "cost_center"], sum=["quantity.amount"])
    site.look()
    site.charge(line(), line(unit="BX"))
    site.later(minutes=5)
    site.look()

    assert [one["group"]["facility"] for one in site.told] == ["MAIN", "MAIN"]
    assert sorted(one["sums"]["quantity.amount"]["unit"] for one in site.told) == ["BX", "EA"]


def test_by_value_large_entries_stand_alone(tmp_path: Path) -> None:
    site = Site(tmp_path, rule="value", line_from={"sum": "extended", "amount": "100"})
    site.look()
    site.charge(line(cost="100"), line(cost="99.99"), line(cost="250"), line(cost="0.01"))
    site.later(minutes=5)
    site.look()

    assert sorted((one["rule"], one["sums"]["extended"]["amount"]) for one in site.told) == [
        ("line", "100"),
        ("line", "250"),
        ("summary", "100.00"),
    ]


def test_a_repeated_document_other_kinds_and_other_channels_are_not_summed(site: Site) -> None:
    site.feed.made(body(line()), site.clock.now(), repeated=True)
    site.feed.made(body(line()), site.clock.now(), kind="Invoice")
    site.feed.made(body(line()), site.clock.now(), channel="other")
    site.later(minutes=5)
    site.look()

    assert site.told == []


@pytest.mark.parametrize("late", ["next", "own"])
def test_what_is_late_is_counted_once(late: str, tmp_path: Path) -> None:
    site = Site(tmp_path, late=late)
    site.look()
    site.charge(line("1"))
    site.later(minutes=5)
    site.look()
    site.charge(line("10"), ago=60)  # committed after its window was closed
    site.charge(line("100"))
    site.later(minutes=5)
    site.look()

    found = [
        (one["window"]["start"][11:16], one["window"]["late"], one["sums"]["quantity"]["amount"]) for one in site.told
    ]
    expected = {
        "next": [("12:00", False, "1"), ("12:05", False, "110")],
        "own": [("12:00", False, "1"), ("12:00", True, "10"), ("12:05", False, "100")],
    }
    assert found == expected[late]


def test_the_documents_own_time_tells_its_window(tmp_path: Path) -> None:
    site = Site(tmp_path, time="used_at", wait="2m")
    site.look()
    site.charge(line("1"), used_at="2026-03-02T12:00:30+00:00")
    site.later(minutes=6)
    site.charge(line("10"), used_at="2026-03-02T12:04:00+00:00")  # within the wait
    site.charge(line("100"), used_at="2026-03-02T13:04:00+00:00")  # of a time to come: when it was made
    site.later(minutes=1)
    site.look()
    site.later(minutes=5)
    site.look()

    assert [one["sums"]["quantity"]["amount"] for one in site.told] == ["11", "100"]


def test_windows_missed_while_nothing_ran_are_told_each(site: Site) -> None:
    for _ in range(3):
        site.charge()
        site.later(minutes=5)
    site.start()
    site.look()

    assert [one["window"]["start"][11:16] for one in site.told] == ["12:00", "12:05", "12:10"]


@pytest.mark.parametrize(
    ("zone", "every", "moment", "start", "end"),
    [
        ("America/New_York", "24h", "2026-03-08T12:00:00+00:00", "2026-03-08T05:00", "2026-03-09T04:00"),  # 23 h
        ("America/New_York", "24h", "2026-11-01T12:00:00+00:00", "2026-11-01T04:00", "2026-11-02T05:00"),  # 25 h
        ("America/New_York", "15m", "2026-11-01T05:50:00+00:00", "2026-11-01T05:45", "2026-11-01T06:00"),
        ("America/New_York", "15m", "2026-11-01T06:50:00+00:00", "2026-11-01T06:45", "2026-11-01T07:00"),
        ("America/New_York", "2h", "2026-03-08T06:30:00+00:00", "2026-03-08T05:00", "2026-03-08T07:00"),
        ("Asia/Kathmandu", "6h", "2026-03-02T12:00:00+00:00", "2026-03-02T06:15", "2026-03-02T12:15"),
    ],
)
def test_windows_follow_the_zone(zone: str, every: str, moment: str, start: str, end: str) -> None:
    grid = WindowSourceSettings.model_validate(USUAL | {"zone": zone, "every": every}).grid()
    window = grid.window_at(datetime.fromisoformat(moment))

    assert (window.start.isoformat()[:16], window.end.isoformat()[:16]) == (start, end)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana"]),
    st.sampled_from(["1m", "15m", "1h", "2h", "6h", "24h"]),
)
@settings(max_examples=60, deadline=None)
def test_windows_have_no_gap_and_no_overlap(naive: datetime, zone: str, every: str) -> None:
    grid = WindowSourceSettings.model_validate(USUAL | {"zone": zone, "every": every}).grid()
    moment = naive.replace(tzinfo=UTC)
    window = grid.window_at(moment)
    instant = timedelta(microseconds=1)

    assert window.start <= moment < window.end
    assert grid.window_at(window.start) == window == grid.window_at(window.end - instant)
    assert grid.window_at(window.end).start == window.end


# ------------------------------------------------------------------ exactly once
class CrashError(Exception):
    """The engine is gone."""


class Crashing(Door):
    """Takes so many messages, then the engine dies; what it took is durable."""

    left: int | None = None

    async def __call__(self, received: Received) -> Any:
        if self.left is not None:
            if self.left == 0:
                raise CrashError
            self.left -= 1
        return await super().__call__(received)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("charge"),
            st.integers(1, 10**6),
            st.sampled_from(["A", "B", None]),
            st.sampled_from([0, 0, 1, 70, 400, 4000]),
        ),
        st.tuples(st.just("later"), st.sampled_from([1, 20, 60, 200, 900])),
        st.tuples(st.just("look")),
        st.tuples(st.just("crash"), st.integers(0, 4)),
        st.tuples(st.just("store fails"), st.integers(1, 3)),
        st.tuples(st.just("restart")),
        st.tuples(st.just("every"), st.sampled_from(["1m", "5m", "15m"])),
    ),
    max_size=30,
)


@given(
    STEPS,
    st.sampled_from(["next", "own"]),
    st.sampled_from(["summary", "line", "value"]),
    st.sampled_from(["0s", "30s"]),
    st.sampled_from([None, "used_at"]),
)
@settings(max_examples=50, deadline=None)
def test_any_interleaving_sums_each_document_once(
    steps: list[tuple[Any, ...]], late: str, rule: str, wait: str, time: str | None
) -> None:
    line_from = {"sum": "extended", "amount": "5000"} if rule == "value" else None
    site = Site(every="1m", late=late, rule=rule, wait=wait, line_from=line_from, time=time)
    site.door = door = Crashing()
    site.look()
    charged: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for name, *values in steps:
        if name == "charge":
            cents, center, ago = values
            amount = Decimal(cents).scaleb(-2)
            charged[center] += amount
            used_at = (site.clock.now() - timedelta(seconds=ago * 2)).isoformat()
            site.charge(line("1", str(amount), cost_center=center), ago=ago, used_at=used_at)
        elif name == "later":
            site.later(seconds=values[0])
        elif name == "crash":
            door.left = values[0]
            _look_and_maybe_die(site)
            door.left = None
        elif name == "store fails":
            site.feed.fail_saves = values[0]
            site.look()
            site.feed.fail_saves = 0
        elif name == "every":
            site.settings = site.settings | {"every": values[0]}
            site.start()
        elif name == "restart":
            site.start()
        else:
            site.look()
    site.later(hours=1)
    site.look()
    site.later(hours=1)
    site.look()

    counted = Counter(one["message_id"] for told in site.told for one in told["documents"])
    assert counted == Counter(id_text(one.message_id) for one in site.feed.entries)
    summed: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for told in site.told:
        summed[told["group"]["cost_center"]] += Decimal(told["sums"]["extended"]["amount"])
    assert summed == charged


def _look_and_maybe_die(site: Site) -> None:
    try:
        site.look()
    except CrashError:
        site.start()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """The feed's own tests go over every store."""
    return f"sqlite:///{tmp_path}/journal.db"


async def test_over_a_real_journal_a_replay_is_not_summed_again(store: Store, drive: Driver, tmp_path: Path) -> None:
    clock, door = Clock(CLOCK.now()), Door()
    made = context(tmp_path, channel="summary", services={"feed": store.feed}, clock=clock)
    window = WindowSource(WindowSourceSettings.model_validate(USUAL | {"channels": ["orders"]}), made)
    await window.look(door)
    document = NewDocument(0, body(line("2", "5.00")), "Consumption", "C-1")
    first = await drive.append()
    await drive.finishing(drive.outcome(first.message_id, "erp", document=document))
    again = await drive.append(parent_id=first.message_id, attributes={"origin": id_text(first.message_id)})
    await drive.finishing(drive.outcome(again.message_id, "erp", document=document))
    clock.advance(timedelta(minutes=10))
    await window.look(door)
    clock.advance(timedelta(minutes=10))
    await window.look(door)

    (told,) = (json.loads(one.body) for one in door.accepted)
    assert told["sums"]["extended"] == {"amount": "5.00", "unit": "USD"}
    assert [one["message_id"] for one in told["documents"]] == [id_text(first.message_id)]
    assert (await store.feed.open("summary", ("orders",))).number == 2


# ------------------------------------------------------------------ settings and the kit
@pytest.mark.parametrize(
    "change",
    [
        {"every": "7m"},
        {"every": "1s"},
        {"every": "48h"},
        {"kind": "Bill"},
        {"zone": "Mars/Base"},
        {"sum": []},
        {"rule": "value"},
        {"line_from": {"sum": "extended", "amount": "1"}},
        {"rule": "value", "line_from": {"sum": "other", "amount": "1"}},
        {"wait": "25h"},
        {"channels": []},
    ],
)
def test_settings_that_cannot_mean_anything_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WindowSourceSettings.model_validate(USUAL | change)


def test_a_window_does_not_sum_itself(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="its own"):
        WindowSource(WindowSourceSettings.model_validate(USUAL), context(tmp_path, channel="charges"))


def test_a_journal_that_refuses_loses_nothing(site: Site) -> None:
    site.charge()
    site.later(minutes=5)
    site.door.failure = StoreError("the disk is gone")
    pause = site.look()
    assert not asyncio.run(site.source.check()).ok
    site.door.failure = None
    site.look()

    assert pause == 1.0
    assert len(site.told) == 1


class Charges:
    """Something is charged; then its window ends."""

    def __init__(self, harness: WindowHarness) -> None:
        self.harness = harness

    async def send(self, body_: bytes) -> Answer:
        harness = self.harness
        stored, asked = len(harness.door.stored), harness.door.asked
        while "under_test" not in harness.feed.places:
            await asyncio.sleep(0.01)
        harness.feed.made(body(line()), harness.clock.now())
        harness.clock.advance(timedelta(minutes=1))
        while len(harness.door.stored) == stored:
            await asyncio.sleep(0.01)
            if harness.door.failure is not None and harness.door.asked > asked:
                return Answer.SILENT
        return Answer.ACCEPTED

    async def close(self) -> None:
        """Nothing is held."""


_NO_PEER = "its peer is the journal: there is no connection, and its ids are its own"


class WindowHarness(SourceHarness):
    type = "window"
    exempt = dict.fromkeys(("repeat", "conflict", "oversize", "protocol", "tls", "store_failure"), _NO_PEER)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.feed, self.clock = FeedDouble(), Clock(NOON)

    def settings(self) -> dict[str, Any]:
        return USUAL | {"every": "1m"}

    def context(self) -> ConnectorContext:
        return context(self.folder, services={"feed": self.feed}, clock=self.clock)

    async def connect(self) -> Charges:
        return Charges(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return b""


TestWindowContract = source_contract(WindowHarness)
