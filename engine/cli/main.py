"""The command `isthmus`. Each command is a module of its own, imported only when it is used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from engine import __version__
from engine.core.errors import IsthmusError

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run:command", "start the engine of a site: channels, API, console"),
    "demo": ("demo:command", "play a hospital day into a real ERP and show that the money agrees"),
    "new": ("new:command", "make an empty site"),
    "channel": ("channel:command", "make a channel"),
    "lint": ("lint:command", "find mistakes in a site"),
    "test": ("test:command", "run the cases beside the channels"),
    "trace": ("trace:command", "show every stage of one message, nothing stored or sent"),
    "parse": ("parse:command", "show or check HL7, X12 and JSON files"),
    "send": ("send:command", "send HL7 files to a listener and show its acknowledgements"),
    "diff": ("diff:command", "the site on disk against what is deployed"),
    "deploy": ("revisions:deploy", "make what is on disk the active revision"),
    "rollback": ("revisions:rollback", "go back to an earlier revision"),
    "history": ("revisions:history", "who deployed what, and when"),
    "status": ("channels:status", "channels with rates, queues and errors"),
    "pause": ("channels:pause", "receive and journal, but transform and send nothing"),
    "resume": ("channels:resume", "go on after pause or stop"),
    "stop": ("channels:stop", "receive nothing; what was received goes on"),
    "messages": ("messages:messages", "search messages by business key, state, time"),
    "show": ("messages:show", "every stage of one stored message"),
    "resend": ("messages:resend", "send a HELD message again, edited if need be"),
    "discard": ("messages:discard", "close a HELD message that goes nowhere"),
    "confirm": ("messages:confirm", "a person saw a HELD delivery at the far side"),
    "crosswalks": ("crosswalks:command", "code tables: where they are used, what holds when, which codes are missing"),
    "replay": ("replay:command", "recent history once more: a plan first"),
    "prune": ("channels:prune", "drop finished messages and give the disk back"),
    "cases": ("cases:command", "exceptions that wait for a person, and decisions over them"),
    "approvals": ("approvals:command", "what waits for a person's approval, and answers to it"),
    "payments": ("payments:command", "payment runs, and where each payment stands by ERP, bank and portal"),
    "lineage": ("lineage:command", "from received bytes to the ledger's number, by any number"),
    "recall": ("recall:command", "a recalled lot: what came, where it lies, for which cases it was used"),
    "measures": ("measures:command", "figures of the business: what they mean, their SQL, promised times"),
    "check": ("channels:check", "are all far sides reachable and willing"),
    "erp": ("erp:command", "set up, start and stop the ERP of the demonstration"),
    "schema": ("schema:command", "JSON Schema for editors"),
    "docs": ("docs:command", "reference pages"),
}


class Commands(click.Group):
    """Commands by name; help lists them without importing any."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        found: click.Command = getattr(import_module(f"engine.cli.{module}"), attribute)
        return found

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, title) for name, (_, title) in COMMANDS.items()])

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            raise click.UsageError(f"{error.message} {_did_you_mean(args[0])}", context) from None


def _did_you_mean(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, 1)
    return f"Did you mean '{near[0]}'?" if near else "See `isthmus --help`."


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="isthmus")
def cli() -> None:
    """Isthmus: from a hospital message to a posted document, nothing lost, nothing posted twice."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command. Exit status: 0 good, 1 findings or a failure in words, 2 wrong usage."""
    try:
        cli.main(args=arguments, prog_name="isthmus")
    except IsthmusError as error:
        click.echo(f"isthmus: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
