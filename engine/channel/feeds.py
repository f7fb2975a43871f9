"""What a channel promises of its feed: up to when everything that happened has come to the process.

destinations:
  - {name: process, type: procure, send: Receipt, tells_until: {sources: [receipts], lag: 30m}}

Of a source that looks into a system (`erp_orders`, `erp_documents`) the time of its last complete look counts. Of every
other one the clock less `lag`: so late, at the latest, what happened comes to the channel's door.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import msgspec
from pydantic import Field

from engine.channel.model import ChannelModel, Duration, Settings

FeedName = Literal["orders", "receipts", "inspections", "invoices", "charges", "usage", "shipments"]
LEAST_LAG = timedelta(seconds=10)  # what has just come to the door may not be written yet


class TellsUntil(Settings):
    """This channel tells everything of these sources; who waits for one of them waits until it has passed the moment in
    question. Where several channels tell the same source, the one that is furthest behind counts."""

    sources: tuple[FeedName, ...] = Field(
        min_length=1, description="What it tells everything of.", examples=[["receipts"]]
    )
    lag: Duration = Field(
        default=timedelta(0),
        description="How late, at the latest, something that happened comes here: at least 10s, unless the source "
        "looks into a system itself.",
        examples=["30m"],
    )


class Feed(msgspec.Struct, frozen=True):
    """A promise at its place."""

    channel: str
    destination: str
    sources: tuple[str, ...]
    lag: timedelta


def feeds_of(model: ChannelModel) -> Iterator[Feed]:
    for one in model.destinations:
        if one.type == "procure" and one.settings.get("tells_until") is not None:
            told = TellsUntil.model_validate(one.settings["tells_until"])
            yield Feed(model.channel, one.name, told.sources, told.lag)
