"""What somebody of one facility sees of a way that goes through several matters."""

from __future__ import annotations

from typing import Any, cast

import pytest

from engine.api.p2p_scope import ScopedP2p
from engine.ports.p2p_operations import Lineage, P2pOperations


class Inner:
    """`named`: facilities by dossier."""

    def __init__(self, **named: set[str]) -> None:
        self.named = {dossier.replace("_", ":"): frozenset(found) for dossier, found in named.items()}

    async def lineage(self, asked: str, who: str) -> Lineage | None:
        return Lineage(asked, list(self.named), [])

    async def facilities(self, dossier: str) -> frozenset[str]:
        return self.named[dossier]


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
