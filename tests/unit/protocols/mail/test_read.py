"""A mail becomes its text and its files; names are clean, and what is hidden or dangerous is refused by its place."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from engine.core.errors import FramingError, MessageError, SizeLimitError, StructureError
from engine.protocols.mail.kinds import FileRefusedError
from engine.protocols.mail.read import MOST_PARTS, clean_name, read_mail
from tests.support.mails import invoice_mail


def test_a_mail_is_read_with_its_text_and_files() -> None:
    mail = read_mail(invoice_mail().as_bytes())

    assert mail.message_id == "<inv-88021@alderbrook.example>"
    assert mail.sender == "billing@alderbrook.example"
    assert mail.recipients == ("ap@harbor.example", "copy@harbor.example")
    assert mail.subject == "Invoice INV-88021 – attached"
    assert mail.sent_at == datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
    assert mail.text == "Please find our invoice attached.\n"
    assert [(file.name, file.media_type) for file in mail.files] == [
        ("INV-88021.xml", "application/xml"),
        ("INV-88021.pdf", "application/pdf"),
    ]
    assert mail.files[1].body == b"%PDF-1.7 invented"


def test_a_bare_mail_has_no_files() -> None:
    mail = read_mail(b"From: a@b.example\r\n\r\nhello\r\n")

    assert (mail.text, mail.files, mail.message_id, mail.sent_at) == ("hello\n", (), None, None)


def test_a_mail_whose_body_is_the_file_is_taken() -> None:
    mail = read_mail(b"From: a@b.example\r\nContent-Type: application/edi-x12\r\n\r\nISA*00*\r\n")

    assert [(file.name, file.body) for file in mail.files] == [("part-1", b"ISA*00*\r\n")]


def test_a_mail_within_a_mail_is_a_file() -> None:
    outer = EmailMessage()
    outer["From"] = "ap@harbor.example"
    outer.set_content("forwarded")
    outer.add_attachment(invoice_mail())

    mail = read_mail(outer.as_bytes())

    assert [(file.name, file.media_type) for file in mail.files] == [("mail.eml", "message/rfc822")]
    assert read_mail(mail.files[0].body).message_id == "<inv-88021@alderbrook.example>"


def test_two_authors_are_no_sender() -> None:
    assert read_mail(b"From: a@good.example, b@bad.example\r\n\r\nx").sender == ""
    assert read_mail(b"From: a@good.example\r\nFrom: b@bad.example\r\n\r\nx").sender == ""


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\windows\\x.pdf", "C_windows_x.pdf"),
        ("a\x00b\r\nc.pdf", "a_b_c.pdf"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("", "unnamed"),
        ("...", "unnamed"),
        ("n" * 400 + ".pdf", "n" * 146 + ".pdf"),
        ("Rechnung – März.pdf", "Rechnung – März.pdf"),
        ("half\ud800.pdf", "half?.pdf".replace("?", "_")),
    ],
)
def test_names_are_cleaned(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


@pytest.mark.parametrize(
    ("name", "body"),
    [("invoice.exe", b"x"), ("invoice.pdf", b"MZ\x90\x00"), ("a.PDF.JS", b"x"), ("run", b"\x7fELF"), ("m.docm", b"PK")],
)
def test_programs_are_refused(name: str, body: bytes) -> None:
    mail = invoice_mail()
    mail.add_attachment(body, maintype="application", subtype="octet-stream", filename=name)

    with pytest.raises(FileRefusedError) as caught:
        read_mail(mail.as_bytes())

    assert caught.value.where == "part 1.4"
    assert name not in str(caught.value)


@pytest.mark.parametrize("kind", ["application/pkcs7-mime", "multipart/encrypted", "application/ms-tnef"])
def test_what_hides_its_content_is_refused_in_words(kind: str) -> None:
    with pytest.raises(StructureError, match="ask"):
        read_mail(f"From: a@b.example\r\nContent-Type: {kind}; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--\r\n".encode())


def test_parts_and_depth_are_bounded() -> None:
    many = EmailMessage()
    many.set_content("x")
    for _ in range(MOST_PARTS):
        many.add_attachment(b"x", maintype="image", subtype="png", filename="a.png")
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(50))
    deep += b"\r\n" + b"".join(b"--b%d--\r\n" % n for n in range(49, -1, -1))

    for raw in (many.as_bytes(), b"From: a@b.example\r\n" + deep):
        with pytest.raises(SizeLimitError):
            read_mail(raw)


def test_an_unknown_charset_does_not_lose_the_mail() -> None:
    mail = read_mail(b"From: a@b.example\r\nContent-Type: text/plain; charset=x-nobody\r\n\r\nabc\r\n")

    assert mail.text == "abc\n"


def test_mutated_mails_are_read_or_refused_with_a_code() -> None:
    chance, raw = random.Random(42), bytearray(invoice_mail().as_bytes())
    outcomes = set()
    for _ in range(1500):
        hostile = bytearray(raw)
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(hostile))
            hostile[at : at + chance.randrange(3)] = chance.choice(
                [b"\x00", b"=?", b"\r\n", b"\xff", b";", b'"', b"<", b"--", bytes([chance.randrange(256)])]
            )
        try:
            read_mail(bytes(hostile))
            outcomes.add("read")
        except MessageError as error:
            outcomes.add(error.code)

    assert "read" in outcomes


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_file_that_was_cut_off_on_its_way_is_refused_or_filled_up_as_base64_has_it(cut: int) -> None:
    """Two or three signs of the last four say whole bytes; one alone says nothing."""
    content = base64.b64encode(b"%PDF-1.7 " + bytes(range(60))).decode()[:-cut]
    mail = (
        "From: ap@alderbrook.example\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf\r\n"
        f'Content-Disposition: attachment; filename="i.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n{content}\r\n'
    ).encode()
    if cut == 3:
        with pytest.raises(FramingError, match="cut off"):
            read_mail(mail)
    else:
        assert read_mail(mail).files[0].body.startswith(b"%PDF-1.7")


def test_a_mail_whose_parts_do_not_come_to_their_end_is_refused() -> None:
    whole = invoice_mail().as_bytes()

    assert read_mail(whole).files
    with pytest.raises(FramingError, match="cut off"):
        read_mail(whole[: whole.rindex(b"--", 0, len(whole) - 6) - 200])
