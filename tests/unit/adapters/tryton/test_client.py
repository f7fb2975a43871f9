"""The client's errors say whether the ERP may have acted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from engine.adapters.tryton.client import PAGE, AiohttpTransport, TrytonClient
from engine.core.errors import TransportError


class Scripted:
    """Answers from a list; an exception in it is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.calls = list(answers), []

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        self.calls.append((method, url, dict(headers), body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return 200, {}, json.dumps(answer).encode()

    async def close(self) -> None:
        self.answers = []


def client_of(transport: Scripted) -> TrytonClient:
    return TrytonClient("http://erp.example/db/", "KEY", {"company": 1}, transport)


@pytest.mark.parametrize("fault", [aiohttp.ServerDisconnectedError(), TimeoutError(), ConnectionResetError()])
async def test_lost_answer_of_a_mutation_is_an_unknown_outcome(fault: Exception) -> None:
    client = client_of(Scripted(fault, fault))
    with pytest.raises(TransportError) as created:
        await client.create("party.party", {"name": "A"})
    with pytest.raises(TransportError) as read:
        await client.get("party.party", 1, ["name"])

    assert created.value.sent
    assert not read.value.sent


async def test_unreachable_erp_got_nothing() -> None:
    transport = AiohttpTransport(timeout=5)
    client = TrytonClient("http://127.0.0.1:9/db", "KEY", {}, transport)
    with pytest.raises(TransportError) as caught:
        await client.create("party.party", {"name": "A"})
    await client.close()

    assert not caught.value.sent


async def test_all_pages_are_read() -> None:
    first = [{"id": n} for n in range(PAGE)]
    transport = Scripted(first, [{"id": PAGE}])
    found = await client_of(transport).read("party.party", [])
    starts = [parse_qs(urlsplit(url).query)["p"] for _, url, _, _ in transport.calls]

    assert len(found) == PAGE + 1
    assert starts == [["0"], [str(PAGE)]]


async def test_key_travels_in_the_header_only() -> None:
    transport = Scripted([{"id": 1}])
    await client_of(transport).read("party.party", [["name", "=", "A"]], ["name"], limit=1)
    (_, url, headers, body) = transport.calls[0]

    assert headers["Authorization"] == "bearer KEY"
    assert "KEY" not in url
    assert body is None


async def test_answer_that_is_no_json_is_not_taken_for_success() -> None:
    class Proxy(Scripted):
        async def exchange(self, *call: Any) -> tuple[int, Mapping[str, str], bytes]:
            return 200, {}, b"<html>maintenance</html>"

    with pytest.raises(TransportError):
        await client_of(Proxy()).get("party.party", 1, ["name"])
