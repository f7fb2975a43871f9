"""What an approval shows: the document that is to be approved, what changed in it, and what people answered. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from engine.canonical import ApprovalAction, Document, Payment, Requisition, Supplier, SupplierMerge
from engine.canonical.guarded import Guarded
from engine.ports.approvals import Answered, Changed
from engine.ports.procure import Case
from engine.procure.desk.timeline import place_of
from engine.procure.papers import Papers

MOST_FIELDS = 5000  # a requisition of four hundred lines; what is left out is counted
_KINDS: Mapping[str, type[Document]] = {
    "requisition": Requisition,
    "supplier": Supplier,
    "bank_change": Supplier,
    "merge": SupplierMerge,
    "payment": Payment,
}
_OF_CASE = {"bank_account_unverified": "bank_change", "merge_waiting": "merge"}
APPROVALS = ("approval_wanted", "approval_stuck", *_OF_CASE)
"""Types of the cases that are approvals."""


def subject_of(case: Case) -> str:
    return _OF_CASE.get(case.type) or str(case.facts.get("subject", "requisition"))


def number_of(case: Case) -> str:
    return str(case.facts.get("approval_number", ""))


def routed_as(subject: str) -> str:
    """The subject that routes and delegations know it by: a merge is a supplier's matter."""
    return "supplier" if subject == "merge" else subject


def content_of(case: Case, papers: Papers) -> list[tuple[str, str]]:
    """The newest version, field by field; of a bank change, the account."""
    versions = _versions(case, papers)
    shown = list(_shown(case, versions[-1]).items()) if versions else []
    more = len(shown) - MOST_FIELDS
    return [*shown[:MOST_FIELDS], ("not shown", f"{more} more values of the document")] if more > 0 else shown


def changes_of(case: Case, papers: Papers) -> list[Changed]:
    """Between the newest version and the last one before it that differs in what is to be approved."""
    shown = [_shown(case, one) for one in _versions(case, papers)]
    if not shown:
        return []
    after = shown[-1]
    before = next((one for one in reversed(shown) if one != after), {})
    names = dict.fromkeys([*before, *after])
    if not before:
        return []
    return [
        Changed(name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    ][:MOST_FIELDS]


def _versions(case: Case, papers: Papers) -> list[Document]:
    """Of the document that the case is about: the newest of its kind in the dossier, with those before."""
    kind = _KINDS.get(subject_of(case))
    found = [one for one in papers.all if kind is None or isinstance(one.document, kind)]
    if kind is None:
        wanted = str(case.facts.get("subject_key", ""))
        found = [one for one in found if one.record.key == wanted]
    if kind is SupplierMerge:
        found = [one for one in found if one.record.key == place_of(case)]
    return [one.document for one in found]


def _shown(case: Case, document: Document) -> dict[str, str]:
    if subject_of(case) == "bank_change" and isinstance(document, Supplier):
        account = document.bank_account(place_of(case))
        return {} if account is None else dict(_flat(dict(account), ""))
    return dict(_flat(dict(document), ""))


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Numbers that are guarded stay masked: their `str` is."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, tuple | list):
        for number, inner in enumerate(value, 1):
            yield from _flat(inner, f"{name}[{number}]")
    elif hasattr(value, "model_fields_set"):
        yield from _of_model(value, name)
    elif isinstance(value, Guarded):
        yield name, value.masked
    elif isinstance(value, bool):
        yield name, "yes" if value else "no"
    elif value not in (None, ""):
        yield name, str(value)


def _of_model(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if value.__class__.__name__ == "Money":
        yield name, f"{value.amount:f} {value.currency}"
    elif value.__class__.__name__ == "Quantity":
        yield name, f"{value.amount:f} {value.unit}"
    else:
        yield from _flat(dict(value), name)


def answers_of(number: str, papers: Papers, state: Mapping[str, Any]) -> list[Answered]:
    """Of one approval, the oldest first, each with why it does not count."""
    refused = dict(not_counted(state))
    found = []
    for one in sorted(papers.newest(ApprovalAction), key=lambda act: (act.at, act.action_number)):
        if one.approval_number == number:
            why = refused.get((one.who, one.at))
            found.append(Answered(one.who, one.action.value, one.at, one.on_behalf_of, why, one.reason))
    return found


def not_counted(state: Any) -> Iterator[tuple[tuple[str, datetime], str]]:
    """Who answered when, and why it does not count, wherever a decision's state says so."""
    if isinstance(state, Mapping):
        for name, value in state.items():
            if name == "not_counted" and isinstance(value, list | tuple):
                yield from (_refusal(one) for one in value)
            else:
                yield from not_counted(value)
    elif isinstance(state, list | tuple):
        for one in state:
            yield from not_counted(one)


def _refusal(one: Mapping[str, Any]) -> tuple[tuple[str, datetime], str]:
    at = one["at"]
    return (str(one["who"]), at if isinstance(at, datetime) else datetime.fromisoformat(str(at))), str(one["why"])
