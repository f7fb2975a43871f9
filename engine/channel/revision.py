"""Revisions of a channel: all that decides what it does, as canonical JSON, its digest, and the program it becomes.

A revision is complete in itself: a message keeps its revision, so work in flight finishes on settings, script and
lookups that may no longer be on disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.channel.model import ChannelModel
from engine.channel.site import Site
from engine.core.errors import ConfigurationError
from engine.ports.catalog import Catalog
from engine.ports.script import Program


class Revision(msgspec.Struct, frozen=True):
    """`content` is canonical JSON: the same settings give the same bytes, whatever their order in the file."""

    channel: str
    digest: str
    content: bytes


def revision_of(channel: ChannelModel, site: Site, catalog: Catalog | None = None) -> Revision:
    """What the channel on disk says now. `catalog` fills in the usual format of its source.

    Raises:
        ConfigurationError: its script or a crosswalk is not in the site; it must not run without.
    """
    _check_complete(channel, site)
    content = canonical_json(
        {
            "channel": channel.model_dump(mode="json"),
            "format": _format(channel, catalog),
            "script": site.scripts.get(channel.transform) if channel.transform else None,
            "lookups": {name: dict(site.crosswalks[table]) for name, table in channel.lookups.items()},
            **_dated(channel, site),
            **_layouts(channel, site),
        }
    )
    return Revision(channel.channel, hashlib.blake2b(content, digest_size=16).hexdigest(), content)


def _check_complete(channel: ChannelModel, site: Site) -> None:
    if channel.transform and channel.transform not in site.scripts:
        where = f"transforms/{channel.transform}.py"
        raise ConfigurationError(
            "the channel's transform is missing", where=where, remedy="add it, or run: isthmus lint"
        )
    for table in channel.lookups.values():
        if table not in site.crosswalks:
            where = f"config/crosswalks/{table}"
            raise ConfigurationError(
                "the channel's lookup is missing", where=where, remedy="add it, or run: isthmus lint"
            )


def _dated(channel: ChannelModel, site: Site) -> dict[str, Any]:
    """Rows with days of the channel's crosswalks; nothing when there are none."""
    tables = {name: site.crosswalk_files[table].dated for name, table in channel.lookups.items()
              if table in site.crosswalk_files}  # fmt: skip
    found = {
        name: {key: [row[:3] for row in rows] for key, rows in dated.items()} for name, dated in tables.items() if dated
    }
    return {"dated_lookups": found} if found else {}


def _layouts(channel: ChannelModel, site: Site) -> dict[str, dict[str, str]]:
    """Of the source and the destinations, as workers get them; nothing when none is named."""
    named = sorted({one for one in (channel.source.layout, *(d.layout for d in channel.destinations)) if one})
    missing = next((name for name in named if name not in site.layouts), None)
    if missing:
        where = f"config/layouts/{missing}.yaml"
        raise ConfigurationError("the channel's layout is missing", where=where, remedy="add it, or run: isthmus lint")
    tables = {name: msgspec.json.encode(site.layouts[name].table()).decode() for name in named}
    return {"layouts": tables} if tables else {}


def canonical_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def model_of(content: bytes) -> ChannelModel:
    """The channel's settings as they were when the revision was deployed."""
    return ChannelModel.model_validate(json.loads(content)["channel"])


def layouts_of(content: bytes) -> dict[str, str]:
    """The revision's layouts of tables, by name."""
    found: dict[str, str] = json.loads(content).get("layouts", {})
    return found


def program(channel: ChannelModel, site: Site, revision: int, catalog: Catalog | None = None) -> Program:
    """What workers run for the channel as it is on disk."""
    return program_of(revision_of(channel, site, catalog).content, revision)


def program_of(content: bytes, revision: int) -> Program:
    """What workers run for a stored revision. Standby destinations get nothing from the transform itself."""
    parts: Mapping[str, Any] = json.loads(content)
    channel = model_of(content)
    limits = {"seconds": str(channel.limits.time.total_seconds()), "memory_bytes": str(channel.limits.memory)}
    return Program(
        key=f"{channel.channel}@{revision}",
        channel=channel.channel,
        format=parts["format"],
        accept=channel.accept,
        filter=channel.filter,
        index=channel.index,
        script_name=f"transforms/{channel.transform}.py" if channel.transform else None,
        script=parts["script"],
        map=channel.map.model_dump() if channel.map else None,
        lookups=parts["lookups"],
        dated_lookups=parts.get("dated_lookups", {}),
        destinations={
            d.name: {"send": d.send, "order_by": d.order_by, "when": d.when}
            for d in channel.destinations
            if not d.standby
        },
        charset=channel.charset,
        zone=channel.zone,
        settings=limits,
        layout=parts.get("layouts", {}).get(channel.source.layout),
        namespaces=channel.source.namespaces,
        ignore_doctype=channel.source.doctype == "ignore",
    )


def _format(channel: ChannelModel, catalog: Catalog | None) -> str:
    if channel.source.format:
        return channel.source.format
    known = catalog.sources.get(channel.source.type) if catalog else None
    if known:
        return known.format
    return "hl7v2" if channel.source.type.startswith("hl7v2") else "bytes"
