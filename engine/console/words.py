"""Words and tones for states: one place, so that every page and the live refresh say the same.

Tones are `good`, `busy`, `warn`, `bad`, `quiet`; a tone is never the only carrier of a meaning.
"""

from __future__ import annotations

import re
from datetime import datetime

from engine.core.figures import grouped
from engine.ports.accounts import Role
from engine.ports.connector import Reason
from engine.ports.states import DeliveryState, MessageState

M, D = MessageState, DeliveryState

MESSAGE_TONES = {
    M.RECEIVED: "busy",
    M.REFUSED: "bad",
    M.FILTERED: "quiet",
    M.TRANSFORMED: "good",
    M.QUEUED: "busy",
    M.DELIVERED: "good",
    M.HELD: "warn",
    M.SUPERSEDED: "quiet",
    M.DISCARDED: "quiet",
}
DELIVERY_TONES = {D.QUEUED: "busy", D.SENDING: "busy", D.DELIVERED: "good", D.HELD: "warn", D.CANCELLED: "quiet"}
CHANNEL_TONES = {"running": "good", "paused": "warn", "stopped": "quiet", "failed": "bad"}
DESTINATION_TONES = {
    "sending": "good",
    "idle": "good",
    "retrying": "warn",
    "open": "bad",
    "window": "quiet",
    "paused": "warn",
}
DESTINATION_WORDS = {
    "open": "circuit open",
    "window": "maintenance window",
}
CHANGE_TONES = {"new": "good", "changed": "busy", "removed": "bad", "unreadable": "bad", "same": "quiet"}
# What a partner said of an X12 interchange that we sent, by OutboundNumber.state.
ACKNOWLEDGEMENT_TONES = {
    "waiting": "busy",
    "overdue": "warn",
    "accepted": "good",
    "accepted_with_errors": "warn",
    "rejected": "bad",
}
ACKNOWLEDGEMENT_WORDS = {
    "waiting": "not acknowledged yet",
    "overdue": "acknowledgement overdue",
    "accepted": "acknowledged",
    "accepted_with_errors": "acknowledged with errors",
    "rejected": "rejected by the partner",
}
MEANINGS = {
    M.RECEIVED: "Committed and acknowledged, not yet transformed.",
    M.REFUSED: "The sender was told no; the message is kept with the reason.",
    M.FILTERED: "The channel does not want it; kept with the reason.",
    M.TRANSFORMED: "Documents were written; no destination wanted one.",
    M.QUEUED: "Deliveries are outstanding.",
    M.DELIVERED: "Every delivery arrived.",
    M.HELD: "Waits for a person.",
    M.SUPERSEDED: "A person edited it; the successor goes on.",
    M.DISCARDED: "A person decided that it goes nowhere.",
}
ROLE_WORDS = {
    Role.VIEWER: "Sees channels, messages and audit",
    Role.OPERATOR: "Also pauses, resends, confirms, discards",
    Role.ANALYST: "Also deploys, rolls back, replays",
    Role.ADMIN: "Also manages people and retention",
}
# What to do when an error brings no remedy of its own; by the first letter of its code.
_REMEDIES = {
    "F": "Ask the sender to fill the field, or edit the message and resend it.",
    "D": "Correct the master data or the crosswalk, then resend.",
    "S": "Correct the transform and deploy it, then resend.",
    "T": "Look at the far side first, then confirm the delivery or resend it.",
    "J": "The stored body is damaged. Ask the sender to send it again, then discard this one.",
    "M": "Ask the sender for a correct message.",
}
_KIND_ORDER = 1024
_MEASURED = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,12})? [A-Z][A-Z0-9]{1,11}")


def remedy(reason: Reason) -> str:
    return reason.remedy or _REMEDIES.get(reason.code[:1], "Look at the message, then resend or discard it.")


def state_word(state: MessageState | DeliveryState) -> str:
    return state.name.capitalize()


def moment(value: datetime | None) -> str:
    """`20 Nov 15:42:10`, UTC."""
    return "never" if value is None else f"{value:%d %b %H:%M:%S}".lstrip("0")


def count(value: int) -> str:
    """`1,318`, as amounts are."""
    return grouped(value)


def amount(text: str) -> str:
    """Numbers of a text told apart in thousands: `1000 / 2000` as `1,000 / 2,000`."""
    return " ".join(map(grouped, text.split(" ")))


def is_measured(text: str) -> bool:
    """Whether it is an exact number with its currency or unit, and nothing else: `1250.50 USD`."""
    return _MEASURED.fullmatch(text) is not None


def told(text: str) -> str:
    """A value of a document: amounts and quantities with thousands told apart; numbers of things as they are."""
    return amount(text) if is_measured(text) else text


def size(value: int) -> str:
    if value < _KIND_ORDER:
        return f"{value} B"
    return f"{value / _KIND_ORDER:.1f} KiB" if value < _KIND_ORDER**2 else f"{value / _KIND_ORDER**2:.1f} MiB"


def rate(value: float) -> str:
    """Messages a second: one decimal below a hundred."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def plural(number: int, word: str) -> str:
    return f"{count(number)} {word}{'' if number == 1 else 's'}"
