"""`isthmus measures`: the figures of the business, what they mean, their SQL, and whether they are right."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from engine.cli.remote import ask, json_option, print_json, site_option
from engine.core.figures import grouped, money
from engine.ports.measures import Difference, MeasureAsk, MeasureRow, Promises
from engine.procure.measures.catalog import GROUPS, MEASURES, measure
from engine.procure.measures.compute import statement

_DAYS = 30
_DAY = click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"))


@click.command()
@click.argument("kpi", required=False)
@click.option("--by", default=None, help="facility, supplier, category, department or stage.")
@click.option("--from", "since", default=None, type=_DAY, help="First day, UTC.  [default: 30 days before --to]")
@click.option("--to", "until", default=None, type=_DAY, help="Day after the last, UTC.  [default: now]")
@click.option("--sql", is_flag=True, help="Print the SQL that the figure is summed by; no engine is asked.")
@click.option("--behind", is_flag=True, help="With KPI: the documents that the figure is made of.")
@click.option("--promises", is_flag=True, help="Promised times (config/policies/milestones.yaml): kept, late, overdue.")
@click.option("--remake", is_flag=True, help="Make all rows anew from the documents, as after an upgrade.")
@click.option("--check", is_flag=True, help="Count everything anew from the documents; exit 1 with what differs.")
@site_option
@json_option
def command(
    kpi: str | None, by: str | None, since: datetime | None, until: datetime | None, sql: bool, behind: bool,
    promises: bool, remake: bool, check: bool, site: Path, as_json: bool,
) -> None:  # fmt: skip
    """Figures of procure-to-pay over a period; with KPI, that one.

    \b
    Example:
      isthmus measures --from 2026-10-01 --to 2026-11-01
      isthmus measures invoice_cycle_time --by supplier
      isthmus measures commitment --sql
      isthmus measures --check
      isthmus measures --remake
    """
    names = (measure(kpi).name,) if kpi else ()
    if sql:
        return _print_sql(names or tuple(MEASURES), by)
    asked = _asked(names, by, since, until)
    if remake:
        return _print_remade(ask(site, lambda engine: engine.measures.remake("")), as_json=as_json)
    if check:
        return _print_differences(ask(site, lambda engine: engine.measures.check(asked)), as_json=as_json)
    if promises:
        return _print_promises(ask(site, lambda engine: engine.measures.promises(asked)), as_json=as_json)
    if behind:
        if not names:
            raise click.UsageError("--behind needs a KPI")
        return print_json(ask(site, lambda engine: engine.measures.behind(asked)))
    rows = ask(site, lambda engine: engine.measures.figures(asked))
    return print_json(rows) if as_json else _print_figures(rows)


def _asked(names: tuple[str, ...], by: str | None, since: datetime | None, until: datetime | None) -> MeasureAsk:
    end = (until or datetime.now(UTC)).replace(tzinfo=UTC)
    begin = since.replace(tzinfo=UTC) if since else end - timedelta(days=_DAYS)
    if begin >= end:
        raise click.UsageError("--from must be before --to")
    return MeasureAsk(begin, end, names, by)


def _print_sql(names: tuple[str, ...], by: str | None) -> None:
    for name in names:
        one = MEASURES[name]
        click.echo(f"-- {one.title}: {one.meaning}\n{statement(one, by)};\n")


def _print_figures(rows: list[MeasureRow]) -> None:
    for title, group in GROUPS.items():
        found = [row for one in group for row in rows if row.measure == one.name]
        if found:
            click.secho(title, bold=True)
        for row in found:
            unit = row.currency or "" if row.unit == "money" else row.unit
            name = f"{row.measure} {row.of}".strip()
            value = money(row.value or "no data", row.currency if row.unit == "money" else None)
            click.echo(f"  {name:<44} {value:>16} {unit:<8} {grouped(row.numerator)} / {grouped(row.denominator)}")


def _print_promises(found: Promises, *, as_json: bool) -> None:
    if as_json:
        return print_json(found)
    for row in found.rows:
        mark = "" if row.is_kept else "  not kept"
        click.echo(
            f"{row.milestone:<26} {row.within:<18} {row.percent or '-':>7} % of {row.share} %  kept {row.kept},"
            f" late {row.late}, overdue {row.overdue}, running {row.running}  {row.owner}{mark}"
        )
    for one in found.breaches:
        ended = f"ended {one.ended_at:%Y-%m-%d %H:%M}" if one.ended_at else "overdue"
        click.echo(f"  {one.milestone:<24} {one.key:<28} due {one.due_at:%Y-%m-%d %H:%M} {ended}  {one.owner}")


def _print_remade(dossiers: int, *, as_json: bool) -> None:
    if as_json:
        return print_json({"dossiers": dossiers})
    click.echo(f"the rows of {dossiers} dossiers were made anew; `isthmus measures --check` compares them")


def _print_differences(found: list[Difference], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    for one in () if as_json else found:
        click.echo(f"{one.where}: shown {one.shown}; by the documents {one.recomputed}")
    if not found and not as_json:
        click.echo("every figure is what the documents say")
    sys.exit(1 if found else 0)
