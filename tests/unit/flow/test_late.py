"""A destination whose secret is missing: messages wait, and go out once it is there, without a restart."""

from __future__ import annotations

import pytest

from engine.core.errors import SecretMissingError, TransportError
from engine.flow.late import LateDestination, build_now_or_later
from engine.ports.connector import Outbound
from tests.support.engine_room import Far

ONE = Outbound(1, 1, "c", "corr", "key", b"body")


async def test_it_says_why_until_it_can_be_built_and_then_sends() -> None:
    far, missing = Far(), [True]

    def build() -> Far:
        if missing:
            raise SecretMissingError("the secret's file cannot be read", where="file:key", remedy="put it there")
        return far

    destination = build_now_or_later(build)
    with pytest.raises(TransportError, match="secret's file cannot be read") as waiting:
        await destination.send(ONE)
    health = await destination.check()
    missing.clear()
    await destination.send(ONE)

    assert isinstance(destination, LateDestination)
    assert not waiting.value.sent
    assert not health.ok
    assert "file:key" in health.text
    assert far.bodies == [b"body"]


async def test_what_can_be_built_is_built_at_once() -> None:
    far = Far()

    assert build_now_or_later(lambda: far) is far
