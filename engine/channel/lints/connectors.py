"""What a connector's settings mean beyond their form: open doors, paths that leave the site, senders that wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pydantic import ValidationError

from engine.channel.explain import did_you_mean, explain, known_words
from engine.channel.finding import Finding
from engine.channel.lints.addresses import is_loopback, split_listen
from engine.channel.lints.ground import ChannelGround, End, Ground, strings_in
from engine.channel.load import CONNECTIONS, ENGINE

_SLOW = frozenset({"erp", "procure"})
_FOLDER_WORDS = ("folder", "directory", "file", "done", "error")


def check(ground: Ground) -> Iterator[Finding]:
    for channel in ground.channels:
        yield from _doors(channel)
        yield from _waiting_senders(channel)
        yield from _unanswered(channel)
        for end in channel.all_ends:
            yield from _paths(channel, end)
    yield from _console(ground)
    yield from _connections(ground)


def _doors(channel: ChannelGround) -> Iterator[Finding]:
    end = channel.source_end
    if end.entry is None or end.settings is None:
        return
    for address in end.entry.listens(end.settings):
        place = split_listen(address)
        if place and not is_loopback(place[0]) and not end.raw.get("tls"):
            text = "others can reach this address, and what they send is not encrypted"
            yield channel.yaml.finding("C091", (*end.path, "listen"), text, "add tls:, or listen on 127.0.0.1")


def _console(ground: Ground) -> Iterator[Finding]:
    console, yaml = ground.site.engine.console, ground.site.sources.get(ENGINE)
    place = split_listen(console.listen)
    if yaml and console.enabled and place and not is_loopback(place[0]) and console.tls is None:
        text = "others can reach the console, and passwords would travel unencrypted"
        yield yaml.finding("C091", ("console", "listen"), text, "add tls:, or listen on 127.0.0.1")


def _connections(ground: Ground) -> Iterator[Finding]:
    types, yaml = ground.knowledge.connections, ground.site.sources.get(CONNECTIONS)
    if yaml is None or not types:
        return
    for name, settings in ground.site.connections.items():
        kind = str(settings["type"])
        if kind not in types:
            advice = did_you_mean(kind, types) or known_words(types)
            yield yaml.finding("C020", (name, "type"), f"there is no connection of type '{kind}'", advice)
            continue
        try:
            types[kind]().model_validate(dict(settings))
        except ValidationError as error:
            yield from explain(error, yaml, (name,), types[kind]())


def _waiting_senders(channel: ChannelGround) -> Iterator[Finding]:
    if channel.source_end.raw.get("acknowledge") != "after_delivery":
        return
    slow = [end.raw["name"] for end in channel.ends if end.type in _SLOW]
    if slow:
        text = f"the sender waits until '{slow[0]}' has answered, and the ERP may be down for hours"
        path = ("source", "acknowledge")
        yield channel.yaml.finding("C078", path, text, "acknowledge: after_journal; nothing is lost by it")


def _unanswered(channel: ChannelGround) -> Iterator[Finding]:
    """What takes commands of the process and posts them must tell it what became of them."""
    if channel.source_end.type != "procure":
        return
    for end in channel.ends:
        if end.type == "erp" and end.raw.get("reports") is not True:
            text = f"'{end.raw['name']}' carries commands out and does not tell the process what became of them"
            yield channel.yaml.finding("C140", (*end.path, "type"), text, "add reports: true")


def _paths(channel: ChannelGround, end: End) -> Iterator[Finding]:
    for path, value in strings_in(dict(end.raw), end.path):
        words = str(path[-1]).lower().split("_")
        if any(word in _FOLDER_WORDS for word in words) and ".." in PurePosixPath(value).parts:
            text = f"'{path[-1]}' leaves the site's folder"
            yield channel.yaml.finding("C093", path, text, "name a folder below the site, or an absolute one")
