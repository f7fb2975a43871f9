"""`isthmus lineage`: from the bytes that came in to the ledger's number and the payment."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.remote import ask, json_option, print_json, site_option
from engine.core.ids import id_text


@click.command()
@click.argument("number")
@site_option
@json_option
def command(number: str, site: Path, as_json: bool) -> None:
    """All that became of an order, an invoice or a message, by its number.

    Received bytes (by digest), documents, decisions, exceptions, commands, deliveries, the ledger's number, payment.

    \b
    Example:
      isthmus lineage PO-4711
      isthmus lineage CASCADE/INV-88021
    """
    found = ask(site, lambda engine: engine.p2p.lineage(number))
    if found is None:
        raise click.ClickException("nothing is known of this number")
    if as_json:
        return print_json(
            {
                "asked": found.asked,
                "dossiers": found.dossiers,
                "traces": [
                    {
                        "stage": one.stage,
                        "what": one.what,
                        "at": one.at,
                        "detail": one.detail,
                        "message_id": None if one.message_id is None else id_text(one.message_id),
                        "digest": one.digest,
                    }
                    for one in found.traces
                ],
            }
        )
    for dossier in found.dossiers:
        click.secho(dossier, bold=True)
    before = ""
    for one in found.traces:
        stage = one.stage if one.stage != before else ""
        before = one.stage
        at = f"{one.at:%Y-%m-%d %H:%M:%S}" if one.at else "-"
        message = f" message {id_text(one.message_id)}" if one.message_id is not None else ""
        digest = f" sha256 {one.digest}" if one.digest else ""
        click.echo(f"{stage:<10} {at:<19} {one.what}{message}{digest} {one.detail}".rstrip())
