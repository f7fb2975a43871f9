"""What a notification says: of R4 nothing, or a resource; of R5 and of its backport to R4 a bundle with a status.

Source: https://hl7.org/fhir/R4/subscription.html, https://hl7.org/fhir/R5/subscriptionstatus.html,
https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from engine.core.errors import StructureError
from engine.protocols.fhir.bundle import Bundle, Entry, split_bundle
from engine.protocols.fhir.resource import Tree, read_head, read_tree

_MOST = 10_000
_FOCUS = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")


class Notification(msgspec.Struct, frozen=True):
    """One notification.

    Args:
        kind: `handshake`, `heartbeat`, `event-notification`, `query-status`; of R4 always `event-notification`.
        resources: what it holds, verbatim.
        focus: type and id of what it names without holding it.
        first, last: numbers of its events; None: it does not number them.
        is_all: it says all there is to know; else the server must be asked.
    """

    kind: str = "event-notification"
    resources: tuple[Entry, ...] = ()
    focus: tuple[tuple[str, str], ...] = ()
    first: int | None = None
    last: int | None = None
    is_all: bool = False


def read_notification(body: bytes) -> Notification:
    """Raises StructureError, CharsetError: names the place."""
    if not body.strip() or body.strip() == b"{}":
        return Notification()
    head = read_head(body)
    if head.resourceType != "Bundle":
        return Notification(resources=(Entry(0, body),), is_all=True)
    bundle = split_bundle(body, _MOST)
    status = _status(bundle)
    if status is None:
        raise StructureError("not a notification", where="Bundle.entry[0].resource", remedy="send its status first")
    return _told(bundle, status)


def _status(bundle: Bundle) -> Tree | None:
    """The first entry: a SubscriptionStatus, or Parameters in its place."""
    if bundle.type not in ("subscription-notification", "history") or not bundle.entries:
        return None
    body = bundle.entries[0].body
    tree = read_tree(body) if body and body != b"null" else {}
    if tree.get("resourceType") == "SubscriptionStatus":
        return tree
    return _of_parameters(tree) if tree.get("resourceType") == "Parameters" else None


def _of_parameters(tree: Tree) -> Tree:
    """As the backport writes it in R4: each element a parameter, `value…` or parts."""
    status: Tree = {"notificationEvent": []}
    for one in _dicts(tree.get("parameter")):
        name = {"events-since-subscription-start": "eventsSinceSubscriptionStart"}.get(str(one.get("name")))
        if one.get("name") == "notification-event":
            parts = {_camel(str(part.get("name"))): _value(part) for part in _dicts(one.get("part"))}
            status["notificationEvent"].append(parts)
        else:
            status[name or _camel(str(one.get("name")))] = _value(one)
    return status


def _told(bundle: Bundle, status: Tree) -> Notification:
    kind = status.get("type")
    if kind not in ("handshake", "heartbeat", "event-notification", "query-status", "query-event"):
        raise StructureError("no known type of notification", where="Bundle.entry[0].resource.type")
    events = _dicts(status.get("notificationEvent"))
    numbers = [number for one in events if (number := _count(one.get("eventNumber"))) is not None]
    held = tuple(entry for entry in bundle.entries[1:] if entry.body and entry.body != b"null")
    named = [_focus(one.get("focus")) for one in events]
    have = {(head.resourceType, head.id) for head in map(_head, held)}
    focus = tuple(dict.fromkeys(one for one in named if one is not None and one not in have))
    since = _count(status.get("eventsSinceSubscriptionStart"))
    last = max(numbers) if numbers else since
    first = min(numbers) if numbers else None
    # A notification of several events that names none of them must be asked for.
    is_all = kind == "handshake" or kind == "heartbeat" or bool(held or focus)
    return Notification(str(kind), held, focus, first, last, is_all)


def _head(entry: Entry) -> Any:
    try:
        return read_head(entry.body)
    except StructureError as error:
        raise StructureError(error.what, where=f"{entry.place}.resource") from None


def _focus(reference: Any) -> tuple[str, str] | None:
    text = reference.get("reference") if isinstance(reference, dict) else reference
    found = _FOCUS.fullmatch(text) if isinstance(text, str) else None
    return (found[1], found[2]) if found else None


def _count(value: Any) -> int | None:
    """integer64 is text in JSON."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _dicts(value: Any) -> list[Any]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _value(parameter: Tree) -> Any:
    return next((value for name, value in parameter.items() if name.startswith("value")), None)


def _camel(name: str) -> str:
    first, *rest = name.split("-")
    return first + "".join(word.capitalize() for word in rest)
