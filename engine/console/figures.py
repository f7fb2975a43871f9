"""The figures that refresh themselves: the page is rendered from them, and the live answer is the same table.

A figure has a key; an element with `data-live="key"` shows it. Any page that renders figures is live.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.console import words
from engine.ports.operations import ChannelStatus, DestinationStatus, EngineStatus
from engine.ports.states import MessageState

SPARK_WIDTH, SPARK_HEIGHT = 120, 24
TROUBLED = frozenset({"retrying", "open"})


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """`points` is the line of a small chart."""

    text: str
    tone: str = ""
    points: str = ""


def of_engine(status: EngineStatus) -> dict[str, Figure]:
    """All figures of the channels, and the sums above them."""
    figures = _totals(status.channels)
    for channel in status.channels:
        figures |= of_channel(channel)
    return figures


def _totals(channels: Sequence[ChannelStatus]) -> dict[str, Figure]:
    running = sum(c.state == "running" for c in channels)
    waiting = held(channels)
    troubled = sum(d.state in TROUBLED for c in channels for d in c.destinations)
    failed = any(c.state == "failed" for c in channels)
    return {
        "all.rate": Figure(words.rate(sum(c.per_second for c in channels))),
        "all.queued": Figure(words.count(sum(d.queued for c in channels for d in c.destinations))),
        "all.held": Figure(words.count(waiting), "warn" if waiting else "quiet"),
        "all.troubled": Figure(words.count(troubled), "bad" if troubled else "quiet"),
        "all.running": Figure(f"{running} of {len(channels)}", "bad" if failed else ""),
    }


def held(channels: Sequence[ChannelStatus]) -> int:
    return sum(c.counts.get(MessageState.HELD.name, 0) for c in channels)


def of_channel(channel: ChannelStatus) -> dict[str, Figure]:
    name = channel.name
    waiting = channel.counts.get(MessageState.HELD.name, 0)
    queued = sum(d.queued for d in channel.destinations)
    at_destination = any(d.last_error for d in channel.destinations)  # then it is shown there
    figures = {
        f"{name}.state": Figure(channel.state, words.CHANNEL_TONES.get(channel.state, "quiet")),
        f"{name}.rate": Figure(words.rate(channel.per_second)),
        f"{name}.spark": Figure("", "", spark_points(channel.recent)),
        f"{name}.received": Figure(words.count(channel.received)),
        f"{name}.queued": Figure(words.count(queued)),
        f"{name}.held": Figure(words.count(waiting), "warn" if waiting else "quiet"),
        f"{name}.last": Figure(words.moment(channel.last_received_at)),
        f"{name}.error": Figure("" if at_destination else channel.last_error or ""),
    }
    for state in MessageState:
        figures[f"{name}.count.{state.name}"] = Figure(words.count(channel.counts.get(state.name, 0)))
    for destination in channel.destinations:
        figures |= _of_destination(f"{name}.to.{destination.name}", destination)
    return figures


def _of_destination(key: str, destination: DestinationStatus) -> dict[str, Figure]:
    word = words.DESTINATION_WORDS.get(destination.state, destination.state)
    queue_tone = "" if destination.queued else "quiet"
    return {
        f"{key}.state": Figure(word, words.DESTINATION_TONES.get(destination.state, "quiet")),
        f"{key}.queued": Figure(words.count(destination.queued), queue_tone),
        f"{key}.delivered": Figure(words.count(destination.delivered)),
        f"{key}.errors": Figure(words.count(destination.errors), "bad" if destination.errors else "quiet"),
        f"{key}.error": Figure(destination.last_error or ""),
        f"{key}.next": Figure(words.moment(destination.next_attempt_at) if destination.next_attempt_at else "–"),
    }


def spark_points(values: Sequence[float]) -> str:
    """SVG points of a line through the values, newest at the right edge, scaled to the highest one."""
    if len(values) < 2:
        return ""
    top, step, room = max(*values, 1.0), SPARK_WIDTH / (len(values) - 1), SPARK_HEIGHT - 2
    return " ".join(f"{i * step:.1f},{SPARK_HEIGHT - 1 - v / top * room:.1f}" for i, v in enumerate(values))
