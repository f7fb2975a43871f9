"""What happened at the doors, counted while the day is played. The board shows it, the report judges it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from engine.cli.demo.parcel import Ending, Parcel


@dataclass
class Tally:
    """Counters by channel. `surprises` are answers other than the expected ones, in words."""

    planned: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    expected: dict[str, Counter[Ending]] = field(default_factory=dict)
    erp: str = "not started"
    step: str = ""
    outage_seconds: float = 0.0
    queued_at_restart: int = 0
    orders_out: int = 0
    acknowledged: int = 0

    def plan(self, parcels: tuple[Parcel, ...]) -> None:
        for parcel in parcels:
            self.planned[parcel.channel] += 1
            self.expected.setdefault(parcel.channel, Counter())[parcel.ending] += 1

    def note(self, parcel: Parcel, answer: str) -> None:
        self.sent[parcel.channel] += 1
        if parcel.answer and answer != parcel.answer:
            said, wanted = answer or "nothing", parcel.answer
            self.surprises.append(f"{parcel.channel}: {parcel.name} was answered {said} instead of {wanted}")

    def expect(self, channel: str, delivered: int) -> None:
        """For channels that nobody sends to by plan: so many messages, all delivered."""
        self.sent[channel] = delivered
        self.expected[channel] = Counter({Ending.DELIVERED: delivered})
