"""`isthmus send`: a sender for HL7 files over MLLP, to try a channel with."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import Any

import click

from engine.cli.remote import json_option, print_json
from engine.protocols.hl7v2.acknowledge import Acknowledgement, read
from engine.protocols.hl7v2.batch import split_batch
from engine.protocols.hl7v2.framing import MllpFramer, frame

_ANSWER_SECONDS = 30.0
_LONGEST_ANSWER = 1024 * 1024
_PEM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("address", metavar="HOST:PORT")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--repeat", default=1, show_default=True, help="Send all files this often.")
@click.option(
    "--tls", is_flag=True, help="Under TLS, as a door with `tls:` asks; the system's authorities are trusted."
)
@click.option("--ca", type=_PEM_FILE, default=None, help="Under TLS; PEM file: authorities to trust instead.")
@click.option("--certificate", type=_PEM_FILE, default=None, help="Under TLS; PEM file: our certificate and key.")
@json_option
def command(
    address: str,
    files: tuple[Path, ...],
    repeat: int,
    tls: bool,
    ca: Path | None,
    certificate: Path | None,
    as_json: bool,
) -> None:
    """Send HL7 files over MLLP and show each acknowledgement; exit 1 when one was not positive.

    \b
    Examples:
      isthmus send 127.0.0.1:6661 order.hl7
      isthmus send interfaces.hospital.example:6661 order.hl7 --ca tls/authority.pem
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise click.UsageError("write the address as HOST:PORT, for example 127.0.0.1:6661")
    context = _context(ca, certificate) if tls or ca or certificate else None
    try:
        answers = asyncio.run(_send(host, int(port), context, list(files) * repeat, not as_json))
    except (OSError, asyncio.IncompleteReadError) as error:
        raise click.ClickException(f"{address}: {_in_words(error, context is not None)}") from None
    if as_json:
        print_json([_facts(path, answer) for path, answer in answers])
    if not all(answer.positive for _, answer in answers):
        raise SystemExit(1)


def _context(ca: Path | None, certificate: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate, password="")  # no password: OpenSSL would ask for it on the terminal
    except (OSError, ValueError):
        raise click.UsageError("--ca and --certificate name PEM files; the latter's key has no password") from None
    return context


def _in_words(error: OSError | asyncio.IncompleteReadError, under_tls: bool) -> str:
    """What went wrong, and what to look at."""
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "renew it" if "expired" in error.verify_message else "name its authority with --ca"
        return f"its certificate is not trusted: {error.verify_message}; {remedy}"
    if isinstance(error, ssl.SSLError):
        return "TLS failed; does this door speak TLS, and does it ask for --certificate?"
    if isinstance(error, TimeoutError) and error.errno is None:
        return f"no acknowledgement came within {_ANSWER_SECONDS:.0f} s"
    if isinstance(error, asyncio.IncompleteReadError | ConnectionResetError):
        asks = "--certificate" if under_tls else "TLS (--tls or --ca)"
        why = f"did the engine stop, does this door ask for {asks}, or is the file not HL7?"
        return f"it closed the connection without an answer; {why}"
    known = error.errno is not None and error.errno > 0  # a name that cannot be resolved has a negative one
    return f"{os.strerror(error.errno or 0) if known else error.strerror or error}; does the channel run there?"


async def _send(
    host: str, port: int, tls: ssl.SSLContext | None, files: list[Path], show: bool
) -> list[tuple[Path, Acknowledgement]]:
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    framer, answers = MllpFramer(_LONGEST_ANSWER), []
    try:
        for path in files:
            for body in _messages(path.read_bytes()):
                writer.write(frame(body))
                answers.append((path, read(await _answer(reader, framer))))
                if show:
                    _show(*answers[-1])
    finally:
        writer.close()
    return answers


def _messages(data: bytes) -> tuple[bytes, ...]:
    """The messages of a file: one, a batch's, or those in MLLP frames; segments end with CR on the wire."""
    framed = MllpFramer(len(data) + 1).feed(data) if data.startswith(b"\x0b") else [data]
    bodies = (one.replace(b"\r\n", b"\r").replace(b"\n", b"\r") for one in framed)
    return tuple(message for body in bodies for message in split_batch(body).messages or (body,))


async def _answer(reader: asyncio.StreamReader, framer: MllpFramer) -> bytes:
    async with asyncio.timeout(_ANSWER_SECONDS):
        while True:
            data = await reader.read(65_536)
            if not data:
                raise asyncio.IncompleteReadError(b"", None)
            if frames := framer.feed(data):
                return frames[0]


def _show(path: Path, answer: Acknowledgement) -> None:
    words = "; ".join(f"{error.text or error.code} at {error.where or '-'}" for error in answer.errors)
    text = f"{path.name}: {answer.code} {answer.control_id} {words or answer.text or ''}"
    click.secho(text.rstrip(), fg="green" if answer.positive else "red")


def _facts(path: Path, answer: Acknowledgement) -> dict[str, Any]:
    errors = [{"code": error.code, "text": error.text, "where": error.where} for error in answer.errors]
    facts = {"file": str(path), "code": answer.code, "control_id": answer.control_id, "positive": answer.positive}
    return facts | {"text": answer.text, "errors": errors}
