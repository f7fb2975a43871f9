"""Whether the parts of a site fit together: names, addresses, references between files, nothing unused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from engine.channel.explain import did_you_mean, known_words
from engine.channel.finding import Finding
from engine.channel.lints.addresses import clash, split_listen
from engine.channel.lints.ground import ChannelGround, End, Ground
from engine.channel.load import CONNECTIONS, ENGINE
from engine.channel.yaml_source import Path, YamlSource


def check(ground: Ground) -> Iterator[Finding]:
    for channel in ground.channels:
        yield from _own_names(channel)
        yield from _references(ground, channel)
    yield from _addresses(ground)
    yield from _circles(ground)
    yield from _unused(ground)
    yield from _partners(ground)
    for file in ground.site.crosswalk_files.values():
        for key, value in file.table.items():
            if not value:
                text = f"the code '{key}' turns into nothing"
                yield Finding(
                    file.path, file.lines[key], 1, "C044", text, "fill in the second column, or remove the row"
                )


def _own_names(channel: ChannelGround) -> Iterator[Finding]:
    name, stem = channel.model.channel, PurePosixPath(channel.file.path).stem
    if name != stem:
        text = f"the channel is called '{name}' and its file '{stem}'"
        yield channel.yaml.finding("C022", ("channel",), text, f"rename the file to {name}.yaml")
    if not channel.model.owner:
        yield channel.yaml.finding("C029", ("owner",), "nobody is named as owner", "owner: team@hospital.example")
    if not channel.model.destinations and channel.model.transform:
        text = "the transform makes documents and no destination takes them"
        yield channel.yaml.finding("C028", ("transform",), text, "add a destination", key=True)
    seen: dict[str, int] = {}
    for index, destination in enumerate(channel.model.destinations):
        if destination.name in seen:
            text = f"the destination '{destination.name}' is there twice"
            yield channel.yaml.finding("C023", ("destinations", index, "name"), text, "give it another name")
        seen.setdefault(destination.name, index)


def _references(ground: Ground, channel: ChannelGround) -> Iterator[Finding]:
    broken = _broken(ground)
    for end in channel.all_ends:
        for key, code, known, where in (
            ("connection", "C080", ground.site.connections, CONNECTIONS),
            ("partner", "C082", ground.site.partners, "config/partners/"),
        ):
            name = end.raw.get(key)
            if isinstance(name, str) and name not in known and "{" not in name and name not in broken:
                advice = did_you_mean(name, known) or known_words(known) or f"add it to {where}"
                yield channel.yaml.finding(code, (*end.path, key), f"there is no {key} '{name}' in {where}", advice)
        if end.type == "channel" and end.model is not None:
            yield from _next_channel(ground, channel, end)
    if channel.source_end.type in ("events", "window"):
        yield from _told_of(ground, channel)


def _told_of(ground: Ground, channel: ChannelGround) -> Iterator[Finding]:
    """Channels whose documents a source tells of."""
    named = channel.source_end.raw.get("channels")
    for index, name in enumerate(named if isinstance(named, list) else ()):
        path = (*channel.source_end.path, "channels", index)
        if name == channel.model.channel:
            text = "a channel cannot be told of itself"
            yield channel.yaml.finding("C026", path, text, "take it out")
        elif isinstance(name, str) and name not in ground.site.channels and name not in _broken(ground):
            advice = did_you_mean(name, ground.site.channels) or known_words(ground.site.channels)
            yield channel.yaml.finding("C025", path, f"there is no channel '{name}'", advice)


def _broken(ground: Ground) -> set[str]:
    """Names whose files are there but do not load: what refers to them is not wrong."""
    loaded = {*ground.site.partner_files.values(), *(file.path for file in ground.site.files if file.model)}
    folders = ("channels/", "config/partners/")
    names = {PurePosixPath(f).stem for f in ground.site.sources if f.startswith(folders) and f not in loaded}
    yaml = ground.site.sources.get(CONNECTIONS)
    written = yaml.data if yaml and isinstance(yaml.data, dict) else {}
    return names | (set(written) - set(ground.site.connections))


def _next_channel(ground: Ground, channel: ChannelGround, end: End) -> Iterator[Finding]:
    name = end.raw.get("channel")
    if not isinstance(name, str):
        return
    target, path = ground.site.channels.get(name), (*end.path, "channel")
    if target is None and name not in _broken(ground):
        advice = did_you_mean(name, ground.site.channels) or known_words(ground.site.channels)
        yield channel.yaml.finding("C025", path, f"there is no channel '{name}'", advice)
    elif target is not None and not target.enabled and channel.model.enabled:
        yield channel.yaml.finding("C027", path, f"the channel '{name}' is disabled", "enable it, or send elsewhere")


def _addresses(ground: Ground) -> Iterator[Finding]:
    """Every listener of enabled channels and the console: no two on one address."""
    taken: list[tuple[str, str]] = []
    console = ground.site.engine.console
    if console.enabled:
        taken.append((console.listen, "the console"))
    for channel in ground.channels:
        end = channel.source_end
        if not channel.model.enabled or end.entry is None or end.settings is None:
            continue
        for address in end.entry.listens(end.settings):
            other = next((who for known, who in taken if clash(known, address)), None)
            if other:
                text = f"{address} is already the address of {other}"
                yield channel.yaml.finding("C024", (*end.path, "listen"), text, "choose another port")
            taken.append((address, f"the channel '{channel.model.channel}'"))
    for channel in ground.channels:
        yield from _bad_addresses(channel.yaml, channel.source_end)


def _bad_addresses(yaml: YamlSource, end: End) -> Iterator[Finding]:
    listen = end.raw.get("listen")
    if isinstance(listen, str) and end.settings is not None and split_listen(listen) is None:
        text = "an address is a host, a colon and a port up to 65535"
        yield yaml.finding("C004", (*end.path, "listen"), text, "for example: listen: 127.0.0.1:6661")


def _circles(ground: Ground) -> Iterator[Finding]:
    targets: dict[str, list[tuple[str, ChannelGround, Path]]] = defaultdict(list)
    for channel in ground.channels:
        for end in channel.ends:
            if end.type == "channel" and isinstance(end.raw.get("channel"), str):
                targets[channel.model.channel].append((end.raw["channel"], channel, (*end.path, "channel")))
    for start in targets:
        for following, channel, path in targets[start]:
            way = _way_back(targets, following, start, (start,))
            if way:
                yield channel.yaml.finding("C026", path, f"messages go in a circle: {' → '.join(way)}", "break it here")


def _way_back(targets: dict[str, list[Any]], here: str, goal: str, way: tuple[str, ...]) -> tuple[str, ...] | None:
    if here == goal:
        return (*way, here)
    if here in way:
        return None
    for following, _, _ in targets.get(here, ()):
        found = _way_back(targets, following, goal, (*way, here))
        if found:
            return found
    return None


def _unused(ground: Ground) -> Iterator[Finding]:
    site = ground.site
    if any(file.model is None for file in site.files):
        return  # what a broken file uses is not known
    models = [channel.model for channel in ground.channels]
    for name in sorted(set(site.scripts) - {m.transform for m in models if m.transform} - _imported(ground)):
        yield Finding(f"transforms/{name}.py", 1, 1, "C037", f"no channel uses the transform '{name}'", "remove it")
    used = {table for m in models for table in m.lookups.values()}
    for name in sorted(set(site.crosswalk_files) - used - _mentioned(ground)):
        yield Finding(site.crosswalk_files[name].path, 1, 1, "C043", f"no channel uses '{name}'", "remove the file")
    connections = {str(end.raw.get("connection")) for channel in ground.channels for end in channel.all_ends}
    yaml = site.sources.get(CONNECTIONS)
    for name in sorted(set(site.connections) - connections):
        if yaml:
            yield yaml.finding("C081", (name,), f"no channel uses the connection '{name}'", "remove it", key=True)


def _imported(ground: Ground) -> set[str]:
    texts = "\n".join(ground.site.scripts.values())
    return {name for name in ground.site.scripts if f"from {name} import" in texts or f"import {name}\n" in texts}


def _mentioned(ground: Ground) -> set[str]:
    """Crosswalks that a connector's setting names, such as `units: units`."""
    return {str(value) for channel in ground.channels for end in channel.all_ends for value in end.raw.values()}


def _partners(ground: Ground) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], str] = {}
    suppliers: dict[tuple[str, str], str] = {}
    for name, partner in ground.site.partners.items():
        identity = (partner.isa_qualifier, partner.isa_id.strip(), partner.our_isa_id.strip())
        yaml = ground.site.sources[ground.site.partner_files[name]]
        if identity in seen:
            text = f"'{name}' has the same interchange identity as '{seen[identity]}'"
            yield yaml.finding("C083", ("isa_id",), text, "give one of them its own isa_id")
        seen.setdefault(identity, name)
        # A supplier may be tried out under a second file; which of two in production gets its orders is not told.
        supplier = (partner.supplier_number or f"none of {name}", partner.usage_indicator)
        if supplier in suppliers:
            text = f"'{name}' has the same supplier_number as '{suppliers[supplier]}'"
            yield yaml.finding("C083", ("supplier_number",), text, "only one of them gets the supplier's orders")
        suppliers.setdefault(supplier, name)
        if PurePosixPath(yaml.file).stem != name:
            text = f"the partner is called '{name}' and its file '{PurePosixPath(yaml.file).stem}'"
            yield yaml.finding("C022", ("partner",), text, f"rename the file to {name}.yaml")


__all__ = ["ENGINE", "check"]
