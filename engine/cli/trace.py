"""`isthmus trace`: the real way of one message, with the doors shut."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.channel.load import load_site
from engine.cli.workspace import channel_named, json_option, print_json, site_root
from engine.ports.states import MessageState


@click.command()
@click.argument("channel")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--site", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", help="Folder of the site."
)
@click.option("--message", default=1, show_default=True, help="Which message of a file that holds several.")
@json_option
def command(channel: str, file: Path, site: Path, message: int, as_json: bool) -> None:
    """Show every stage of the message in FILE on its way through CHANNEL. Nothing is stored or sent.

    Exit 0: it would go out (or is filtered on purpose), 1: it would be refused or held.

    \b
    Examples:
      isthmus trace stock_requisition sample.hl7
      isthmus trace supplier_invoice_in 810.edi --json
    """
    from engine.cli.trace_print import show
    from engine.cli.trace_stages import trace

    loaded = load_site(site_root(site))
    traced = trace(loaded, channel_named(loaded, channel), file)
    if not 1 <= message <= len(traced):
        raise click.UsageError(f"the file has {len(traced)} messages")
    one = traced[message - 1]
    if as_json:
        print_json(one.data() | {"message": message, "messages": len(traced)})
    else:
        show(one)
        if len(traced) > 1:
            click.echo(f"message {message} of {len(traced)}: see the others with --message N")
    sys.exit(1 if one.state in (MessageState.HELD, MessageState.REFUSED) else 0)
