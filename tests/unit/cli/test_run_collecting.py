"""Nothing is collected while the engine starts; while it waits for another one, which may take days, it is."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from engine.cli.run import Stopping
from engine.core.collector import rest


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*usual)


async def test_an_engine_that_stands_by_collects_again() -> None:
    rest()
    assert not gc.isenabled()

    Stopping().standing_by()

    assert gc.isenabled()
