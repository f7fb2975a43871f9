"""The connector contract of `http_poll`, and what servers say besides: pages, cursors, not changed, not now."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.connectors.poll.settings import HttpPollSettings
from engine.connectors.poll.source import HttpPollSource
from engine.core.clock import SystemClock
from engine.core.errors import StoreError
from engine.ports.connector import ConnectorContext
from tests.support.asked_server import Answered, Asked, AskedServer
from tests.support.connector_contract import LIMIT, Answer, Door, SourceHarness, source_contract
from tests.support.connector_doubles import Clock, Secrets, context
from tests.support.waiting import until


class Publisher:
    """Has one element in its list, and watches until it was asked for it and once more."""

    def __init__(self, harness: PollHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        harness, door = self.harness, self.harness.door
        asked, stored = door.asked, len(door.stored)
        harness.body = b"[" + body + b"]"
        looks = len(harness.server.asked)
        while len(harness.server.asked) < looks + 2:
            await asyncio.sleep(0.005)
            if door.failure is not None and door.asked > asked:
                return Answer.SILENT
        if harness.source_problem(body):
            return Answer.SILENT
        if len(door.stored) == stored and door.asked > asked and body not in [one.body for one in door.stored]:
            return Answer.REFUSED
        return Answer.ACCEPTED

    async def close(self) -> None:
        """The last one takes the server along."""
        if self.harness.started:
            self.harness.started = False
            await self.harness.server.stop()


class PollHarness(SourceHarness):
    type = "http_poll"
    exempt = {"tls": "a client: it shows no certificate"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server, self.body = AskedServer(lambda asked: Answered(self.body)), b"[]"
        self.started = False

    def settings(self) -> dict[str, Any]:
        return {
            "url": f"http://127.0.0.1:{self.port}/list",
            "every": "1s",
            "items": "",
            "id": "/id",
            "max_size": f"{LIMIT}B",
        }

    def context(self) -> ConnectorContext:
        return context(self.folder, clock=Hurried())

    async def connect(self) -> Publisher:
        if not self.started:
            self.started = True
            await self.server.start(self.port)
        return Publisher(self)

    def source_problem(self, body: bytes) -> bool:
        return len(body) > LIMIT

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return json.dumps({"id": key, "text": text.ljust(size, ".")}).encode()

    async def break_protocol(self) -> None:
        """Answers that are none."""
        for body in (b"<html>", b'{"a": 1', b'{"not": "a list"}', b"[" * 5000, b"\xff\xfe"):
            self.body, looks = body, len(self.server.asked)
            while len(self.server.asked) < looks + 2:
                await asyncio.sleep(0.005)


class Hurried(SystemClock):
    """Each look at the clock is a second later: what is due every second is due at once."""

    def __init__(self) -> None:
        self.looks = 0

    def now(self) -> Any:
        self.looks += 1
        return super().now() + timedelta(seconds=self.looks)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.connectors.poll.source._FIRST_PAUSE", 0.01)
    monkeypatch.setattr("engine.connectors.poll.source._LONGEST_PAUSE", 0.05)
    monkeypatch.setattr("engine.connectors.poll.source._LOOK_AT_LEAST_EVERY", 0.01)


TestHttpPollContract = source_contract(PollHarness)


# ------------------------------------------------------------------ what is asked, what is taken
ITEMS = {"every": "1m", "items": "/list", "id": "/id", "version": "/at"}


def source(server: AskedServer, folder: Path, secrets: dict[str, str] | None = None, **settings: Any) -> HttpPollSource:
    given = HttpPollSettings.model_validate({"url": f"{server.url}/v2/list", **settings})
    return HttpPollSource(given, context(folder, secrets=Secrets(secrets)))


async def look(given: HttpPollSource, door: Door) -> None:
    assert await given.look(door), given.problem
    await given._asker.close()


def told(*items: Any, **further: Any) -> Answered:
    return Answered(json.dumps({"list": list(items), **further}).encode())


def item(number: int, at: str = "2026-03-01T10:00:00Z") -> dict[str, Any]:
    return {"id": number, "at": at}


async def test_element_is_taken_as_it_was_written(tmp_path: Path) -> None:
    written = b'{ "id":7,"weight": 1.10,   "count": 12345678901234567890.00 }'
    door = Door()
    async with AskedServer(lambda asked: Answered(b'{"list": [' + written + b"]}")) as server:
        await look(source(server, tmp_path, every="1m", items="/list", id="/id"), door)

    assert [(one.body, one.natural_id) for one in door.stored] == [(written, "7")]
    assert door.stored[0].attributes["url"] == f"{server.url}/v2/list"


async def test_cursor_is_remembered_and_overlap_is_asked_again(tmp_path: Path) -> None:
    door, cursor = Door(), {"parameter": "since", "value": "/at", "start": "2026-01-01T00:00:00Z", "overlap": "10m"}
    answers = [
        told(item(2, "2026-03-01T11:00:00Z"), item(1)),
        told(item(2, "2026-03-01T11:00:00Z"), item(3, "2026-03-01T10:55:00Z")),
        told(),
    ]
    async with AskedServer(lambda asked: answers.pop(0)) as server:
        for _ in range(3):
            await look(source(server, tmp_path, **ITEMS, cursor=cursor), door)

    assert [asked.query["since"] for asked in server.asked] == ["2026-01-01T00:00:00Z", *["2026-03-01T10:50:00Z"] * 2]
    assert door.asked == 3  # what is read again is known, also after a restart


async def test_cursor_stays_where_it_was_until_all_of_a_look_is_safe(tmp_path: Path) -> None:
    door, cursor = Door(), {"parameter": "since", "value": "/id", "start": "0"}

    def answer(asked: Asked) -> Answered:
        return told(item(9)) if asked.query.get("page") == "2" else told(item(5), next="2")

    async with AskedServer(answer) as server:
        given = source(server, tmp_path, **ITEMS, cursor=cursor, next="/next", next_parameter="page")
        real = given._asker.page

        async def broken(url: str, validators: dict[str, str]) -> Any:
            if "page=2" in url:
                door.failure = StoreError("gone")
            return await real(url, validators)

        given._asker.page = broken  # type: ignore[method-assign]
        first = await given.look(door)
        door.failure = None
        given._asker.page = real  # type: ignore[method-assign]
        await look(given, door)
        await look(source(server, tmp_path, **ITEMS, cursor=cursor), door)

    assert not first
    assert [asked.query["since"] for asked in server.asked] == ["0", "0", "0", "0", "9"]
    assert len(door.accepted) == 2


async def test_pages_are_followed_by_the_link_header_at_the_same_server_only(tmp_path: Path) -> None:
    door = Door()
    elsewhere = ['</v2/list?page=9>; rel=prev, <?page=2>; rel="last next"', "<http://evil.example/>;rel=next"]

    def answer(asked: Asked) -> Answered:
        at = int(asked.query.get("page", "1"))
        return told(item(at))._replace(headers=(f"Link: {elsewhere[at - 1]}",))

    async with AskedServer(answer) as server:
        given = source(server, tmp_path, **ITEMS, next="link", bearer="env:T", secrets={"env:T": "token"})
        good = await given.look(door)
        await given._asker.close()

    assert (good, len(server.asked), len(door.accepted)) == (False, 2, 2)
    assert given.problem is not None
    assert "another server" in given.problem


@pytest.mark.parametrize(
    "following", ["/v2/list?page=1", "//127.0.0.2/v2", "https://127.0.0.1/v2", "file:///etc/passwd"]
)
async def test_next_page_that_leads_round_or_away_ends_the_look(tmp_path: Path, following: str) -> None:
    async with AskedServer(lambda asked: told(item(1), next=following)) as server:
        given = source(server, tmp_path, **ITEMS, next="/next")
        assert not await given.look(Door())
        await given._asker.close()

    assert len(server.asked) <= 2


async def test_answer_that_has_not_changed_costs_nothing_and_is_known_after_a_restart(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answered:
        if asked.headers.get("if-none-match") == '"one"' and "if-modified-since" in asked.headers:
            return Answered(b"", "304 Not Modified")
        stamp = "Last-Modified: Sun, 01 Mar 2026 10:00:00 GMT"
        return told(item(1))._replace(headers=('ETag: "one"', stamp))

    door = Door()
    async with AskedServer(answer) as server:
        for _ in range(3):
            await look(source(server, tmp_path, **ITEMS), door)

    assert [asked.headers.get("if-none-match") for asked in server.asked] == [None, '"one"', '"one"']
    assert door.asked == 1


async def test_whole_answer_is_a_message_each_time_that_it_is_another_one(tmp_path: Path) -> None:
    door, answers = Door(), [b"5", b"5", b"4", b"5", b"5", b"4"]
    async with AskedServer(lambda asked: Answered(answers.pop(0))) as server:
        for _ in range(6):
            await look(source(server, tmp_path, every="1m"), door)

    assert [one.body for one in door.accepted] == [b"5", b"4", b"5", b"4"]


async def test_changed_element_is_a_message_of_its_own_and_one_without_id_is_refused(tmp_path: Path) -> None:
    door, answers = Door(), [told(item(1)), told(item(1, "later"), {"at": "x"})]
    async with AskedServer(lambda asked: answers.pop(0)) as server:
        for _ in range(2):
            await look(source(server, tmp_path, **ITEMS), door)

    assert [one.natural_id for one in door.accepted] == ["1@2026-03-01T10:00:00Z", "1@later"]
    assert [one.refusal.code for one in door.stored if one.refusal] == ["F002"]


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_busy_server_is_asked_again_when_it_says(tmp_path: Path, status: str) -> None:
    async with AskedServer(lambda asked: Answered(b"", status, ("Retry-After: 700",))) as server:
        given = source(server, tmp_path, **ITEMS)
        good = await given.look(Door())
        given._told(good)
        await given._asker.close()

    assert (good, given._pause()) == (False, 700.0)


async def test_redirect_is_not_followed(tmp_path: Path) -> None:
    async with AskedServer(lambda asked: Answered(b"", "302 Found", ("Location: /elsewhere",))) as server:
        given = source(server, tmp_path, **ITEMS)
        assert not await given.look(Door())
        await given._asker.close()

    assert len(server.asked) == 1


async def test_token_is_asked_for_once_and_anew_when_it_is_not_taken(tmp_path: Path) -> None:
    tokens = ["first", "second"]

    def answer(asked: Asked) -> Answered:
        if asked.path == "/token":
            return Answered(json.dumps({"access_token": tokens.pop(0), "expires_in": 3600}).encode())
        good = asked.headers["authorization"] == "Bearer second"
        return told(item(1)) if good else Answered(b"", "401 Unauthorized")

    door = Door()
    async with AskedServer(answer) as server:
        oauth2 = {"token_url": f"{server.url}/token", "client_id": "harbor", "client_secret": "env:S", "scope": "read"}
        given = source(server, tmp_path, **ITEMS, oauth2=oauth2, secrets={"env:S": "secret"})
        looks = [await given.look(door) for _ in range(3)]
        await given._asker.close()

    assert looks == [False, True, True]
    assert [asked.path for asked in server.asked].count("/token") == 2


async def test_secret_parameter_goes_to_the_server_and_nowhere_else(tmp_path: Path) -> None:
    door = Door()
    async with AskedServer(lambda asked: told(item(1))) as server:
        given = source(server, tmp_path, **ITEMS, parameters={"key": "env:K", "a": "b c&d"}, secrets={"env:K": "hush"})
        await look(given, door)

    assert server.asked[0].query == {"key": "hush", "a": "b c&d"}
    assert "hush" not in str(door.stored[0])
    assert not [path for path in tmp_path.rglob("*.json") if "hush" in path.read_text()]


async def test_metadata_service_is_never_asked(tmp_path: Path) -> None:
    given = HttpPollSettings.model_validate({"url": "http://169.254.169.254/latest", "every": "1m"})
    poll = HttpPollSource(given, context(tmp_path))
    assert not await poll.look(Door())
    await poll._asker.close()

    assert poll.problem is not None
    assert poll.problem.startswith("T004")


async def test_first_look_is_at_the_start_and_the_next_when_it_is_due(tmp_path: Path) -> None:
    clock = Clock()
    async with AskedServer(lambda asked: told()) as server:
        given = HttpPollSettings.model_validate({"url": server.url, **ITEMS} | {"every": "10m"})
        running = asyncio.ensure_future(HttpPollSource(given, context(tmp_path, clock=clock)).run(Door()))
        counts = []
        for wait, looks in ((timedelta(0), 1), (timedelta(minutes=9), 1), (timedelta(minutes=1), 2)):
            clock.advance(wait)
            await until(lambda looks=looks: len(server.asked) >= looks)  # type: ignore[misc]
            await asyncio.sleep(0.1)  # one too many would come at once
            counts.append(len(server.asked))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert counts == [1, 1, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://api.carrier.example", "bearer": "env:T"},
        {"url": "http://api.carrier.example", "parameters": {"key": "env:T"}},
        {"url": "https://user:pass@api.carrier.example"},
        {"url": "ftp://api.carrier.example"},
        {"every": None},
        {"every": "1m", "cron": "* * * * *"},
        {"items": None},
        {"id": None, "version": "/v"},
        {"id": "number"},
        {"next_parameter": "page"},
        {"next": "elsewhere"},
        {"bearer": "env:T", "basic": {"user": "u", "password": "env:P"}},
        {"headers": {"Authorization": "env:T"}},
    ],
)
def test_settings_that_would_go_wrong_are_refused(wrong: dict[str, Any]) -> None:
    usual = {"url": "https://api.carrier.example", "every": "1m", "items": "/list", "id": "/id"}
    HttpPollSettings.model_validate(usual)
    with pytest.raises(ValidationError):
        HttpPollSettings.model_validate(usual | wrong)
