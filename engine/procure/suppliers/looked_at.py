"""What people let pass of a supplier's cases: a name that is only like a listed one, a number that is another entity.

It holds for what was there to be looked at: another entry of the list, or another name, is looked at anew.
"""

from __future__ import annotations

from typing import Any

from engine.canonical import CaseAction, CaseVerb, SanctionsScreening, Supplier
from engine.procure.decision import World
from engine.procure.papers import Paper, Papers
from engine.procure.speaking import is_same, key_of, makers_of
from engine.procure.suppliers.names import Alike, identity_of
from engine.procure.suppliers.papers import supplier_dossier

SANCTIONED, DUPLICATE = "supplier_sanctioned", "supplier_duplicate"
_PASSES = frozenset({CaseVerb.ACCEPT, CaseVerb.RELEASE})
_REVOKES = frozenset({CaseVerb.REJECT, CaseVerb.REOPEN, CaseVerb.HOLD})


def passed_at(papers: Papers, case_type: str, policies: Any) -> int | None:
    """When a person who is logged in and made nothing of the matter last let it pass, in microseconds; None: nobody
    did, or it was taken back."""
    makers, at = {key_of(policies, name) for name in makers_of(papers)}, None
    for paper in sorted(papers.latest(), key=lambda one: (one.record.at_micros, one.record.key)):
        act = paper.document
        if not isinstance(act, CaseAction) or act.case_type != case_type:
            continue
        if act.action in _REVOKES:
            at = None
        elif act.action in _PASSES and _is_own(paper, act, policies) and key_of(policies, act.who) not in makers:
            at = paper.record.at_micros
    return at


def _is_own(paper: Paper, act: CaseAction, policies: Any) -> bool:
    return paper.record.who is not None and is_same(policies, paper.record.who, act.who)


def as_looked_at(answer: SanctionsScreening, papers: Papers, policies: Any) -> SanctionsScreening:
    """Clear when a person let the entries pass that are in it."""
    at = None if answer.is_clear else passed_at(papers, SANCTIONED, policies)
    if at is None or _told(answer, papers) > at:
        return answer
    return answer.model_copy(update={"is_clear": True})


def _told(answer: SanctionsScreening, papers: Papers) -> int:
    """Since when the list says just this of these names, without a break."""
    at = papers.paper(answer).record.at_micros
    versions = [one for one in papers.all if one.record.key == answer.natural_key]
    for one in reversed([one for one in versions if isinstance(one.document, SanctionsScreening)]):
        if _said(one.document) != _said(answer):
            break
        at = one.record.at_micros
    return at


def _said(answer: Any) -> tuple[Any, ...]:
    return answer.is_clear, answer.names, answer.entries


def are_two(pair: Alike, world: World) -> bool:
    """A person let the case of either number pass, after both were who they are now."""
    sides = [world.papers(supplier_dossier(number)) for number in (pair.one, pair.other)]
    passed = [at for papers in sides if (at := passed_at(papers, DUPLICATE, world.policies)) is not None]
    return bool(passed) and max(passed) >= max(_since(papers) for papers in sides)


def _since(papers: Papers) -> int:
    """Since when it has its name and tax numbers."""
    at = 0
    versions = [one for one in papers.all if isinstance(one.document, Supplier)]
    for one in reversed(versions):
        if _identity(one) != _identity(versions[-1]):
            break
        at = one.record.at_micros
    return at


def _identity(paper: Paper) -> str:
    assert isinstance(paper.document, Supplier)  # papers were chosen so
    return identity_of(paper.document)
