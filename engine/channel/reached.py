"""`transport: lakemont` in a source or destination: the partner's address, keys and folder put beside its own settings.

Done when a site is read, so a revision of a channel holds the address that it runs with, and a new host in the
partner's file is a change of each channel that goes there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.channel.partner import Partner
from engine.channel.transport import settings_from, settings_to, with_own

_End = dict[str, Any]


def names_of(value: object) -> tuple[str, ...]:
    """Partners that `transport:` names."""
    found = value if isinstance(value, list | tuple) else (value,)
    return tuple(name for name in found if isinstance(name, str))


def reached(channel: dict[str, Any], partners: Mapping[str, Partner]) -> dict[str, Any]:
    """A channel's mapping with what its ends take from partners; what a partner does not have is lint's matter."""
    made = dict(channel)
    if isinstance(made.get("source"), dict):
        made["source"] = _source(made["source"], partners)
    if isinstance(made.get("destinations"), list):
        made["destinations"] = [
            _destination(one, partners) if isinstance(one, dict) else one for one in made["destinations"]
        ]
    return made


def _source(end: _End, partners: Mapping[str, Partner]) -> _End:
    taken: dict[str, Any] = {}
    for name in names_of(end.get("transport")):
        transport = partners[name].transport if name in partners else None
        if transport is not None and transport.type == end.get("type"):
            taken = with_own(settings_from(transport, name), taken)
    return end | {"settings": with_own(taken, end["settings"])} if taken else end


def _destination(end: _End, partners: Mapping[str, Partner]) -> _End:
    """What goes to a partner's server as X12 is that partner's, so its name is known, too."""
    name = end.get("transport")
    transport = partners[name].transport if isinstance(name, str) and name in partners else None
    if transport is None or transport.type != end.get("type"):
        return end
    named = {"partner": name} if end["settings"].get("format") == "x12" and transport.type != "http" else {}
    return end | {"settings": with_own(named | settings_to(transport), end["settings"])}
