"""How deliveries are retried, ordered, limited, and who takes over."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from engine.channel.explain import did_you_mean, known_words
from engine.channel.finding import Finding
from engine.channel.lints.ground import ChannelGround, End, Ground
from engine.channel.load import ENGINE
from engine.channel.model import DestinationModel
from engine.channel.yaml_source import Path, YamlSource

_TIME = (timedelta(milliseconds=10), timedelta(minutes=5))
_MEMORY = (16 * 1024**2, 4 * 1024**3)
_LONGEST_RETRY = timedelta(days=31)


def check(ground: Ground) -> Iterator[Finding]:
    for channel in ground.channels:
        for index, destination in enumerate(channel.model.destinations):
            path: Path = ("destinations", index)
            yield from _retry(channel.yaml, path, destination)
            yield from _windows(channel.yaml, path, destination)
        for end in channel.ends:
            yield from _repeats(channel.yaml, end)
        yield from _fallbacks(channel)
        yield from _limits(channel)
        yield from _zone(channel.yaml, ("zone",), channel.model.zone)
        yield from _charset(channel)
    engine = ground.site.sources.get(ENGINE)
    if engine:
        yield from _zone(engine, ("zone",), ground.site.engine.zone)


def _retry(yaml: YamlSource, path: Path, destination: DestinationModel) -> Iterator[Finding]:
    retry = destination.retry
    if retry.give_up_after <= retry.first:
        text = "it gives up before the first retry"
        yield yaml.finding("C074", (*path, "retry", "give_up_after"), text, "make it longer than 'first', such as 24h")
    if retry.first > retry.longest:
        text = "the first wait is longer than the longest"
        yield yaml.finding("C075", (*path, "retry", "first"), text, "make 'first' short, such as 5s")
    if retry.give_up_after > _LONGEST_RETRY:
        text = "it would try for more than a month before a person hears of it"
        yield yaml.finding("C079", (*path, "retry", "give_up_after"), text, "24h to 72h is usual")


def _repeats(yaml: YamlSource, end: End) -> Iterator[Finding]:
    """What is sent again must still be known as a repeat: `nats` knows it for its `duplicate_window`."""
    window = getattr(end.settings, "duplicate_window", None)
    if end.model is None or window is None or getattr(end.settings, "deduplicated", False):
        return
    if window <= end.model.retry.give_up_after:
        text = "it is retried for longer than the stream knows repeats"
        advice = "make it longer than retry: give_up_after, here and at the stream, such as 48h for 24h"
        yield yaml.finding("C069", (*end.path, "duplicate_window"), text, advice)


def _windows(yaml: YamlSource, path: Path, destination: DestinationModel) -> Iterator[Finding]:
    for index, window in enumerate(destination.windows):
        place: Path = (*path, "windows", index)
        yield from _zone(yaml, (*place, "zone"), window.zone)
        if window.start == window.end:
            text = "start and end are the same"
            yield yaml.finding("C077", (*place, "end"), text, "give the time at which sending goes on")


def _zone(yaml: YamlSource, path: Path, zone: str) -> Iterator[Finding]:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        advice = did_you_mean(zone, _USUAL_ZONES) or "write an IANA name such as America/Chicago"
        yield yaml.finding("C076", path, f"there is no time zone '{zone}'", advice)


_USUAL_ZONES = (
    "UTC", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix",
    "America/Anchorage", "Pacific/Honolulu", "America/Toronto", "Europe/London", "Europe/Berlin", "Europe/Paris",
)  # fmt: skip


def _fallbacks(channel: ChannelGround) -> Iterator[Finding]:
    named = {d.name: d for d in channel.model.destinations}
    used = set()
    for index, destination in enumerate(channel.model.destinations):
        fallback, path = destination.fallback, ("destinations", index, "fallback")
        if fallback is None:
            continue
        used.add(fallback)
        if fallback not in named:
            advice = did_you_mean(fallback, named) or known_words(named)
            yield channel.yaml.finding("C070", path, f"this channel has no destination '{fallback}'", advice)
        elif _comes_back(destination.name, named):
            yield channel.yaml.finding("C071", path, "the fallbacks go in a circle", "let the last one have none")
        elif not named[fallback].standby:
            text = f"'{fallback}' is not on standby, so it gets everything anyway"
            yield channel.yaml.finding("C072", path, text, f"add standby: true to '{fallback}'")
    for index, destination in enumerate(channel.model.destinations):
        if destination.standby and destination.name not in used:
            text = f"'{destination.name}' is on standby, but no destination falls back on it"
            yield channel.yaml.finding("C073", ("destinations", index, "standby"), text, "name it in a fallback:")


def _comes_back(start: str, named: dict[str, DestinationModel]) -> bool:
    here, seen = named[start].fallback, {start}
    while here is not None and here in named:
        if here in seen:
            return True
        seen.add(here)
        here = named[here].fallback
    return False


def _limits(channel: ChannelGround) -> Iterator[Finding]:
    limits = channel.model.limits
    if not _TIME[0] <= limits.time <= _TIME[1]:
        text = "the time for one message is out of all proportion"
        yield channel.yaml.finding("C079", ("limits", "time"), text, "5s is usual, a large file may need 60s")
    if not _MEMORY[0] <= limits.memory <= _MEMORY[1]:
        text = "the memory for one message is out of all proportion"
        yield channel.yaml.finding("C079", ("limits", "memory"), text, "256MiB is usual")


def _charset(channel: ChannelGround) -> Iterator[Finding]:
    charset = channel.model.charset
    if charset is None:
        return
    try:
        codecs.lookup(charset)
    except LookupError:
        yield channel.yaml.finding("C084", ("charset",), f"there is no character set '{charset}'", "for example: utf-8")
