"""The trading partners that a running engine knows: those on disk at its start, then those of each deployment.

They have no revisions: an identity on an envelope holds for every channel alike, and its history is the file's.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from datetime import timedelta

from engine.channel.partner import Partner
from engine.ports.operations import PARTNERS, ChannelDiff


class PartnerBook:
    """`known` by name and `deadlines` for their acknowledgements are the same two mappings always, so that whoever
    was given them sees what is deployed."""

    def __init__(self, partners: Mapping[str, Partner]) -> None:
        self.known: dict[str, Partner] = dict(partners)
        self.deadlines: dict[str, timedelta] = _deadlines(partners)

    def take(self, partners: Mapping[str, Partner]) -> None:
        """From now on these; nothing is awaited in between, so nobody sees half of them."""
        new = dict(partners)  # the caller's may be our own mapping
        self.known.clear()
        self.known.update(new)
        self.deadlines.clear()
        self.deadlines.update(_deadlines(new))

    def diff(self, partners: Mapping[str, Partner]) -> ChannelDiff | None:
        """None: those on disk are the known ones."""
        names = [name for name in sorted({*self.known, *partners}) if self.known.get(name) != partners.get(name)]
        if not names:
            return None
        lines = [line for name in names for line in _lines(name, self.known.get(name), partners.get(name))]
        return ChannelDiff(PARTNERS, "changed", None, lines, [_effect(name, self.known, partners) for name in names])


def _deadlines(partners: Mapping[str, Partner]) -> dict[str, timedelta]:
    """By partner that answers at all."""
    return {name: one.acknowledge_within for name, one in partners.items() if one.answers_with != "none"}


def _effect(name: str, old: Mapping[str, Partner], new: Mapping[str, Partner]) -> str:
    if name not in old:
        return f"partner {name} is new: what it sends is taken in from now on"
    if name not in new:
        return f"partner {name} goes: what it sends is refused from now on"
    return f"partner {name} changes"


def _lines(name: str, old: Partner | None, new: Partner | None) -> Iterator[str]:
    return difflib.unified_diff(_text(old), _text(new), f"deployed/{name}", f"disk/{name}", lineterm="")


def _text(partner: Partner | None) -> list[str]:
    return [] if partner is None else partner.model_dump_json(indent=2, exclude_defaults=True).splitlines()
