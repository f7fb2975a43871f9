"""Commands about stored messages: messages, show, resend, discard, confirm."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from engine.cli.remote import ask, json_option, print_json, site_option, who
from engine.core.durations import parse_duration
from engine.core.ids import id_text, parse_id
from engine.ports.journal import DocumentView, MessageRow, MessageView, Query
from engine.ports.ledger import OutboundNumber
from engine.ports.states import MessageState

reason_option = click.option("--reason", required=True, help="Why; kept in the audit trail.")


class MessageId(click.ParamType[int]):
    """13 characters, as lists show them."""

    name = "message id"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_id(value)
        except ValueError as error:
            self.fail(f"{error}; `isthmus messages` lists them", param, context)


def query_options(function: Any) -> Any:
    """The options that choose messages, for every command that searches."""
    for option in (
        click.option("--limit", default=50, show_default=True, help="How many, newest first."),
        click.option("--until", default=None, help="Received at or before: ISO time, or an age (2h)."),
        click.option("--since", default=None, help="Received at or after: ISO time, or an age (2h)."),
        click.option("--type", "message_type", default=None, help="Message type, for example ADT^A01."),
        click.option("--key", default=None, help="Business key: VALUE, NAME=VALUE, or with * at the end for a prefix."),
        click.option(
            "--state",
            multiple=True,
            type=click.Choice([s.name for s in MessageState], case_sensitive=False),
            help="In this state; may be given several times.",
        ),
        click.option("--channel", default=None, help="Of this channel."),
    ):
        function = option(function)
    return function


def build_query(
    channel: str | None,
    state: tuple[str, ...],
    key: str | None,
    message_type: str | None,
    since: str | None,
    until: str | None,
    limit: int,
) -> Query:
    return Query(
        channel=channel,
        states=[MessageState[s.upper()] for s in state],
        key=_key(key) if key else None,
        message_type=message_type,
        since=_moment(since) if since else None,
        until=_moment(until) if until else None,
        limit=limit,
    )


def _key(text: str) -> tuple[str | None, str, bool]:
    name, equals, value = text.partition("=")
    if not equals:
        name, value = "", text
    return name or None, value.removesuffix("*"), value.endswith("*")


def _moment(text: str) -> datetime:
    with suppress(ValueError):  # not an age: then it is a time
        return datetime.now(UTC) - parse_duration(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError("write a time as 2026-11-20T14:00, or an age as 2h") from None
    return moment if moment.tzinfo else moment.astimezone()


@click.command()
@query_options
@site_option
@json_option
def messages(site: Path, as_json: bool, **chosen: Any) -> None:
    """Search messages by business key, state, type and time. Bodies are not shown.

    \b
    Example:
      isthmus messages --state HELD --since 2h
      isthmus messages --key requisition=REQ-2026*
    """
    rows = ask(site, lambda engine: engine.search(build_query(**chosen), who()))
    if as_json:
        return print_json([row_facts(row) for row in rows])
    for row in rows:
        keys = " ".join(f"{name}={value}" for name, value in row.keys)
        reason = f"{row.reason.code} {row.reason.text}" if row.reason else ""
        click.echo(
            f"{id_text(row.message_id)} {row.received_at:%m-%d %H:%M:%S} {row.state.name:<11} {row.channel:<28} "
            f"{row.message_type or '-':<10} {keys} {reason}".rstrip()
        )
    if not rows:
        click.echo("no message fits")


def row_facts(row: MessageRow) -> dict[str, Any]:
    return {
        "message_id": id_text(row.message_id),
        "channel": row.channel,
        "revision": row.revision,
        "state": row.state.name,
        "received_at": row.received_at,
        "size": row.size,
        "correlation_id": row.correlation_id,
        "natural_id": row.natural_id,
        "message_type": row.message_type,
        "reason": row.reason,
        "parent": id_text(row.parent_id) if row.parent_id else None,
        "keys": [list(pair) for pair in row.keys],
    }


@click.command()
@click.argument("message", type=MessageId())
@site_option
@json_option
def show(message: int, site: Path, as_json: bool) -> None:
    """Every stage of one message. The read is audited.

    \b
    Example:
      isthmus show 0CN0G0VYA0000
    """
    view = ask(site, lambda engine: engine.view(message, who()))
    if view is None:
        raise click.ClickException("there is no such message")
    if as_json:
        return print_json(view_facts(view))
    _show(view)


def view_facts(view: MessageView) -> dict[str, Any]:
    return row_facts(view.row) | {
        "body": view.body.decode("utf-8", "backslashreplace"),
        "attributes": dict(view.attributes),
        "documents": [{"kind": d.kind, "natural_key": d.natural_key, "body": _document(d)} for d in view.documents],
        "deliveries": [
            {
                "delivery_id": id_text(d.delivery_id),
                "destination": d.destination,
                "state": d.state.name,
                "attempts": d.attempts,
                "idempotency_key": d.idempotency_key,
                "order_key": d.order_key,
                "reason": d.reason,
                "reference": d.reference,
                "acknowledgement": _acknowledgement(d.acknowledgement),
                "response": d.response.decode("utf-8", "backslashreplace") if d.response else None,
            }
            for d in view.deliveries
        ],
        "children": [id_text(child) for child in view.children],
    }


def _acknowledgement(number: OutboundNumber | None) -> dict[str, Any] | None:
    return None if number is None else {"state": number.state, **msgspec.to_builtins(number)}


def _document(document: DocumentView) -> Any:
    return json.loads(document.body) if document.kind else document.body.decode("utf-8", "backslashreplace")


def _show(view: MessageView) -> None:
    row = view.row
    click.secho(f"{id_text(row.message_id)}  {row.state.name}", bold=True)
    click.echo(
        f"{row.channel} revision {row.revision}, received {row.received_at:%Y-%m-%d %H:%M:%S} UTC, {row.size} bytes"
    )
    if row.reason:
        click.secho(f"{row.reason.code} {row.reason.text}", fg="red")
        click.echo(f"  at {row.reason.where or '-'}; {row.reason.remedy or ''}")
    click.secho("received", bold=True)
    click.echo(view.body.decode("utf-8", "backslashreplace").replace("\r\n", "\n").replace("\r", "\n"))
    for document in view.documents:
        click.secho(f"{document.kind or 'message'} {document.natural_key or ''}", bold=True)
        body = _document(document)
        click.echo(json.dumps(body, indent=2) if document.kind else body.replace("\r", "\n"))
    for delivery in view.deliveries:
        click.secho(f"to {delivery.destination}: {delivery.state.name}", bold=True, nl=False)
        click.echo(
            f" after {delivery.attempts} attempt{'' if delivery.attempts == 1 else 's'}; "
            f"delivery {id_text(delivery.delivery_id)} {delivery.reference or ''}"
        )
        if delivery.reason:
            click.echo(f"  {delivery.reason.code} {delivery.reason.text}")


@click.command()
@click.argument("message", type=MessageId())
@click.option(
    "--body", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File with the edited message."
)
@reason_option
@site_option
@json_option
def resend(message: int, body: Path | None, reason: str, site: Path, as_json: bool) -> None:
    """Send a HELD message through its channel again, with the edited body when given.

    \b
    Examples:
      isthmus resend 0CN0G0VYA0000 --reason "the crosswalk has the item now"
      isthmus resend 0CN0G0VYA0000 --body corrected.hl7 --reason "the visit was known by telephone"
    """
    edited = body.read_bytes() if body else None
    goes_on = ask(site, lambda engine: engine.resend(message, who(), reason, edited))
    if as_json:
        return print_json({"message_id": id_text(goes_on)})
    click.echo(f"{id_text(goes_on)} goes on")


@click.command()
@click.argument("message", type=MessageId())
@reason_option
@site_option
def discard(message: int, reason: str, site: Path) -> None:
    """Close a HELD message that goes nowhere.

    \b
    Example:
      isthmus discard 0CN0G0VYA0000 --reason "a test of the sender"
    """
    ask(site, lambda engine: engine.discard(message, who(), reason))
    click.echo("discarded")


@click.command()
@click.argument("delivery", type=MessageId())
@click.option("--reference", default=None, help="The far side's own number for it.")
@reason_option
@site_option
def confirm(delivery: int, reference: str | None, reason: str, site: Path) -> None:
    """Mark a HELD delivery as arrived: a person saw it at the far side.

    DELIVERY is the number that `isthmus show` writes behind the word delivery.

    \b
    Example:
      isthmus confirm 0CN0G0W2C0000 --reference INV-88021 --reason "seen in the ERP"
    """
    ask(site, lambda engine: engine.confirm_delivery(delivery, who(), reason, reference))
    click.echo("confirmed")
