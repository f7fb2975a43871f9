"""Invented mails of suppliers."""

from __future__ import annotations

from email.message import EmailMessage

UBL = b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><ID>INV-88021</ID></Invoice>'
PDF = b"%PDF-1.7 invented"


def invoice_mail(number: str = "inv-88021", sender: str = "billing@alderbrook.example") -> EmailMessage:
    """An invoice as XML with its PDF."""
    mail = EmailMessage()
    mail["From"] = f'"Alderbrook, Billing" <{sender}>'
    mail["To"] = "ap@harbor.example"
    mail["Cc"] = "copy@harbor.example"
    mail["Subject"] = "Invoice INV-88021 – attached"
    mail["Date"] = "Fri, 20 Nov 2026 08:15:00 +0000"
    mail["Message-ID"] = f"<{number}@alderbrook.example>"
    mail.set_content("Please find our invoice attached.\n")
    mail.add_attachment(UBL, maintype="application", subtype="xml", filename="INV-88021.xml")
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="INV-88021.pdf")
    return mail
