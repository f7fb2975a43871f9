"""Whether ends of channels agree with how their partners are reached: one place to change a host, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.channel.explain import did_you_mean, known_words
from engine.channel.finding import Finding
from engine.channel.lints.ground import ChannelGround, End, Ground
from engine.channel.partner import Partner
from engine.channel.reached import names_of
from engine.channel.transport import As2Transport, settings_to

_PLACES = ("address", "url", "user", "as2_to")  # not the folder: one for each kind of document is usual


def check(ground: Ground) -> Iterator[Finding]:
    for channel in ground.channels:
        for end in channel.all_ends:
            named = names_of(end.raw.get("transport"))
            if named:
                yield from _taken(ground, channel, end, named)
            elif end.model is not None:
                yield from _agreed(ground, channel, end)


def _taken(ground: Ground, channel: ChannelGround, end: End, named: tuple[str, ...]) -> Iterator[Finding]:
    place = (*end.path, "transport")
    if len(named) > 1 and end.type != "as2":
        text = "only a door for AS2 takes several partners' messages at one place"
        yield channel.yaml.finding("C087", place, text, "name one partner, and write a channel for each")
    for name in named:
        partner = ground.site.partners.get(name)
        if partner is None:
            if name not in _unloaded(ground):
                advice = did_you_mean(name, ground.site.partners) or known_words(ground.site.partners)
                text = f"there is no partner '{name}' in config/partners/"
                yield channel.yaml.finding("C082", place, text, advice or "add it to config/partners/")
        elif partner.transport is None or partner.transport.type != end.type:
            yield channel.yaml.finding("C087", place, _otherwise(partner), f"write it in {_file(ground, name)}")
        elif channel.model.enabled:
            yield from _certificates(ground, name, partner)


def _otherwise(partner: Partner) -> str:
    said = f"it is reached by {partner.transport.type}" if partner.transport else "its file has no transport"
    return f"the partner '{partner.partner}' is not reached this way: {said}"


def _certificates(ground: Ground, name: str, partner: Partner) -> Iterator[Finding]:
    """Of AS2, which cannot start without."""
    files = partner.transport.certificates if isinstance(partner.transport, As2Transport) else ()
    for number, file in enumerate(files):
        if not (ground.site.root / file).is_file():
            yaml, path = ground.site.sources[_file(ground, name)], ("transport", "certificates", number)
            yield yaml.finding("C086", path, f"there is no file {file}", "put the certificate there, as PEM")


def _agreed(ground: Ground, channel: ChannelGround, end: End) -> Iterator[Finding]:
    """A destination that names its partner and writes the way to it itself."""
    name = end.raw.get("partner")
    partner = ground.site.partners.get(name) if isinstance(name, str) else None
    if partner is None:
        return
    place, file = (*end.path, "partner"), _file(ground, partner.partner)
    if partner.transport is None:
        text = f"the file of '{name}' does not say how it is reached"
        yield channel.yaml.finding("C088", place, text, f"write transport: in {file} and name it here as transport")
    elif other := _difference(end, partner):
        text = f"'{other}' is not as {file} has it"
        path = (*end.path, other if other in end.raw else "partner")
        yield channel.yaml.finding("C089", path, text, f"transport: {name}, and leave out what stands there")


def _difference(end: End, partner: Partner) -> str | None:
    transport: Any = partner.transport
    if transport.type != end.type:
        return "type"
    agreed = settings_to(transport)
    return next((key for key in _PLACES if key in agreed and str(end.raw.get(key)) != str(agreed[key])), None)


def _file(ground: Ground, name: str) -> str:
    return ground.site.partner_files[name]


def _unloaded(ground: Ground) -> set[str]:
    """Partners whose files are there and do not load: what names them is not wrong."""
    loaded = set(ground.site.partner_files.values())
    folder = "config/partners/"
    return {
        file.removeprefix(folder).rpartition(".")[0]
        for file in ground.site.sources
        if file.startswith(folder) and file not in loaded
    }
