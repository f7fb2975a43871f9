"""Secrets and values of messages stay out of logs, metrics, answers, reasons and health. Source: acceptance 54, 55."""

from __future__ import annotations

import asyncio
import contextlib
import io
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from engine.connectors.catalog import CATALOG
from engine.core.errors import IsthmusError
from engine.core.loopback import free_port
from engine.ports.connector import ConnectorContext, Outbound, Reason
from engine.telemetry import Level, Telemetry
from engine.telemetry.libraries import capture
from engine.telemetry.named import named
from tests.support.connector_doubles import Door, Secrets, context

TOKEN, NAME, VALUE, KEY = (f"CANARY-{word}-77f0" for word in ("TOKEN", "NAME", "VALUE", "KEY"))
SECRETS = {"env:TOKEN": TOKEN}


class Ears:
    """Everything that the engine says of itself while the block runs."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.telemetry = Telemetry(self.stream, level=Level.DEBUG, json=True)

    def context(self, root: Path, **replaced: Any) -> ConnectorContext:
        return context(root, secrets=Secrets(SECRETS), emit=named(self.telemetry.emit), **replaced)

    @contextlib.contextmanager
    def open(self) -> Any:
        give_back = capture(self.telemetry.emit)
        try:
            yield
        finally:
            give_back()

    def heard(self) -> str:
        return self.stream.getvalue() + self.telemetry.render()


def built(direction: str, name: str, settings: dict[str, Any], given: ConnectorContext) -> Any:
    entry = getattr(CATALOG, direction)[name]
    return entry.build(entry.load().model_validate(settings), given)


class Broken(Door):
    """A journal with a mistake in it, which puts a value into its error."""

    async def __call__(self, received: Any) -> Any:
        raise ValueError(f"cannot store {received.body!r}")


@pytest.mark.parametrize("door", [Door, Broken])
async def test_http_door_says_no_value_and_no_secret(tmp_path: Path, door: type[Door]) -> None:
    ears, port = Ears(), free_port()
    settings = {"listen": f"127.0.0.1:{port}", "path": "/in", "token": "env:TOKEN"}
    source = built("sources", "http", settings, ears.context(tmp_path, format="json"))
    answers: list[str] = []
    with ears.open():
        task = asyncio.ensure_future(source.run(door()))
        async with aiohttp.ClientSession() as client:
            for token, body in ((TOKEN, f'{{"name":"{VALUE}"}}'), (TOKEN, VALUE), (f"wrong {TOKEN}", VALUE)):
                headers = {
                    "Authorization": f"Bearer {token}",
                    "Idempotency-Key": KEY,
                    "Content-Type": "application/json",
                }
                answers.append(await _posted(client, port, body, headers))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        answers.append((await source.check()).text)

    assert len(answers) == 4
    assert "CANARY" not in ears.heard() + "".join(answers)


async def _posted(client: aiohttp.ClientSession, port: int, body: str, headers: dict[str, str]) -> str:
    for _ in range(3000):
        with contextlib.suppress(aiohttp.ClientConnectorError):
            async with client.post(f"http://127.0.0.1:{port}/in", data=body, headers=headers) as response:
                return await response.text()
        await asyncio.sleep(0.01)
    raise TimeoutError


async def test_folder_says_no_value(tmp_path: Path) -> None:
    ears, door = Ears(), Door()
    door.judge = lambda received: Reason("M004", "wrong character", "PID-5", "ask the sender")
    source = built("sources", "file", {"folder": "in", "stable_for": "0s"}, ears.context(tmp_path))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"{NAME}.txt").write_text(VALUE)
    with ears.open():
        await source.look(door)
    reasons = "".join(path.read_text() for path in tmp_path.rglob("*.reason.txt"))

    assert "M004" in reasons
    assert "CANARY" not in ears.heard() + reasons + (await source.check()).text


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("http", {"url": "http://127.0.0.1:9/{natural_key}", "bearer": "env:TOKEN", "headers": {"X-K": "env:TOKEN"}}),
        ("http", {"url": "http://no-such-host.invalid/{natural_key}", "bearer": "env:TOKEN"}),
        ("file", {"folder": "out", "file_name": "{natural_key}.edi", "format": "json"}),
        ("channel", {"channel": "next"}),
    ],
)
async def test_delivery_that_fails_says_no_value_and_no_secret(
    tmp_path: Path, name: str, settings: dict[str, Any]
) -> None:
    ears = Ears()
    destination = built("destinations", name, settings, ears.context(tmp_path))
    with ears.open(), pytest.raises(IsthmusError) as caught:
        await destination.send(Outbound(1, 1, "c", "c-1", KEY, VALUE.encode(), natural_key=VALUE))
    await destination.close()

    assert "CANARY" not in ears.heard() + str(caught.value) + repr(caught.value.args)


@pytest.mark.parametrize(
    ("direction", "name", "settings"),
    [
        ("sources", "http", {"listen": "127.0.0.1:1", "token": TOKEN}),
        ("destinations", "http", {"url": f"http://user:{TOKEN}@host/"}),
        ("destinations", "http", {"url": "http://host/", "bearer": TOKEN}),
        ("destinations", "http", {"url": "http://host/", "headers": {"Authorization": TOKEN}}),
        ("sources", "file", {"folder": "in", "password": TOKEN}),
    ],
)
def test_refused_settings_do_not_show_what_stood_there(direction: str, name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        getattr(CATALOG, direction)[name].load().model_validate(settings)

    assert "CANARY" not in str(caught.value)
