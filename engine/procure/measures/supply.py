"""Measures of suppliers' masters, stock, usage and cost."""

from __future__ import annotations

from engine.procure.measures.measure import Measure, columns, during

_ROW = columns("x")
_MONEY = columns("x", "x.currency")

SUPPLY: tuple[Measure, ...] = (
    Measure(
        name="supplier_onboarding_time",
        title="Supplier onboarding time",
        meaning="From the first master of a new supplier until it was approved and first told to the systems, on"
        " average. In the period of the approval.",
        owner="supplier-master",
        unit="days",
        better="lower",
        rows=f"""SELECT {columns("r")}, x.at - r.at AS numerator, 1 AS denominator
FROM p2p_milestones x
JOIN p2p_milestones r ON r.what = 'supplier_requested' AND r.key = x.key AND r.detail = '' AND r.type = 'onboarding'
WHERE {during("command_given")} AND x.type = 'propagate_supplier' AND x.detail = (
    SELECT f.detail FROM p2p_milestones f
    WHERE f.what = 'command_given' AND f.key = x.key AND f.type = 'propagate_supplier' ORDER BY +f.at, f.detail LIMIT 1
  )""",
        slices=("supplier", "category"),
        not_by="a supplier serves every facility",
    ),
    Measure(
        name="duplicate_suppliers",
        title="Duplicate suppliers reduced",
        meaning="Of the suspected duplicate suppliers that were open in the period, those that were merged or told"
        " apart by its end.",
        owner="supplier-master",
        unit="percent",
        better="higher",
        rows=f"""SELECT {_ROW}, CASE WHEN x.ended < :until THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE x.what = 'exception' AND x.type = 'supplier_duplicate' AND x.began < :until
  AND (x.ended IS NULL OR x.ended >= :since)""",
        slices=("supplier",),
        not_by="a supplier serves every facility, and two that are one may be of different categories",
    ),
    Measure(
        name="supplier_sync_quality",
        title="Supplier master synchronisation",
        meaning="Of the times that a supplier was told to a system in the period, those of suppliers that a system took"
        " and never refused. What was not answered yet counts as not taken.",
        owner="supplier-master",
        unit="percent",
        better="higher",
        rows=f"""SELECT {_ROW}, CASE WHEN EXISTS (
    SELECT 1 FROM p2p_milestones a WHERE a.what = 'command_answered' AND a.key = x.key AND a.type = x.type
  ) AND NOT EXISTS (
    SELECT 1 FROM p2p_milestones b WHERE b.what = 'command_refused' AND b.key = x.key AND b.type = x.type
  ) THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("command_given")} AND x.type = 'propagate_supplier'""",
        slices=("supplier",),
        not_by="a supplier serves every facility",
    ),
    Measure(
        name="inventory_accuracy",
        title="Inventory accuracy",
        meaning="Of the counts in the period, those that found exactly what the books said.",
        owner="supply-chain",
        unit="percent",
        better="higher",
        rows=f"""SELECT {_ROW}, CASE WHEN x.type = 'agrees' THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("stock_counted")}""",
        slices=("facility",),
        not_by="what lies at a place may come of several suppliers, and a place has no department",
    ),
    Measure(
        name="stock_outs",
        title="Stock-outs",
        meaning="How often in the period nothing was left of an item at a place.",
        owner="supply-chain",
        unit="count",
        better="lower",
        counted=True,
        rows=f"""SELECT {_ROW}, 1 AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("stock_out")}""",
        slices=("facility",),
        not_by="what lies at a place may come of several suppliers, and a place has no department",
    ),
    Measure(
        name="charge_capture_time",
        title="Charge posting speed",
        meaning="From the moment that a supply was charged for until the charge arrived here, on average. In the"
        " period of its arrival.",
        owner="revenue-integrity",
        unit="hours",
        better="lower",
        rows=f"""SELECT {_ROW}, x.at - x.began AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("charge_received")}""",
        slices=("facility", "department"),
        not_by="a charge names neither supplier nor category",
    ),
    Measure(
        name="usage_posting_time",
        title="Usage to ledger",
        meaning="From the arrival of a documented use until its cost was given to the ledger, on average. In the"
        " period of the posting.",
        owner="supply-chain",
        unit="hours",
        better="lower",
        rows=f"""SELECT {columns("u")}, x.at - u.at AS numerator, 1 AS denominator
FROM p2p_milestones x
JOIN p2p_milestones u ON u.what = 'usage_documented' AND u.key = x.key AND u.detail = ''
WHERE {during("cost_posted")} AND x.kind = 'Consumption'""",
        slices=("facility", "department"),
        not_by="a use has items of several suppliers and categories",
    ),
    Measure(
        name="supply_utilisation",
        title="Supply utilisation",
        meaning="Of the supplies opened in the period, by lines, those that were used or implanted and not wasted.",
        owner="service-line",
        unit="percent",
        better="higher",
        counted=True,
        rows=f"""SELECT {_ROW}, t.units AS numerator, x.units AS denominator
FROM p2p_milestones x
JOIN p2p_milestones t ON t.what = 'usage_taken' AND t.key = x.key AND t.detail = ''
WHERE {during("usage_documented")}""",
        slices=("facility", "department"),
        not_by="a use has items of several suppliers and categories",
    ),
    Measure(
        name="supply_margin",
        title="Margin on supplies",
        meaning="Charges that name an item, credits taken off, less what the documented uses cost, of the charges."
        " Cost is what was given to the ledger for a use, with a cost center, accruals of implants among it: that an"
        " accrual ends when the invoice takes its place makes no use cheaper. The department is the cost center, else"
        " what the charge calls its department. Room, staff, payers' discounts and uses that were taken back are not"
        " part of it. Both in the period in which it was used and charged for, not in which that was told here.",
        owner="service-line",
        unit="percent",
        better="higher",
        counted=True,
        rows=f"""SELECT {_MONEY}, x.units AS numerator, x.units AS denominator
FROM p2p_milestones x WHERE {during("charge_received", "began")} AND x.units IS NOT NULL
UNION ALL
SELECT {_MONEY}, -x.units AS numerator, 0 AS denominator
FROM p2p_milestones x
JOIN p2p_milestones u ON u.what = 'usage_documented' AND u.key = x.key AND u.detail = ''
WHERE x.what = 'usage_cost' AND x.units IS NOT NULL AND u.began >= :since AND u.began < :until""",
        slices=("facility", "department"),
        not_by="a charge names neither supplier nor category",
    ),
    Measure(
        name="cost_allocation",
        title="Departmental cost allocation",
        meaning="Cost given to the ledger in the period, by the cost center that bears it: debits less credits.",
        owner="controller",
        unit="money",
        rows=f"""SELECT {_MONEY}, x.units AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("cost_allocated")}""",
        slices=("department", "facility"),
        not_by="an entry has items of several suppliers and categories",
    ),
)
