"""Reading a mail with two files, beside the standard library's parser alone. Run: python tests/bench/bench_mail.py"""

from __future__ import annotations

import time
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from engine.connectors.mail.intake import MailMessages
from engine.connectors.mail.settings import ImapSourceSettings
from tests.support.connector_doubles import context
from tests.support.mails import invoice_mail

COUNT = 1500


def per_second(work: Callable[[bytes], object], raw: bytes) -> float:
    began = time.perf_counter()
    for _ in range(COUNT):
        work(raw)
    return COUNT / (time.perf_counter() - began)


def bare(raw: bytes) -> list[object]:
    """What the library needs to give the files: all headers and payloads decoded."""
    mail = BytesParser(EmailMessage, policy=policy.default).parsebytes(raw)
    return [part.get_payload(decode=True) for part in mail.walk()]


def main() -> None:
    raw = invoice_mail().as_bytes()
    settings = ImapSourceSettings.model_validate(
        {"address": "localhost:993", "user": "ap", "password": "env:X", "attachments": ["*.xml"]}
    )
    ours = MailMessages(settings, context(Path(".")))
    alone, whole = per_second(bare, raw), per_second(ours.of, raw)
    print(f"email alone      {alone:8,.0f} mails/s")
    print(f"ours, to messages {whole:7,.0f} mails/s   {whole / alone:.2f} of it")


if __name__ == "__main__":
    main()
