"""What somebody of one facility sees of a way that goes through several matters."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from engine.api.p2p_scope import ScopedP2p
from engine.ports.p2p_operations import Lineage, OrderView, P2pOperations
from tests.support.operations_double import NOW
from tests.support.p2p_double import desk_double


class Inner:
    """`named`: facilities by dossier."""

    def __init__(self, **named: set[str]) -> None:
        self.named = {dossier.replace("_", ":"): frozenset(found) for dossier, found in named.items()}

    async def lineage(self, asked: str, who: str) -> Lineage | None:
        return Lineage(asked, list(self.named), [])

    async def facilities(self, dossier: str) -> frozenset[str]:
        return self.named[dossier]


async def test_of_an_order_of_several_facilities_only_ones_own_invoices_and_cases_are_told() -> None:
    desk, _ = desk_double(NOW)
    whole = await desk.order("PO-4711", "ana")
    assert whole is not None
    here, there = (msgspec.structs.replace(whole.invoices[0], facility=one) for one in ("HARBOR-MAIN", "NORTH"))
    nobodys = msgspec.structs.replace(whole.cases[0], facility=None)
    shared = msgspec.structs.replace(
        whole, invoices=[here, there], cases=[nobodys, msgspec.structs.replace(nobodys, facility="NORTH")]
    )

    class Shared(Inner):
        async def order(self, number: str, who: str) -> OrderView | None:
            return shared

    inner = cast("P2pOperations", Shared(**{"order_PO-4711": {"HARBOR-MAIN", "NORTH"}}))
    seen = await ScopedP2p(inner, frozenset({"HARBOR-MAIN"})).order("PO-4711", "ana")

    assert seen is not None
    assert (seen.invoices, seen.cases) == ([here], [nobodys])


@pytest.mark.parametrize(
    ("named", "is_seen"),
    [
        ({"order_1": {"NORTH"}, "payment_1": set(), "bank_1": set()}, True),
        ({"order_1": {"MAIN"}, "payment_1": set()}, False),
        ({"order_1": {"NORTH"}, "order_2": {"MAIN"}, "payment_1": set()}, False),
        ({"payment_1": set()}, False),
        ({}, False),
    ],
)
async def test_a_way_is_seen_when_all_that_names_a_facility_is(named: dict[str, Any], is_seen: bool) -> None:
    scoped = ScopedP2p(cast("P2pOperations", Inner(**named)), frozenset({"NORTH"}))

    assert (await scoped.lineage("1", "ana") is not None) is is_seen
