"""A case is given to a role or person that there is: a misspelt one would leave it on nobody's list."""

from __future__ import annotations

import pytest

from engine.channel.policies import Policies
from engine.channel.policy_people import People, Person, Role
from engine.ports.p2p_operations import CaseAsk
from engine.ports.procure import Case
from engine.procure.desk.actions import AskError, check
from engine.procure.papers import Papers

CASE = Case("c1", "order:PO-1", "price_above_tolerance", "open", 0, "The price of line 1 is above the tolerance")
LORE = Person(person="l.ferreira", roles=("supply-chain",))
KNOWN = Policies(people=People(roles={"buyer": Role(title="Purchasing")}, people=(LORE,)))


def _give(to: str, policies: Policies | None = KNOWN) -> None:
    check(CaseAsk("reassign", "she knows the contract", assign_to=to), CASE, Papers(()), policies, "r.okafor")


@pytest.mark.parametrize("to", ["buyer", "supply-chain", "l.ferreira", "L.Ferreira"])
def test_a_role_or_person_of_the_policies_gets_it(to: str) -> None:
    _give(to)


@pytest.mark.parametrize(
    ("to", "advice"), [("buyr", "did you mean 'buyer'"), ("zz", "known here: buyer, supply-chain")]
)
def test_a_name_that_nobody_has_is_refused_with_the_nearest(to: str, advice: str) -> None:
    with pytest.raises(AskError, match=advice):
        _give(to)


@pytest.mark.parametrize("policies", [None, Policies()])
def test_where_the_policies_name_nobody_any_name_will_do(policies: Policies | None) -> None:
    _give("anybody", policies)
