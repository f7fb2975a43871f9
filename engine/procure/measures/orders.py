"""Measures from the wish to the goods, and of what was promised to be spent."""

from __future__ import annotations

from engine.procure.measures.measure import Measure, columns, during

_ROW = columns("x")
_DAY = 86_400_000_000
_ORDERED = """(
    SELECT SUM(c.units) FROM p2p_milestones c
    WHERE c.what = 'order_committed' AND c.key = x.key AND +c.at < :until AND c.currency = x.currency
  )"""
_BILLED = """(
    SELECT SUM(CASE WHEN r.type = 'credit_memo' THEN -r.units ELSE r.units END)
    FROM p2p_milestones r JOIN p2p_milestones p ON p.what = 'command_given' AND p.key = r.key
      AND p.detail = 'post_invoice:' || r.key AND +p.at < :until
    WHERE r.matter = x.key AND r.what || '' = 'invoice_of_order' AND r.currency = x.currency
  )"""

ORDERS: tuple[Measure, ...] = (
    Measure(
        name="requisition_to_order",
        title="Requisition to order",
        meaning="From the arrival of a requisition until the first of its orders was there, on average. In the period"
        " of the order.",
        owner="buyer",
        unit="hours",
        better="lower",
        rows=f"""SELECT {columns("r")}, x.at - r.at AS numerator, 1 AS denominator
FROM p2p_milestones x
JOIN p2p_milestones r ON r.what = 'requisition_raised' AND r.key = x.key AND r.detail = ''
WHERE {during("requisition_ordered")} AND x.detail = (
    SELECT f.detail FROM p2p_milestones f WHERE f.what = 'requisition_ordered' AND f.key = x.key
    ORDER BY +f.at, f.detail LIMIT 1
  )""",
    ),
    Measure(
        name="supplier_response_time",
        title="Supplier response time",
        meaning="From an order until its supplier first answered it, on average. In the period of the answer.",
        owner="buyer",
        unit="hours",
        better="lower",
        rows=f"""SELECT {columns("o")}, x.at - o.at AS numerator, 1 AS denominator
FROM p2p_milestones x
JOIN p2p_milestones o ON o.what = 'order_created' AND o.key = x.key AND o.detail = ''
WHERE {during("order_acknowledged")} AND x.detail = (
    SELECT f.detail FROM p2p_milestones f WHERE f.what = 'order_acknowledged' AND f.key = x.key
    ORDER BY +f.at, f.detail LIMIT 1
  )""",
    ),
    Measure(
        name="supplier_on_time",
        title="Supplier performance: on time and in full",
        meaning="Of the orders whose goods were needed by a day that is over, those of which all goods, as they were"
        " changed last, had come by that day: the last of the days that its lines name. What was sent back had not"
        " come; orders that were cancelled are not counted. In the period in which that day ended.",
        owner="buyer",
        unit="percent",
        better="higher",
        rows=f"""SELECT {_ROW}, CASE WHEN EXISTS (
    SELECT 1 FROM p2p_milestones g WHERE g.what = 'order_received' AND g.key = x.key AND g.day <= x.day
  ) THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE x.what = 'order_promised' AND (x.day + 1) * {_DAY} > :since AND (x.day + 1) * {_DAY} <= :as_of""",
    ),
    Measure(
        name="order_to_receipt",
        title="Order to receipt",
        meaning="Days from the day of an order to the day of its first receipt, on average. In the period in which"
        " the receipt came in.",
        owner="supply-chain",
        unit="days",
        better="lower",
        counted=True,
        rows=f"""SELECT {columns("o")}, x.day - o.day AS numerator, 1 AS denominator
FROM p2p_milestones x
JOIN p2p_milestones o ON o.what = 'order_created' AND o.key = x.matter AND o.detail = ''
WHERE {during("receipt_posted")} AND x.key = (
    SELECT f.key FROM p2p_milestones f WHERE f.matter = x.matter AND f.what || '' = 'receipt_posted'
    ORDER BY f.day, f.key LIMIT 1
  )""",
    ),
    Measure(
        name="order_to_payment",
        title="Order to payment",
        meaning="Days from the day of an order to the day on which the money of an invoice for it first arrived, on"
        " average. In the period of the payment.",
        owner="treasury",
        unit="days",
        counted=True,
        rows=f"""SELECT {columns("o")}, x.day - o.day AS numerator, 1 AS denominator
FROM p2p_milestones x
JOIN p2p_milestones r ON r.what = 'invoice_received' AND r.key = x.key AND r.detail = ''
JOIN p2p_milestones o ON o.what = 'order_created' AND o.key = r.matter AND o.detail = ''
WHERE {during("invoice_paid")} AND x.detail = (
    SELECT f.detail FROM p2p_milestones f WHERE f.what = 'invoice_paid' AND f.key = x.key
    ORDER BY +f.at, f.detail LIMIT 1
  )""",
    ),
    Measure(
        name="procurement_cycle_time",
        title="Procurement cycle time",
        meaning="Days from the day of a requisition to the day on which all goods of an order for it had come, on"
        " average. In the period in which the last of them came in.",
        owner="supply-chain",
        unit="days",
        better="lower",
        counted=True,
        rows=f"""SELECT {columns("r")}, x.day - r.day AS numerator, 1 AS denominator
FROM p2p_milestones x
JOIN p2p_milestones w ON w.matter = x.key AND w.what = 'requisition_ordered'
JOIN p2p_milestones r ON r.what = 'requisition_raised' AND r.key = w.key AND r.detail = '' AND r.day IS NOT NULL
WHERE {during("order_received")}""",
    ),
    Measure(
        name="contract_compliance",
        title="Contract compliance",
        meaning="Of the money of goods and services on orders, as they were changed last, the part on lines that name"
        " their contract and cost no more than it says. Freight, tax, charges, cancelled lines and orders, and standing"
        " orders beside their releases are in neither. In the period in which the order came.",
        owner="procurement",
        unit="percent",
        better="higher",
        counted=True,
        rows=f"""SELECT {columns("x", "x.currency")}, c.units AS numerator, x.units AS denominator
FROM p2p_milestones x
JOIN p2p_milestones c ON c.what = 'order_on_contract' AND c.key = x.key AND c.detail = ''
WHERE {during("order_bought")}""",
    ),
    Measure(
        name="expected_spend",
        title="Expected spend",
        meaning="What the requisitions that had no order at the end of the period, and had not been rejected or taken"
        " back by then, are expected to cost, where every line says so in one currency. As of the end of the period.",
        owner="controller",
        unit="money",
        as_of=True,
        rows=f"""SELECT {columns("x", "x.currency")}, x.units AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE x.what = 'requisition_raised' AND x.at < :until AND x.units IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM p2p_milestones o WHERE o.what = 'requisition_ordered' AND o.key = x.key AND +o.at < :until
  ) AND NOT EXISTS (
    SELECT 1 FROM p2p_milestones e WHERE e.what = 'requisition_ended' AND e.key = x.key AND +e.at < :until
  )""",
        slices=("facility", "supplier", "department"),
        not_by="a requisition has one stage, and its lines may be of several categories",
    ),
    Measure(
        name="commitment",
        title="Commitment",
        meaning="Ordered by the end of the period, with the changes and cancellations that had come by then, freight"
        " and tax included, less the invoices for it that were given to the ledger by then, credits put back; no order"
        " is below nothing. An invoice for several orders counts for each by its lines; standing orders count by their"
        " releases. As of the end of the period, or of now.",
        owner="controller",
        unit="money",
        as_of=True,
        rows=f"""SELECT {columns("x", "x.currency")},
  CASE WHEN {_ORDERED} > COALESCE({_BILLED}, 0) THEN {_ORDERED} - COALESCE({_BILLED}, 0) ELSE 0 END AS numerator,
  1 AS denominator
FROM p2p_milestones x
WHERE x.what = 'order_committed' AND x.at < :until AND x.detail = (
    SELECT MIN(f.detail) FROM p2p_milestones f WHERE f.what = 'order_committed' AND f.key = x.key
  )""",
    ),
)
