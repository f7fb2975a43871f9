"""A supplier as other systems ask for it."""

from __future__ import annotations

import msgspec

from engine.canonical import Identifier, SupplierMerge
from engine.ports.procure import Dossier, Record
from engine.procure.desk.suppliers import supplier_view
from engine.procure.suppliers.merge import merge_number
from tests.support.dossiers import Dossiers
from tests.support.suppliers import ANNA, BERT, POLICIES, account, answer, clear, supplier


def dossier(here: Dossiers, number: str) -> Dossier:
    key = f"supplier:{number}"
    records: tuple[Record, ...] = tuple(paper.record for paper in here.papers(key).all)
    return Dossier(key, records=records, state=msgspec.json.encode(here.decide(key).state))


def both() -> Dossiers:
    here = Dossiers(POLICIES)
    mine = supplier("S2", accounts=(account(),))
    for one in (supplier("S1"), mine.model_copy(update={"system_numbers": (Identifier(scheme="birch", value="7"),)})):
        here.take(one, ANNA)
        here.take(clear(one))
    return here


def test_nobody_is_told_of_a_supplier_that_is_not_known() -> None:
    assert supplier_view(Dossier("supplier:S9")) is None


def test_it_says_where_it_stands_and_what_systems_call_it() -> None:
    found = supplier_view(dossier(both(), "S2"))

    assert found is not None
    assert (found.state, found.screening, found.systems) == ("waiting", "clear", {"birch": "7"})
    assert found.may_be_the_same == ["S1"]
    assert found.accounts == {"MAIN": "waiting"}


def test_a_number_that_ended_leads_to_the_one_that_goes_on() -> None:
    here = both()
    one = SupplierMerge(absorbed_number="S2", survivor_number="S1", requested_by=ANNA, requested_at=here.now)
    here.take(one, ANNA)
    here.take(answer(merge_number(one, 1), BERT, here.now), BERT)

    ended, goes_on = supplier_view(dossier(here, "S2")), supplier_view(dossier(here, "S1"))

    assert ended is not None
    assert goes_on is not None
    assert (ended.state, ended.merged_into) == ("merged", "S1")
    assert (goes_on.ended_here, goes_on.systems) == (["S2"], {"birch": "7"})
