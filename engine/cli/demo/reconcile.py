"""Compares three things that know nothing of one another: what was sent, what the engine says, what the ERP holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from engine.app import store_url
from engine.channel.load import load_site
from engine.cli.demo import edi
from engine.cli.demo.parcel import Ending, Parcel
from engine.cli.demo.tally import Tally
from engine.core.clock import SystemClock
from engine.ports.connector import Reason
from engine.ports.erp import ErpAdapter, Posted
from engine.ports.journal import MessageRow
from engine.ports.operations import ChannelStatus
from engine.store.open import open_store

Expected = Mapping[tuple[str, str], Decimal | None]
_ALL = 100_000
SHOWN_AS = {"DELIVERED": Ending.DELIVERED, "FILTERED": Ending.FILTERED, "HELD": Ending.HELD, "REFUSED": Ending.REFUSED}


class KindLine(NamedTuple):
    """One kind of document: what the traffic calls for and what the ERP holds, counted and added by the ERP."""

    kind: str
    expected: int
    found: int
    expected_total: Decimal | None
    erp_total: Decimal | None
    held_by_erp: int
    wrong: tuple[str, ...] = ()

    @property
    def difference(self) -> Decimal:
        return (self.erp_total or Decimal(0)) - (self.expected_total or Decimal(0))

    @property
    def agrees(self) -> bool:
        return self.expected == self.found == self.held_by_erp and not self.difference and not self.wrong


class ChannelLine(NamedTuple):
    """One channel: how many messages ended how, and how many should have."""

    channel: str
    sent: int
    got: Mapping[Ending, int]
    expected: Mapping[Ending, int]

    @property
    def agrees(self) -> bool:
        return all(self.got.get(e, 0) == self.expected.get(e, 0) for e in SHOWN_AS.values())


class AnswerLine(NamedTuple):
    """One kind of answer to trading partners: `A`, `E`, `R` of a 997, or `TA1 R`."""

    code: str
    expected: int
    found: int

    @property
    def agrees(self) -> bool:
        return self.expected == self.found


class Trouble(NamedTuple):
    """Messages that ended alike for one reason."""

    channel: str
    state: str
    reason: Reason
    messages: int


Held = Mapping[str, tuple[int, Decimal]]
_NONE = (0, Decimal(0))


async def kinds(adapter: ErpAdapter, expected: Expected, before: Held) -> list[KindLine]:
    """Look every expected document up in the ERP, then compare with what the ERP itself counts and adds up.

    Args:
        before: what the ERP held of each kind before the day began.
    """
    found = {pair: await adapter.find(*pair, pair[1]) for pair in expected}
    now = await adapter.summary()
    return [_line(kind, expected, found, before, now) for kind in sorted({kind for kind, _ in expected})]


def _line(
    kind: str, expected: Expected, found: Mapping[tuple[str, str], Posted | None], before: Held, now: Held
) -> KindLine:
    pairs = [pair for pair in expected if pair[0] == kind]
    there = {pair: posted for pair in pairs if (posted := found[pair]) is not None}
    wrong = [f"{pair[1]} is not there" for pair in pairs if pair not in there]
    wrong += [
        f"{pair[1]} is {p.total}, not {expected[pair]}" for pair, p in there.items() if _differs(p, expected[pair])
    ]
    amounts = [amount for pair in pairs if (amount := expected[pair]) is not None]
    (had, had_total), (has, has_total) = before.get(kind, _NONE), now.get(kind, _NONE)
    return KindLine(
        kind,
        expected=len(pairs),
        found=len(there),
        expected_total=sum(amounts, Decimal(0)) if amounts else None,
        erp_total=has_total - had_total if amounts else None,
        held_by_erp=has - had,
        wrong=tuple(wrong),
    )


def _differs(posted: Posted, amount: Decimal | None) -> bool:
    return amount is not None and posted.total != amount


def channels(statuses: Sequence[ChannelStatus], tally: Tally) -> list[ChannelLine]:
    return [_channel(status, tally) for status in statuses]


def _channel(status: ChannelStatus, tally: Tally) -> ChannelLine:
    got = {ending: status.counts.get(state, 0) for state, ending in SHOWN_AS.items()}
    unfinished = sum(status.counts.get(state, 0) for state in ("RECEIVED", "QUEUED"))
    if unfinished:  # still under way: it has no ending yet, so nothing agrees
        got[Ending.DELIVERED] -= unfinished
    got[Ending.DELIVERED] += status.counts.get("TRANSFORMED", 0)
    expected = tally.expected.get(status.name, Counter())
    got |= {ending: expected[ending] for ending in (Ending.REPEATED, Ending.TURNED_AWAY)}
    return ChannelLine(status.name, tally.sent[status.name], got, dict(expected))


def answers(parcels: Sequence[Parcel], folder: Path, more: int = 0) -> list[AnswerLine]:
    """What trading partners were to be told, and what the files for them tell.

    Args:
        more: good interchanges beside the planned ones.
    """
    expected = Counter(parcel.told for parcel in parcels if parcel.told) + Counter({"A": more})
    found = Counter(
        code for path in _files(folder) if path.suffix == ".edi" for code in edi.read_answer(path.read_bytes())
    )
    return [AnswerLine(code, expected[code], found[code]) for code in sorted({*expected, *found})]


async def orders_in_ledger(site: Path) -> dict[str, int]:
    """Our 850s by what the control-number ledger knows of them, read beside the running engine."""
    store = await open_store(store_url(load_site(site)), SystemClock(), read_only=True)
    try:
        numbers = await store.ledger.outbound(limit=_ALL)
    finally:
        await store.close()
    known = Counter(number.acknowledged for number in numbers if number.transaction_set == "850")
    return {
        "sent": known.total(),
        "accepted": known["accepted"],
        "rejected": known["rejected"],
        "unanswered": known[None],
    }


def troubles(rows: Sequence[MessageRow]) -> list[Trouble]:
    """Refused and held messages, grouped by what people would say is wrong."""
    groups: dict[tuple[str, str, Reason], int] = defaultdict(int)
    for row in rows:
        reason = row.reason or Reason("", "no reason was kept")
        place = (reason.where or "").split(", ")[0]
        shown = Reason(reason.code, reason.text, None if ".py:" in place else place or None, reason.remedy)
        groups[row.channel, row.state.name, shown] += 1
    return [Trouble(*key, count) for key, count in sorted(groups.items(), key=lambda item: _order(item[0]))]


def _order(key: tuple[str, str, Reason]) -> tuple[str, str, str]:
    return key[0], key[1], key[2].code + key[2].text


def leaks(canaries: Sequence[str], places: Sequence[Path]) -> list[str]:
    """Files that hold a patient's identifier where none belongs. The ERP's database file is read as bytes."""
    needles = [text.encode() for text in canaries]
    found = []
    for path in (file for place in places for file in _files(place)):
        body = path.read_bytes()
        found += [path.name] if any(needle in body for needle in needles) else []
    return found


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
