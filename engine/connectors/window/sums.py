"""Grouping and summing, exactly: decimals only, and never two units or currencies in one sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from hashlib import blake2b
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from engine.connectors.window.grid import Window
from engine.connectors.window.settings import WindowSourceSettings
from engine.core.ids import id_text
from engine.ports.connector import Received
from engine.ports.feed import FedDocument

_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])
_LARGEST, _SMALLEST = 60, -60  # powers of ten: beyond, it is no amount, and sums would be without end
_decode = msgspec.json.Decoder(float_hook=Decimal).decode

Unit = str | None


class Key(NamedTuple):
    """What makes a group: its window, its fields, its units; and of an entry told by itself which one it is."""

    window: Window
    late: bool
    group: tuple[str | None, ...]
    units: tuple[Unit, ...]
    entry: str | None


@dataclass
class Group:
    """`documents`: by message, position and key; the numbers of the entries summed."""

    sums: dict[str, Decimal] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)
    count: int = 0
    documents: dict[tuple[str, int, str], list[int]] = field(default_factory=dict)


class Sums:
    """What one closing tells."""

    def __init__(self, settings: WindowSourceSettings, cut: int) -> None:
        self._settings, self._cut = settings, cut
        self._groups: dict[Key, Group] = {}

    def add(self, window: Window, late: bool, message_id: int, document: FedDocument, body: Mapping[str, Any]) -> None:
        reference = (id_text(message_id), document.position, document.natural_key)
        for number, entry in _entries(body, self._settings.each):
            found = {path: _amount(path, entry, body) for path in self._settings.sum}
            units = tuple(None if one is None else one[1] for one in found.values())
            named = tuple(_text(_at(path, entry, body)) for path in self._settings.group_by)
            alone = f"{reference[0]}.{reference[1]}.{number}" if self._is_alone(found) else None
            group = self._groups.setdefault(Key(window, late, named, units, alone), Group())
            _count(group, found)
            group.documents.setdefault(reference, []).append(number)

    def _is_alone(self, found: Mapping[str, tuple[Decimal, Unit] | None]) -> bool:
        line_from = self._settings.line_from
        if line_from is None:
            return self._settings.rule == "line"
        amount = found[line_from.sum]
        return amount is not None and amount[0] >= line_from.amount

    def messages(self) -> Iterator[Received]:
        """In order of window, the same whenever they are made."""
        for key, group in sorted(self._groups.items(), key=lambda one: one[0].window.start):
            yield Received(
                msgspec.json.encode(self._body(key, group)),
                natural_id=self._identity(key),
                message_type="window",
                attributes={"window": _local(key.window.start, self._settings.zone)},
            )

    def _identity(self, key: Key) -> str:
        told = msgspec.json.encode([key.group, key.units, key.entry])
        start = key.window.start.strftime("%Y%m%dT%H%M%SZ")
        late = f".late{self._cut}" if key.late else ""  # several times late: each is a message of its own
        return f"{start}.{blake2b(told, digest_size=12).hexdigest()}{late}"

    def _body(self, key: Key, group: Group) -> dict[str, Any]:
        zone, settings = self._settings.zone, self._settings
        window = {"start": _local(key.window.start, zone), "end": _local(key.window.end, zone), "zone": zone}
        sums = {
            path: {"amount": format(amount, "f")} | ({} if unit is None else {"unit": unit})
            for (path, unit) in zip(settings.sum, key.units, strict=True)
            if (amount := group.sums.get(path)) is not None
        }
        documents = [
            {"message_id": message_id, "position": position, "key": name, "entries": numbers}
            for (message_id, position, name), numbers in group.documents.items()
        ]
        return {
            "window": window | {"late": key.late},
            "rule": "summary" if key.entry is None else "line",
            "kind": settings.kind,
            "group": dict(zip(settings.group_by, key.group, strict=True)),
            "sums": sums,
            "absent": group.absent,
            "count": group.count,
            "documents": documents,
        }


def decoded(body: bytes) -> Mapping[str, Any]:
    """A canonical document as it is written, numbers exact."""
    found = _decode(body)
    return found if isinstance(found, dict) else {}


def _count(group: Group, found: Mapping[str, tuple[Decimal, Unit] | None]) -> None:
    group.count += 1
    for path, amount in found.items():
        if amount is None:
            group.absent[path] = group.absent.get(path, 0) + 1
        else:
            group.sums[path] = _EXACT.add(group.sums.get(path, Decimal(0)), amount[0])


def _entries(body: Mapping[str, Any], each: str | None) -> list[tuple[int, Mapping[str, Any]]]:
    if each is None:
        return [(1, body)]
    found = _walk(body, each.split("."))
    entries = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return list(enumerate(entries, 1))


def _at(path: str, entry: Mapping[str, Any], body: Mapping[str, Any]) -> Any:
    """Of the entry, else of the document around it."""
    steps = path.split(".")
    return _walk(entry if steps[0] in entry else body, steps)


def _walk(value: Any, steps: list[str]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _amount(path: str, entry: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[Decimal, Unit] | None:
    """An amount and its unit or currency, which stands beside it; None: there is none."""
    found = _at(path, entry, body)
    around = found if isinstance(found, dict) else None
    if around is not None:
        found = around.get("amount")
    elif path.endswith(".amount"):
        around = _at(path.rpartition(".")[0], entry, body)
    exact = _exact(found)
    if exact is None:
        return None
    unit = None if not isinstance(around, dict) else around.get("unit", around.get("currency"))
    return exact, _text(unit)


def _exact(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        exact = Decimal(value)
    except InvalidOperation:
        return None
    if not exact.is_finite() or exact.adjusted() > _LARGEST:
        return None
    return exact if int(exact.as_tuple().exponent) >= _SMALLEST else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, dict | list):
        return None
    return str(value)


def _local(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).isoformat()
