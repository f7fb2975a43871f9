"""Measures of invoices and of the exceptions that hold them up."""

from __future__ import annotations

from engine.procure.measures.measure import Measure, columns, during

_ROW = columns("x")
_RECEIVED = """JOIN p2p_milestones r ON r.what = 'invoice_received' AND r.key = x.key AND r.detail = ''"""
_POSTED = f"{during('command_given')} AND x.detail = 'post_invoice:' || x.key"
_TROUBLED = "EXISTS (SELECT 1 FROM p2p_milestones e WHERE e.matter = {0}.key AND e.what || '' = 'exception')"
_POSTED_AT = (
    "(SELECT MIN(+p.at) FROM p2p_milestones p WHERE p.what = 'command_given' AND p.key = x.key"
    " AND p.detail = 'post_invoice:' || x.key)"
)
_FAILED = (
    "EXISTS (SELECT 1 FROM p2p_milestones e WHERE e.matter = x.key AND e.what || '' = 'exception'"
    f" AND e.began < COALESCE({_POSTED_AT}, e.began + 1))"
)
_WAS_POSTED = (
    "EXISTS (SELECT 1 FROM p2p_milestones p WHERE p.what = 'command_given' AND p.key = x.key"
    " AND p.detail = 'post_invoice:' || x.key)"
)
_OPEN_THEN = "x.what = 'exception' AND x.began < :until AND (x.ended IS NULL OR x.ended >= :until)"

INVOICES: tuple[Measure, ...] = (
    Measure(
        name="invoice_cycle_time",
        title="Invoice cycle time",
        meaning="From the arrival of an invoice until it was given to the ledger to be paid, on average. In the"
        " period in which it was given.",
        owner="accounts-payable",
        unit="hours",
        better="lower",
        rows=f"""SELECT {columns("r")}, x.at - r.at AS numerator, 1 AS denominator
FROM p2p_milestones x {_RECEIVED}
WHERE {_POSTED}""",
    ),
    Measure(
        name="invoice_exception_rate",
        title="Invoice exception rate",
        meaning="Of the invoices that arrived in the period, those that were an exception at least once.",
        owner="accounts-payable",
        unit="percent",
        better="lower",
        rows=f"""SELECT {_ROW}, CASE WHEN {_TROUBLED.format("x")} THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("invoice_received")}""",
    ),
    Measure(
        name="match_success_rate",
        title="Match success rate",
        meaning="At the first try: of the invoices with an order that were given to the ledger or were an exception,"
        " those given to the ledger without an exception before. What still waits for its receipts without being an"
        " exception is not counted, and what came up afterwards, as a refusal of the ledger or goods sent back, does"
        " not count against it. In the period in which the invoice arrived.",
        owner="accounts-payable",
        unit="percent",
        better="higher",
        rows=f"""SELECT {_ROW}, CASE WHEN {_FAILED} THEN 0 ELSE 1 END AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("invoice_received")} AND x.matter IS NOT NULL
  AND ({_FAILED} OR {_WAS_POSTED})""",
    ),
    Measure(
        name="manual_touch_rate",
        title="Manual touch rate",
        meaning="Of the invoices given to the ledger, those that a person had touched before: decided something about,"
        " commented, handed on, typed or corrected. The others went through without a hand. In the period in which they"
        " were given.",
        owner="accounts-payable",
        unit="percent",
        better="lower",
        rows=f"""SELECT {columns("r")}, CASE WHEN EXISTS (
    SELECT 1 FROM p2p_milestones a WHERE a.matter = x.key
      AND a.what || '' IN ('person_acted', 'person_looked', 'invoice_written') AND a.at <= x.at
  ) THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM p2p_milestones x {_RECEIVED}
WHERE {_POSTED}""",
    ),
    Measure(
        name="exception_resolution_time",
        title="Exception resolution time",
        meaning="From the opening of an exception until it was decided or explained, on average. In the period in"
        " which it ended; one that was opened again counts again.",
        owner="accounts-payable",
        unit="hours",
        better="lower",
        rows=f"""SELECT {_ROW}, x.ended - x.began AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("exception", "ended")}""",
    ),
    Measure(
        name="exception_aging",
        title="Exception aging",
        meaning="How long the exceptions that were open at the end of the period had been open, on average.",
        owner="accounts-payable",
        unit="days",
        better="lower",
        as_of=True,
        rows=f"""SELECT {_ROW}, :as_of - x.began AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {_OPEN_THEN}""",
    ),
    Measure(
        name="exception_value",
        title="Money held up by exceptions",
        meaning="Money at stake in the exceptions that were open at the end of the period.",
        owner="accounts-payable",
        unit="money",
        better="lower",
        as_of=True,
        rows=f"""SELECT {columns("x", "x.currency")}, x.units AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {_OPEN_THEN} AND x.units IS NOT NULL""",
    ),
    Measure(
        name="duplicates_held",
        title="Duplicate invoices held",
        meaning="Money of the invoices that were held in the period because they look like an earlier one.",
        owner="accounts-payable",
        unit="money",
        rows=f"""SELECT {columns("x", "x.currency")}, x.units AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("exception", "began")} AND x.type = 'duplicate_suspected' AND x.units IS NOT NULL""",
    ),
    Measure(
        name="reconciliation_effort",
        title="Manual reconciliation",
        meaning="Decisions of people about exceptions for each 100 invoices that arrived, both in the period.",
        owner="accounts-payable",
        unit="per 100",
        better="lower",
        counted=True,
        rows=f"""SELECT {_ROW}, 1 AS numerator, 0 AS denominator FROM p2p_milestones x WHERE {during("person_acted")}
UNION ALL
SELECT {_ROW}, 0 AS numerator, 1 AS denominator FROM p2p_milestones x WHERE {during("invoice_received")}""",
        slices=("facility", "supplier", "category"),
        not_by="decisions and invoices stand in different stages: each share would be of another one's",
    ),
)
