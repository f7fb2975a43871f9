"""Numbers of suppliers that are one by now: a merge of here holds before any system tells of it, until it is split."""

from __future__ import annotations

from engine.canonical import SupplierMerge
from engine.procure.decision import World
from engine.procure.suppliers.merge import merges
from engine.procure.suppliers.papers import supplier_dossier

_MOST = 10  # numbers that ended one after the other


def are_one(number: str, other: str, world: World) -> bool:
    return number == other or goes_on_as(number, world) == goes_on_as(other, world)


def goes_on_as(number: str, world: World) -> str:
    """The number that it ended in; its own, when it did not end."""
    for _ in range(_MOST):
        papers = world.papers(supplier_dossier(number))
        if not any(one.absorbed_number == number for one in papers.newest(SupplierMerge)):
            return number
        ended = (one.merge for one in merges(papers, world) if one.holds)
        survivor = next((one.survivor_number for one in ended if one.absorbed_number == number), None)
        if survivor is None:
            return number
        number = survivor
    return number
