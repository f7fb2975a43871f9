"""`isthmus approvals`: what waits for a person's approval, one of them with what changed, and an answer to it."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.remote import ask, json_option, print_json, site_option, who
from engine.core.figures import priced
from engine.ports.approvals import WHOSE, ApprovalAsk, ApprovalRow, ApprovalView

ANSWERS = ("approve", "reject", "delegate", "withdraw")


@click.command()
@click.argument("approval", required=False)
@click.option("--whose", type=click.Choice(WHOSE), default="all", show_default=True, help="Whom they wait for.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many, what is due first."
)
@click.option("--do", "action", type=click.Choice(ANSWERS), default=None, help="With APPROVAL: the answer.")
@click.option("--reason", default="", help="With --do: why; kept in the audit trail.")
@click.option("--to", "to", default=None, help="With --do delegate: who answers instead.")
@click.option("--until", default=None, help="With --do delegate: the last day, as 2026-11-30.")
@click.option("--for", "on_behalf_of", default=None, help="With --do: for whom you answer, by a delegation.")
@site_option
@json_option
def command(
    approval: str | None, whose: str, limit: int, action: str | None, reason: str, to: str | None, until: str | None,
    on_behalf_of: str | None, site: Path, as_json: bool,
) -> None:  # fmt: skip
    """Approvals that wait for people, what is due first; with APPROVAL, that one and what is to be approved.

    You answer as the user of this terminal: an answer counts when the policies name that user as one who is asked.

    \b
    Example:
      isthmus approvals --whose mine
      isthmus approvals 212cf252c731
      isthmus approvals 212cf252c731 --do approve --reason "called the supplier back at the number we know"
    """
    if action is not None:
        return _answer(site, approval, ApprovalAsk(action, reason, None, on_behalf_of, to, until))
    if approval is not None:
        return _show(site, approval, as_json=as_json)
    rows = ask(site, lambda engine: engine.approvals.waiting(whose, who(), limit))
    if as_json:
        return print_json(rows)
    if rows:
        click.echo(f"{'approval':<12} {'due, UTC':<16} {'what':<12} {'amount':>18} about")
    for row in rows:
        click.echo(_line(row))
    if not rows:
        click.echo("nothing waits for an approval")


def _line(row: ApprovalRow) -> str:
    due = f"{row.due_at:%m-%d %H:%M}{' late' if row.late else ''}" if row.due_at else "-"
    about = priced(row.amount, row.currency) if row.amount else "-"
    asked = ", ".join(row.asked) or "nobody"
    return f"{row.ref} {due:<16} {row.subject:<12} {about:>18} {row.dossier:<24} asked: {asked}"


def _answer(site: Path, approval: str | None, given: ApprovalAsk) -> None:
    if approval is None or not given.reason.strip():
        raise click.UsageError("an answer needs APPROVAL and --reason")
    ask(site, lambda engine: engine.approvals.answer(approval, given, who()))
    click.echo("kept")


def _show(site: Path, approval: str, *, as_json: bool) -> None:
    view = ask(site, lambda engine: engine.approvals.approval(approval))
    if view is None:
        raise click.ClickException("no such approval waits")
    if as_json:
        return print_json(view)
    click.secho(view.row.title, bold=True)
    click.echo(_line(view.row))
    _content(view)
    for one in view.answers:
        counts = f" (does not count: {one.why_not})" if one.why_not else ""
        click.echo(f"  {one.at:%m-%d %H:%M} {one.what} by {one.who}: {one.reason or ''}{counts}")
    for choice in view.choices:
        click.echo(f"  {choice.action}: {choice.why_not or 'you may'}")


def _content(view: ApprovalView) -> None:
    if view.changes:
        click.secho("what changed", bold=True)
    for one in view.changes:
        click.echo(f"  {one.field}: {one.before or '-'} -> {one.after or '-'}")
    if not view.changes:
        for name, text in view.content:
            click.echo(f"  {name}: {text}")
