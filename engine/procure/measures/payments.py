"""Measures of payments and of the money they move."""

from __future__ import annotations

from engine.procure.measures.measure import Measure, columns, during

_ROW = columns("x")
_FAILED = "EXISTS (SELECT 1 FROM p2p_milestones f WHERE f.what = 'payment_failed' AND f.key = x.key)"
_DISPUTED = """EXISTS (
    SELECT 1 FROM p2p_milestones e WHERE e.matter = x.dossier AND e.what || '' = 'exception' AND e.type IN ({0})
  )"""
_WRONG = _DISPUTED.format("'payment_disputed', 'payment_stale'")
_UNTOLD = _DISPUTED.format("'payment_disputed', 'bank_silent'")
_KEPT = "x.type = 'kept'"  # with the supplier

PAYMENTS: tuple[Measure, ...] = (
    Measure(
        name="duplicate_payments",
        title="Duplicate payment incidents",
        meaning="Invoices for which more money than they ask for stayed with the supplier, by more than one payment."
        " In the period of the last of them.",
        owner="treasury",
        unit="count",
        better="lower",
        counted=True,
        rows="""SELECT MAX(x.dossier) AS dossier, x.key AS key, MAX(r.facility) AS facility,
  MAX(x.supplier) AS supplier, MAX(r.category) AS category, MAX(r.department) AS department, MAX(x.stage) AS stage,
  NULL AS currency,
  1 AS numerator, 1 AS denominator
FROM p2p_milestones x
JOIN p2p_milestones r ON r.what = 'invoice_received' AND r.key = x.key AND r.detail = ''
WHERE x.what = 'invoice_paid' AND x.type = 'kept'
GROUP BY x.key
HAVING COUNT(*) > 1 AND MAX(x.at) >= :since AND MAX(x.at) < :until AND SUM(x.units) > MAX(r.units)""",
    ),
    Measure(
        name="payment_accuracy",
        title="Payment accuracy",
        meaning="Of the payments that settled or failed in the period, those that arrived at the first try: not"
        " rejected, returned, stopped, voided or stale, and nobody contradicted anybody about them.",
        owner="treasury",
        unit="percent",
        better="higher",
        rows=f"""SELECT {_ROW}, CASE WHEN {_FAILED} OR {_WRONG} THEN 0 ELSE 1 END AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("payment_settled")}
UNION ALL
SELECT {_ROW}, 0 AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("payment_failed")} AND NOT EXISTS (
    SELECT 1 FROM p2p_milestones s WHERE s.what = 'payment_settled' AND s.key = x.key
  )""",
        slices=("supplier",),
        not_by="a payment pays invoices of several facilities and categories at once",
    ),
    Measure(
        name="payment_status_accuracy",
        title="Payment status accuracy",
        meaning="Of the payments that became known in the period, those of which ERP, bank and portal never"
        " contradicted each other and the bank was not silent.",
        owner="treasury",
        unit="percent",
        better="higher",
        rows=f"""SELECT {_ROW}, CASE WHEN {_UNTOLD} THEN 0 ELSE 1 END AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("payment_created")}""",
        slices=("supplier",),
        not_by="a payment pays invoices of several facilities and categories at once",
    ),
    Measure(
        name="days_to_pay",
        title="Working capital: days to pay",
        meaning="Days from the date of an invoice until its money arrived, weighted by the money, which is what was"
        " paid, without the discount. Payments that came back and what only the ledger told are not counted, for they"
        " name no amount that stayed. In the period in which the payment settled.",
        owner="treasury",
        unit="days",
        counted=True,
        rows=f"""SELECT {columns("r", "x.currency")}, (x.day - r.day) * x.units AS numerator, x.units AS denominator
FROM p2p_milestones x
JOIN p2p_milestones r ON r.what = 'invoice_received' AND r.key = x.key AND r.detail = ''
WHERE {during("invoice_paid")} AND {_KEPT}""",
    ),
    Measure(
        name="discounts_taken",
        title="Working capital: discounts taken",
        meaning="Of the discounts that invoices offered, the money that was taken: by payments that stayed with the"
        " supplier, whatever was offered and paid too late counts as not taken. In the period in which the invoice was"
        " first paid so; an invoice that nobody paid yet is not counted, even when its day for the discount is over.",
        owner="treasury",
        unit="percent",
        better="higher",
        counted=True,
        rows=f"""SELECT {columns("o", "o.currency")},
  COALESCE((SELECT SUM(t.units) FROM p2p_milestones t
    WHERE t.what = 'discount_taken' AND t.key = x.key AND t.type = 'kept' AND t.currency = o.currency), 0) AS numerator,
  o.units AS denominator
FROM p2p_milestones x
JOIN p2p_milestones o ON o.what = 'discount_offered' AND o.key = x.key AND o.detail = ''
WHERE {during("invoice_paid")} AND {_KEPT} AND x.detail = (
    SELECT f.detail FROM p2p_milestones f WHERE f.what = 'invoice_paid' AND f.key = x.key AND f.type = 'kept'
    ORDER BY +f.at, f.detail LIMIT 1
  )""",
    ),
)
