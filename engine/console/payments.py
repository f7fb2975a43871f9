"""Payments as pages: runs, payments by where they stand, one run with what it left, one payment with its tellers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from engine.console.channels import live_answer
from engine.console.kit import Kit, link
from engine.console.words import DELIVERY_TONES
from engine.core.errors import NotFoundError
from engine.ports.accounts import Role
from engine.ports.payments import GROUPS, PaymentAsk, PaymentRow
from engine.ports.web import Call, WebRoute
from engine.procure.payments.sums import groups_of

LIMIT, RUNS = 200, 12
_ALL = 1000
TITLES: Mapping[str, str] = {
    "waiting": "Going out",
    "held": "Held back",
    "on_its_way": "On their way",
    "paid": "Paid",
    "came_back": "Came back",
    "disputed": "In disagreement",
}
GROUP_TONES: Mapping[str, str] = {
    "waiting": "busy",
    "held": "warn",
    "on_its_way": "busy",
    "paid": "good",
    "came_back": "bad",
    "disputed": "bad",
}
STATES: Mapping[str, str] = {
    "released": "sent",
    "transmitted": "at the bank",
    "accepted": "accepted by the bank",
    "rejected": "refused by the bank",
    "stale": "not cashed",
    "reissued": "paid again",
    "disputed": "in disagreement",
}
"""How a state is called where its own name would not be understood."""
TELLERS: Mapping[str, str] = {"erp": "ERP", "bank": "Bank", "portal": "Portal"}


class PaymentPages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/payments", Role.VIEWER, self.overview, page=True),
            WebRoute("GET", "/payments/live", Role.VIEWER, self.live, page=True, passive=True),
            WebRoute("GET", "/payments/runs/{number:path}", Role.VIEWER, self.run, page=True),
            WebRoute("GET", "/payments/{number:path}", Role.VIEWER, self.payment, page=True),
        )

    async def overview(self, call: Call) -> Response:
        rows = await call.operations.payments.payments(PaymentAsk(limit=_ALL), call.who)
        group = call.query("group") if call.query("group") in GROUPS else ""
        supplier = call.query("supplier")[:80]
        shown = [one for one in rows if group in ("", one.group) and supplier in ("", one.supplier)]
        return await self._page(
            call,
            "payments.html",
            rows=shown[:LIMIT],
            runs=await call.operations.payments.runs(RUNS, call.who),
            groups=groups_of(rows),
            group=group,
            supplier=supplier,
            suppliers=_suppliers(rows, supplier),
            more=max(0, len(shown) - LIMIT),
            here=lambda one: link("/payments", group=one, supplier=supplier),
        )

    async def run(self, call: Call) -> Response:
        view = await call.operations.payments.run(_number(call), call.who)
        if view is None:
            raise NotFoundError("there is no such payment run")
        return await self._page(call, "payment_run.html", view=view, row=view.row, delivery_tones=DELIVERY_TONES)

    async def payment(self, call: Call) -> Response:
        view = await call.operations.payments.payment(_number(call), call.who)
        if view is None:
            raise NotFoundError("there is no such payment")
        last = {one.system: one for one in view.told}  # the last word of each
        return await self._page(call, "payment.html", view=view, row=view.row, last=last, tellers=TELLERS)

    async def live(self, call: Call) -> Response:
        """As `/live`; the shape changes also when a payment of the page was decided anew."""
        return await live_answer(call, str(await call.operations.payments.moved(call.query("of")[:80], call.who)))

    async def _page(self, call: Call, template: str, /, **values: Any) -> Response:
        known: dict[str, Any] = {
            "titles": TITLES,
            "group_tones": GROUP_TONES,
            "state_words": STATES,
            "path_of": path_of,
        }
        return await self._kit.page(call, template, **known, **values)


def path_of(order: str | None, dossier: str) -> str:
    """Where an invoice is looked at: its order's page, or its lineage."""
    return f"/orders/{quote(order, safe='')}" if order else f"/lineage/{quote(dossier, safe='')}"


def _suppliers(rows: Sequence[PaymentRow], chosen: str) -> dict[str, str]:
    """Number to what the filter calls it."""
    found = {chosen: chosen} if chosen else {}
    found |= {one.supplier: f"{one.supplier} {one.supplier_name}".strip() for one in rows}
    return dict(sorted(found.items()))


def _number(call: Call) -> str:
    return str(call.request.path_params["number"])[:80]
