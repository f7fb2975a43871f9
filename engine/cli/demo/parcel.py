"""What the demonstration sends and what it expects: known before anything is sent, from the traffic alone."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Ending(StrEnum):
    """How a parcel is to end."""

    DELIVERED = "delivered"
    FILTERED = "filtered"
    HELD = "held"
    REFUSED = "refused"
    REPEATED = "repeated"  # the same message again: answered as before, nothing stored or done twice
    TURNED_AWAY = "turned away"  # not even stored: no right to send


class Phase(StrEnum):
    """The parts of the day. Each ends when its documents are in the ERP."""

    SUPPLIERS = "suppliers"
    ITEMS = "items"
    ORDERS = "orders"
    DAY = "day"
    EVENING = "evening"


class Effect(NamedTuple):
    """One document that the ERP is to hold. `amount`: its total there; None when the kind has none."""

    kind: str
    natural_key: str
    amount: Decimal | None = None


class Raised(NamedTuple):
    """An exception that people are to find. `amount` is the money at stake, as the traffic adds it up."""

    type: str
    amount: Decimal


class Matter(NamedTuple):
    """An invoice as it is to stand in the evening: `matched`, `exception` or `waiting`."""

    dossier: str
    invoice: str
    state: str


class Parcel(NamedTuple):
    """One message.

    Args:
        channel: whose door it goes to.
        name: message control id, file name or idempotency key.
        answer: first part of the answer that the sender is to get (`AA`, `AR`, `202`); empty: files get none.
        mischief: what is wrong with it, in words; empty for good ones.
        headers: for HTTP.
        told: what the X12 partner is to be told: AK9 code of a 997, or `TA1 R`; empty: nothing, or not X12.
        raises: exceptions that the process is to show to people.
        matter: of an invoice: where it is to stand; None: it is no invoice, or does not get so far.
    """

    phase: Phase
    channel: str
    name: str
    body: bytes
    ending: Ending
    answer: str = ""
    mischief: str = ""
    effects: tuple[Effect, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    told: str = ""
    raises: tuple[Raised, ...] = ()
    matter: Matter | None = None


class Day(NamedTuple):
    """All traffic in order of sending, and the patients' identifiers that must reach neither ERP nor suppliers."""

    parcels: tuple[Parcel, ...]
    canaries: tuple[str, ...]

    def expected(self) -> dict[tuple[str, str], Decimal | None]:
        """What the ERP is to hold: (kind, natural key) to total. A repeated document is one document."""
        return {
            (effect.kind, effect.natural_key): effect.amount for parcel in self.parcels for effect in parcel.effects
        }

    def matters(self) -> dict[tuple[str, str], str]:
        """(dossier, invoice) to the state that it is to have in the evening."""
        told = (parcel.matter for parcel in self.parcels if parcel.matter is not None)
        return {(one.dossier, one.invoice): one.state for one in told}

    def raised(self) -> tuple[Raised, ...]:
        return tuple(one for parcel in self.parcels for one in parcel.raises)
