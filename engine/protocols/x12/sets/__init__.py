"""The sets as data: what an analyst compares with a partner's guide. `TABLES` holds them by set code."""

from __future__ import annotations

from engine.protocols.x12.sets import (
    acknowledgement,
    application_advice,
    catalog,
    inventory,
    invoice,
    order_change,
    purchase_order,
    remittance,
    ship_notice,
)

_MODULES = (
    *(purchase_order, order_change, ship_notice, invoice, remittance),
    *(catalog, inventory, application_advice, acknowledgement),
)
TABLES: dict[str, str] = {code: table for module in _MODULES for code, table in module.SETS.items()}
SUPPORTED_SETS = tuple(sorted(TABLES))
