"""The reference page of the measures: what each figure means, who answers for it, and its SQL."""

from __future__ import annotations

from collections.abc import Iterator

from engine.procure.measures.catalog import GROUPS, NOT_MEASURED
from engine.procure.measures.compute import statement
from engine.procure.measures.measure import Measure
from engine.procure.measures.promises import SPANS

_HEAD = """# Measures

Every figure is one SELECT over the store, for SQLite and PostgreSQL alike: its rows are the documents, `numerator` and
`denominator` are summed, and divided once. Times are microseconds since 1970 UTC, money is in millionths. `:since` and
`:until` bound the period, `:as_of` is its end or now. `isthmus measures NAME --by supplier` tells a figure by a slice,
`--behind` the documents that it is made of, `isthmus measures --check` counts everything anew from the documents.

What happened counts in the period of the moment that its definition names, from `:since` until before `:until`, UTC.
Each currency is summed for itself and told in a row of its own; none is ever added to another one. A share or an
average of nothing is no figure, neither 0 % nor 100 %. A document that is told anew counts as it was told last, also in
the periods before, but for what a definition calls "by then".
"""


def measures_page() -> str:
    lines = [_HEAD]
    for title, group in GROUPS.items():
        lines += [f"## {title}", ""]
        for one in group:
            lines += _one(one)
    lines += [
        "## Promised times",
        "",
        "Spans that `config/policies/milestones.yaml` promises, judged in business time.",
        "",
    ]
    lines += [
        "| milestone | from and to |",
        "|---|---|",
        *(f"| `{name}` | {title} |" for name, (title, _) in SPANS.items()),
    ]
    lines += ["", "## Not measured", "", "| what | what is missing |", "|---|---|"]
    return "\n".join([*lines, *(f"| {what} | it {why} |" for what, why in NOT_MEASURED.items())])


def _one(one: Measure) -> Iterator[str]:
    yield f"### `{one.name}`\n"
    better = f" Better: {one.better}." if one.better else ""
    slices = f" By {', '.join(one.slices)}." if one.slices else ""
    others = f" By nothing else: {one.not_by}." if one.not_by else ""
    yield f"**{one.title}**, in {one.unit}. {one.meaning}\n"
    yield f"Owner: {one.owner}.{better}{slices}{others} Of a period without any: {one.of_nothing}.\n"
    yield f"```sql\n{statement(one)}\n```\n"
