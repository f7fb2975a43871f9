"""How a supplier stands, as people and other systems ask for it. Pure: made from what was decided over its dossier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.canonical import Supplier
from engine.ports.p2p_operations import SupplierView
from engine.ports.procure import Dossier
from engine.procure.papers import papers_of


def supplier_view(dossier: Dossier) -> SupplierView | None:
    """None: no master of it came yet."""
    supplier = next(iter(papers_of(dossier).newest(Supplier)), None)
    if supplier is None:
        return None
    state = msgspec.json.decode(dossier.state)
    number = supplier.supplier_number
    merges = [one for one in state.get("merges", ()) if one["holds"]]
    return SupplierView(
        number=number,
        name=supplier.name,
        state=str(state.get("state", "new")),
        systems=state.get("systems", {}),
        approval=_approval(state.get("approval", {})),
        approval_number=state.get("approval_number", ""),
        screening=state.get("screening"),
        merged_into=next((one["survivor"] for one in merges if one["absorbed"] == number), supplier.merged_into),
        ended_here=sorted(one["absorbed"] for one in merges if one["survivor"] == number),
        may_be_the_same=sorted(
            next(name for name in (one["one"], one["other"]) if name != number)
            for one in state.get("may_be_the_same", ())
        ),
        accounts={code: one["state"] for code, one in state.get("bank_accounts", {}).items()},
        cases=sum(one.state == "open" for one in dossier.cases),
    )


def _approval(facts: Mapping[str, Any]) -> str:
    """Where it stands, or that its system of record answers for it."""
    return str(facts.get("state") or facts.get("by") or "")
