"""What AS2 ends need beside them: certificates that are there, partners that are known, somebody who takes receipts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.channel.explain import did_you_mean, known_words
from engine.channel.finding import Finding
from engine.channel.lints.ground import ChannelGround, End, Ground
from engine.channel.yaml_source import Path


def check(ground: Ground) -> Iterator[Finding]:
    takes_receipts = any(one.source_end.type == "as2" and one.model.enabled for one in ground.channels)
    for channel in ground.channels:
        for end in channel.all_ends:
            if end.type != "as2" or end.settings is None:
                continue
            yield from _trading_partners(ground, channel, end)
            if channel.model.enabled:
                yield from _certificates(ground, channel, end)
                if end.raw.get("receipt") == "async" and not takes_receipts:
                    text = "no channel that is enabled has an as2 source: nobody would take the receipts"
                    advice = "add or enable one at receipt_url, or set receipt: sync"
                    yield channel.yaml.finding("C085", (*end.path, "receipt"), text, advice)


def _trading_partners(ground: Ground, channel: ChannelGround, end: End) -> Iterator[Finding]:
    known = ground.site.partners
    for number, partner in enumerate(end.raw.get("partners") or ()):
        for place, name in enumerate(partner.get("x12_partners") or ()):
            if name not in known:
                path = (*end.path, "partners", number, "x12_partners", place)
                advice = did_you_mean(name, known) or known_words(known) or "add it to config/partners/"
                yield channel.yaml.finding("C082", path, f"there is no partner '{name}' in config/partners/", advice)


def _certificates(ground: Ground, channel: ChannelGround, end: End) -> Iterator[Finding]:
    for path, file in _files(end.path, end.raw):
        if isinstance(file, str) and not (ground.site.root / file).is_file():
            yield channel.yaml.finding("C086", path, f"there is no file {file}", "put the certificate there, as PEM")


def _files(path: Path, raw: Any) -> Iterator[tuple[Path, Any]]:
    """Of the end itself, its previous pairs and its partners."""
    if "certificate" in raw:
        yield (*path, "certificate"), raw["certificate"]
    for key in ("certificates", "partner_certificates"):
        for number, file in enumerate(raw.get(key) or ()):
            yield (*path, key, number), file
    for key in ("previous", "partners"):
        for number, inner in enumerate(raw.get(key) or ()):
            yield from _files((*path, key, number), inner)
