"""A posting that names a master which a system does not have yet: it waits for that master, and is then tried again.

Masters come to a system by ways of their own, often a moment later. Two signs are known: a supplier whose propagation
nobody answered yet, and a refusal that says what the system lacks. Who waits is told until when and for what.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine.canonical import Item, MasterKey, PostingResult, PurchaseOrder, Supplier
from engine.core.clock import from_micros, to_micros
from engine.procure.decision import World
from engine.procure.papers import Papers
from engine.procure.suppliers.approval import is_taken_over
from engine.procure.suppliers.papers import supplier_dossier

PATIENCE = timedelta(days=1)
"""So long a master may take to every system; then the system is asked as it is, and says itself what it lacks."""
_AGAIN = tuple(timedelta(minutes=one) for one in (1, 5, 15, 60, 240, 720))
"""After how long a refused posting is tried again when nobody told that the master is there by now."""


class Awaited(msgspec.Struct, frozen=True):
    """A master on its way to a system."""

    master: MasterKey
    system: str
    until: datetime

    @property
    def state(self) -> dict[str, str]:
        words = f"{self.master.kind} {self.master.key}"
        until = self.until.isoformat(timespec="seconds")
        return {"state": "waiting", "for": words, "until": until, "because": f"{self.system} does not have it yet"}


def home_of(master: MasterKey) -> str:
    """The dossier of what is told of a master and answered about it."""
    return supplier_dossier(master.key) if master.kind == Supplier.kind else f"{master.kind.lower()}:{master.key}"


# ------------------------------------------------------------------ before it is asked for
def on_their_way(order: PurchaseOrder, world: World, system: str = "erp") -> Awaited | None:
    """The last of the masters that an order names and that the system is still to get; None: it may be made."""
    masters = [MasterKey(kind=Supplier.kind, key=order.supplier_number)]
    masters += [MasterKey(kind=Item.kind, key=one) for one in sorted({line.item_number for line in order.lines})]
    found = [one for master in masters if (one := _on_its_way(master, world, system)) is not None]
    return max(found, key=lambda one: (one.until, one.master.key), default=None)


def _on_its_way(master: MasterKey, world: World, system: str) -> Awaited | None:
    papers = world.papers(home_of(master))
    if any(one.ok for one in _answers(papers, master, system)):
        return None
    since = max(_asked(papers, master, system), default=None)
    if since is None or world.now >= since + PATIENCE:
        return None
    return Awaited(master, system, since + PATIENCE)


def _answers(papers: Papers, master: MasterKey, system: str) -> list[PostingResult]:
    """About this very master, every version."""
    about = (master.kind, master.key, system)
    return [one for one in papers.versions(PostingResult) if (one.subject_kind, one.subject_key, one.system) == about]


def _asked(papers: Papers, master: MasterKey, system: str) -> Iterator[datetime]:
    """When a system got it, and did not say that it has it. What a system of record told of, is there."""
    yield from (one.answered_at for one in _answers(papers, master, system))
    versions = [one for one in papers.all if isinstance(one.document, Supplier)]
    if master.kind == Supplier.kind and versions and not is_taken_over(versions):
        yield from_micros(versions[-1].record.at_micros)


# ------------------------------------------------------------------ after it was refused
def waits_after(refusal: PostingResult, tries: int, world: World) -> Awaited | None:
    """
    Args:
        tries: so often it was tried again already.

    Returns:
        None: it is tried again now, or no more.
    """
    if refusal.lacks is None or is_worth_a_try(refusal, tries, world) or tries >= len(_AGAIN):
        return None
    return Awaited(refusal.lacks, refusal.system, refusal.answered_at + _AGAIN[tries])


def is_worth_a_try(refusal: PostingResult, tries: int, world: World) -> bool:
    """Something was told of the master since, or its time has come."""
    if refusal.lacks is None or tries >= len(_AGAIN):
        return False
    if world.now >= refusal.answered_at + _AGAIN[tries]:
        return True
    return any(_is_news(one.document) and one.record.at_micros > to_micros(refusal.answered_at)
               for one in world.papers(home_of(refusal.lacks)).all)  # fmt: skip


def _is_news(document: Any) -> bool:
    return document.ok if isinstance(document, PostingResult) else True
