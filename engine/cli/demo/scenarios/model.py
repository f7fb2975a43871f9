"""What a scenario is: data, and a coroutine for each of its variants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.site import Setting
from engine.cli.demo.scenarios.telling import Teller

Play = Callable[[Hospital, Teller], Awaitable[None]]


class Variant(NamedTuple):
    """`name` is what the command takes; `title` what happens, in one line."""

    name: str
    title: str
    play: Play


async def nothing(hospital: Hospital) -> None:
    """For scenarios that need no master data of their own."""


USAGE = "config/policies/usage.yaml"
RECEIPTS = "channels/purchasing/warehouse_receipts_in.yaml"
LAG_SECONDS = 12
USUAL: tuple[Setting, ...] = (
    Setting(USAGE, "inventory_account", '"1300"'),
    Setting(USAGE, "expense_account", '"5100"'),
    Setting(USAGE, "posting", "summary"),
    Setting(RECEIPTS, "tells_until", f"{{sources: [receipts], lag: {LAG_SECONDS}s}}"),
)
"""Accounts of the ERP that every run has, and a dock that books what came within seconds, where a real one takes half
an hour."""


class Scenario(NamedTuple):
    """
    Args:
        name: `SC1` … as the command takes it.
        about: who is concerned and why it matters, a few sentences.
        variants: the good course first.
        settings: what the copied site sets otherwise than the shipped one.
        prepare: sends what all variants need.
    """

    name: str
    title: str
    about: str
    variants: tuple[Variant, ...]
    settings: tuple[Setting, ...] = USUAL
    prepare: Callable[[Hospital], Awaitable[None]] = nothing
