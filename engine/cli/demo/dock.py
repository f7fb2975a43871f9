"""The dock: what the scanners book when goods come in."""

from __future__ import annotations

import json
from collections.abc import Mapping

from engine.cli.demo import edi
from engine.cli.demo.parcel import Ending, Parcel, Phase

_LOT_FROM = 2  # every line from the second on has a lot: mixed, as docks are


def receipt(number: str, order: edi.Order, *, short: Mapping[int, int] | None = None) -> Parcel:
    """All of an order, or less of some lines.

    Args:
        short: line number to the quantity that did not come.
    """
    missing = short or {}
    lines = [_line(place, line, missing.get(place, 0)) for place, line in enumerate(order.lines, 1)]
    body = {
        "receipt": number,
        "order": order.number,
        "supplier": order.supplier,
        "received_on": order.ordered_on.isoformat(),
        "facility": "HARBOR-CW",
        "lines": [line for line in lines if line["quantity"]],
    }
    return Parcel(
        Phase.DAY, "warehouse_receipts_in", number, json.dumps(body).encode(), Ending.DELIVERED, "202",
        headers=(("Idempotency-Key", number),),
    )  # fmt: skip


def _line(place: int, line: edi.Line, missing: int) -> dict[str, object]:
    told: dict[str, object] = {
        "order_line": place,
        "item": line.item,
        "quantity": line.quantity - missing,
        "unit": "EA",
    }
    return told | ({"lot": f"L{line.item}", "expires_on": "2029-06-30"} if place >= _LOT_FROM else {})
