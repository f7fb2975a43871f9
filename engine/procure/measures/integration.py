"""Measures of the engine's own work: messages, deliveries, answers, traces."""

from __future__ import annotations

from engine.procure.measures.measure import Measure, columns, during

_ROW = columns("x")
# Of a message: its channel stands where documents have their stage.
_MESSAGE = """CAST({0} AS TEXT) AS dossier, CAST({0} AS TEXT) AS key, NULL AS facility, NULL AS supplier,
  NULL AS category, NULL AS department, n.name AS stage, NULL AS currency"""
_PLAIN = """'{0}' AS dossier, {1} AS key, NULL AS facility, NULL AS supplier, NULL AS category, NULL AS department,
  {2} AS stage, NULL AS currency"""
_ARRIVED = "m.id >= :since_id AND m.id < :until_id"

INTEGRATION: tuple[Measure, ...] = (
    Measure(
        name="failed_transactions",
        title="Integration failure rate",
        meaning="Of the messages received in the period, those that are refused, held or discarded now. The numerator"
        " is the failed transaction volume; the stage is the channel.",
        owner="integration",
        unit="percent",
        better="lower",
        rows=f"""SELECT {_MESSAGE.format("m.id")},
  CASE WHEN m.state IN (2, 7, 9) THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM messages m JOIN names n ON n.id = m.channel
WHERE {_ARRIVED}""",
        slices=("stage",),
        not_by="a message is not read for its facility or supplier before it is transformed",
    ),
    Measure(
        name="delivery_latency",
        title="Synchronisation latency: deliveries",
        meaning="From the moment that a delivery could first be made until the far side had it, on average, of the"
        " messages received in the period. The stage is the channel.",
        owner="integration",
        unit="seconds",
        better="lower",
        rows=f"""SELECT {_MESSAGE.format("m.message_id")}, m.changed - m.first AS numerator, 1 AS denominator
FROM deliveries m JOIN names n ON n.id = m.channel
WHERE m.message_id >= :since_id AND m.message_id < :until_id AND m.state = 3""",
        slices=("stage",),
        not_by="a message is not read for its facility or supplier before it is transformed",
    ),
    Measure(
        name="posting_latency",
        title="Synchronisation latency: postings",
        meaning="From the moment that something was given to be done in another system until that system had done it,"
        " on average. In the period of the answer.",
        owner="integration",
        unit="minutes",
        better="lower",
        rows=f"""SELECT {_ROW}, x.at - (
    SELECT MIN(+c.at) FROM p2p_milestones c WHERE c.what = 'command_given' AND c.key = x.key AND c.type = x.type
  ) AS numerator, 1 AS denominator
FROM p2p_milestones x
WHERE {during("command_answered")} AND EXISTS (
    SELECT 1 FROM p2p_milestones c WHERE c.what = 'command_given' AND c.key = x.key AND c.type = x.type
  )""",
    ),
    Measure(
        name="sync_lag",
        title="Synchronisation lag",
        meaning="How far the sources are behind: the time from the moment up to which each has told everything by today"
        " until the end of the period, or until now, on average; 0 of one that has told more. The stage is the source.",
        owner="integration",
        unit="minutes",
        better="lower",
        as_of=True,
        rows=f"""SELECT {_PLAIN.format("watermarks", "w.source", "w.source")},
  CASE WHEN w.until < :as_of THEN :as_of - w.until ELSE 0 END AS numerator, 1 AS denominator
FROM p2p_watermarks w""",
        slices=("stage",),
        not_by="a source tells of every facility and supplier",
    ),
    Measure(
        name="ledger_agreement",
        title="Reporting consistency",
        meaning="Of the documents compared with the ledger in the period, those that are the same on both sides.",
        owner="controller",
        unit="percent",
        better="higher",
        counted=True,
        rows=f"""SELECT {_ROW}, CASE WHEN d.units > x.units THEN 0 ELSE x.units - d.units END AS numerator,
  x.units AS denominator
FROM p2p_milestones x
JOIN p2p_milestones d ON d.what = 'drifted' AND d.key = x.key AND d.detail = ''
WHERE {during("compared")}""",
        slices=("stage",),
        not_by="a comparison is of all documents of a kind",
    ),
    Measure(
        name="audit_traceability",
        title="Audit traceability",
        meaning="Of the versions of documents kept in the period, those that name the message that brought them or"
        " the person who made them. The stage is the kind of document.",
        owner="internal-audit",
        unit="percent",
        better="higher",
        rows=f"""SELECT {_PLAIN.format("records", "r.key", "r.kind")},
  CASE WHEN r.message_id IS NOT NULL OR r.who IS NOT NULL THEN 1 ELSE 0 END AS numerator, 1 AS denominator
FROM p2p_records r
WHERE r.at >= :since AND r.at < :until""",
        slices=("stage",),
        not_by="a version is counted as it is stored, whatever it is about",
    ),
    Measure(
        name="support_effort",
        title="Support effort",
        meaning="Actions of people on held messages and deliveries for each 1000 messages received, both in the"
        " period.",
        owner="integration",
        unit="per 1000",
        better="lower",
        counted=True,
        rows=f"""SELECT {_PLAIN.format("audit", "a.subject", "a.action")}, 1 AS numerator, 0 AS denominator
FROM audit a
WHERE a.at >= :since AND a.at < :until AND (a.action LIKE 'message.%' OR a.action LIKE 'delivery.%')
  AND a.action NOT IN ('message.view', 'message.search', 'message.attachment')
UNION ALL
SELECT {_MESSAGE.format("m.id")}, 0 AS numerator, 1 AS denominator
FROM messages m JOIN names n ON n.id = m.channel
WHERE {_ARRIVED}""",
        slices=(),
        not_by="actions are about messages of every kind, and messages have no part that is theirs",
    ),
)
