"""The sets as data: what an analyst compares with a partner's guide. `TABLES` holds them by set code."""

from __future__ import annotations

from engine.protocols.x12.sets import acknowledgement, invoice, purchase_order, ship_notice

TABLES: dict[str, str] = purchase_order.SETS | invoice.SETS | acknowledgement.SETS | ship_notice.SETS
SUPPORTED_SETS = tuple(sorted(TABLES))
