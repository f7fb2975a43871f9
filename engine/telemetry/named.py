"""Events told by name and facts, as the flow's meters tell them, made into the events declared here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.telemetry import events
from engine.telemetry.event import Event

Facts = Mapping[str, Any]


def _place(facts: Facts) -> dict[str, Any]:
    return {"code": str(facts.get("code", "E000")), "where": facts.get("where")}


def _delivery(channel: str, facts: Facts) -> dict[str, Any]:
    return {"channel": channel, "destination": str(facts["destination"]), "message_id": int(facts["message_id"])}


def _refused(channel: str, facts: Facts) -> Event:
    if facts["verdict"] == "duplicate":
        return events.MessageRepeated(channel, facts["message_id"])
    text = str(facts.get("text") or facts["verdict"])
    return events.MessageRefused(channel, facts["message_id"], text=text, **_place(facts))


_KINDS: dict[str, Callable[[str, Facts], Event]] = {
    "refused": _refused,
    "held": lambda channel, f: events.MessageHeld(channel, f["message_id"], text=str(f.get("text", "")), **_place(f)),
    "source_failed": lambda channel, f: events.SourceFailed(
        channel, str(f.get("error", "E000")), str(f.get("text", ""))
    ),
    "source_recovered": lambda channel, f: events.SourceRecovered(channel, int(f["failures"])),
    "store_failed": lambda channel, f: events.StoreFailed(str(f.get("code", "J001")), f"at {channel}"),
    "delivery_failed": lambda channel, f: events.DeliveryRetried(
        **_delivery(channel, f),
        code=str(f.get("code")),
        text=str(f.get("text", "")),
        attempts=int(f.get("attempts", 1)),
    ),
    "delivery_held": lambda channel, f: events.DeliveryHeld(
        **_delivery(channel, f), text=str(f.get("text", "")), **_place(f)
    ),
    "circuit_opened": lambda channel, f: events.CircuitOpened(channel, str(f["destination"]), str(f.get("code"))),
    "connector_failed": lambda channel, f: events.DestinationFailed(
        channel, str(f["destination"]), str(f.get("error"))
    ),
    "certificate_expiring": lambda channel, f: events.CertificateExpiring(
        channel, str(f["file"]), int(f["days"]), str(f["when"])
    ),
    "measures_differed": lambda channel, f: events.MeasuresDiffered(int(f["count"]), str(f["rows"])),
    "feed_looked_at": lambda channel, f: events.FeedLookedAt(
        channel, str(f["destination"]), str(f["sources"]), int(f["seconds"])
    ),
    "acknowledgement_overdue": lambda partner, f: events.AcknowledgementOverdue(
        partner, int(f["number"]), str(f["transaction_set"]), str(f["within"]), int(f["message_id"])
    ),
    "interchange_rejected": lambda partner, f: events.InterchangeRejected(
        partner, int(f["number"]), str(f["transaction_set"]), str(f["message"]), str(f["text"])
    ),
    "worker_replaced": lambda channel, f: events.WorkerReplaced(int(f.get("pid", 0)), "S004", str(f.get("why", ""))),
}


def named(emit: Callable[[Event], None]) -> Callable[[str, str, dict[str, object]], None]:
    """What takes (name, channel, facts) and emits the event; one without a declaration becomes `OtherHappened`."""

    def tell(name: str, channel: str, facts: dict[str, object]) -> None:
        other = events.OtherHappened(name, channel or "engine")
        try:
            event = _KINDS[name](channel, facts) if name in _KINDS else other
        except (KeyError, TypeError, ValueError):  # a tale that lacks a fact must not stop a message
            event = other
        emit(event)

    return tell
