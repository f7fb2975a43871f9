"""Settings of the `as2` source and destination."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Duration, Name, Settings, Size
from engine.connectors.fields import SecretReference
from engine.connectors.file.settings import NameTemplate
from engine.connectors.formats import FORMAT_WORDS, WRITTEN
from engine.connectors.http.settings import Basic, HeaderName, HttpSourceSettings, Path, Url
from engine.connectors.tls import ClientTls
from engine.connectors.wrapping import Unwrapping, Wrapping
from engine.protocols.as2.envelope import is_name

Digest = Literal["sha-256", "sha-384", "sha-512", "sha1", "md5"]
CipherName = Literal["aes-256-cbc", "aes-192-cbc", "aes-128-cbc", "3des"]
_STRONG: tuple[Digest, ...] = ("sha-256", "sha-384", "sha-512")
_AES: tuple[CipherName, ...] = ("aes-256-cbc", "aes-192-cbc", "aes-128-cbc")


def _as2_name(text: str) -> str:
    if not is_name(text):
        raise ValueError("an AS2 name has 1 to 128 printable ASCII characters and no blank at its ends")
    return text


def _fixed(url: str) -> str:
    if "{" in url:
        raise ValueError("an AS2 address has no fields")
    return url


As2Name = Annotated[str, AfterValidator(_as2_name)]
FixedUrl = Annotated[Url, AfterValidator(_fixed)]
CertificateFile = Annotated[str, Field(min_length=1, examples=["as2/alderbrook.pem"])]


class KeyPair(Settings):
    """A certificate of ours and its key."""

    certificate: CertificateFile = Field(description="Our certificate: a PEM file, relative to the site.")
    key: SecretReference = Field(description="Where its private key (PEM) is kept.", examples=["file:secrets/as2.key"])
    key_password: SecretReference | None = Field(default=None, description="Where the key's password is kept.")


class As2Partner(Settings):
    """One partner that sends to us, and what was agreed with it."""

    as2_id: As2Name = Field(description="Its AS2-From; case matters.", examples=["ALDERBROOK"])
    certificates: tuple[CertificateFile, ...] = Field(
        min_length=1,
        description="Its certificates, PEM files relative to the site; two while one follows the other.",
        examples=[["as2/alderbrook.pem"]],
    )
    signed: bool = Field(default=True, description="Its messages must be signed.")
    encrypted: bool = Field(default=True, description="Its messages must be encrypted.")
    digests: tuple[Digest, ...] = Field(
        default=_STRONG, min_length=1, description="Digests taken in signatures and used in receipts; sha1, md5: weak."
    )
    ciphers: tuple[CipherName, ...] = Field(
        default=_AES, min_length=1, description="Ciphers taken; 3des only for software that knows no other."
    )
    expired: bool = Field(default=False, description="Signatures count after the certificate expired, too.")
    x12_partners: tuple[Name, ...] = Field(
        default=(),
        description="Trading partners whose interchanges it may send; empty: those of any.",
        examples=[["alderbrook"]],
    )
    receipt_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts to which receipts may be posted later; empty: any public one, but none for messages "
        "that cannot be authenticated.",
        examples=[["edi.alderbrook.example"]],
    )


class As2SourceSettings(Unwrapping, HttpSourceSettings, KeyPair):
    """A door for AS2 messages, and for receipts that partners post later."""

    path: Path = Field(default="/as2", description="Path that takes messages and receipts.", examples=["/as2"])
    methods: tuple[Literal["POST"], ...] = Field(default=("POST",), description="AS2 knows only POST.")
    token: SecretReference | None = Field(
        default=None, description="Where a token is kept that senders need besides; signatures do without."
    )
    content_types: tuple[str, ...] = Field(default=(), description="Media types that are taken; empty: any.")
    max_body: Size = Field(default=64 * 1024**2, description="Larger messages are refused unread.")
    acknowledge: Literal["after_journal"] = Field(
        default="after_journal", description="The receipt leaves when the message is safe."
    )
    key_required: Literal[False] = Field(default=False, description="Messages are known by their Message-ID.")
    answer_within: Duration = Field(default=timedelta(seconds=30), description="Not used: see acknowledge.")
    as2_id: As2Name = Field(description="Our name: what partners write in AS2-To.", examples=["HARBORHEALTH"])
    previous: tuple[KeyPair, ...] = Field(
        default=(), description="Certificates of ours that partners may still encrypt for."
    )
    partners: tuple[As2Partner, ...] = Field(min_length=1, description="Who may send, and how.")
    max_payload: Size = Field(default=128 * 1024**2, description="A message may not become larger when unpacked.")
    receipt_timeout: Duration = Field(default=timedelta(seconds=30), description="Longest wait when posting a receipt.")
    receipt_give_up_after: Duration = Field(
        default=timedelta(hours=24), description="A receipt that could not be posted for so long is dropped."
    )
    receipts_to_private: bool = Field(
        default=False, description="Receipts may be posted to private addresses, or to localhost where they say so."
    )
    receipt_tls: ClientTls = Field(default=ClientTls(), description="TLS when a receipt is posted.")

    @model_validator(mode="after")
    def _somebody_is_asked_who_he_is(self) -> As2SourceSettings:
        known = self.token is not None or (self.tls is not None and self.tls.client_ca is not None)
        for partner in self.partners:
            if not partner.signed and not known:
                raise ValueError(
                    f"anybody could send as {partner.as2_id}: its messages need signatures, "
                    "or the listener a token or tls with client_ca"
                )
        names = [partner.as2_id for partner in self.partners]
        if len(set(names)) < len(names):
            raise ValueError("two partners have the same as2_id")
        if self.as2_id in names:
            raise ValueError("a partner has our own as2_id")
        if self.health_path == self.path:
            raise ValueError("health_path and path must differ")
        return self


class As2DestinationSettings(Wrapping):
    """Messages to one partner, each answered by a receipt."""

    url: FixedUrl = Field(description="The partner's address.", examples=["https://edi.alderbrook.example/as2"])
    as2_from: As2Name = Field(description="Our name.", examples=["HARBORHEALTH"])
    as2_to: As2Name = Field(description="The partner's name.", examples=["ALDERBROOK"])
    certificate: CertificateFile | None = Field(
        default=None, description="Our certificate for signing: a PEM file, relative to the site."
    )
    key: SecretReference | None = Field(default=None, description="Where its private key (PEM) is kept.")
    key_password: SecretReference | None = Field(default=None, description="Where the key's password is kept.")
    partner_certificates: tuple[CertificateFile, ...] = Field(
        default=(),
        description="The partner's certificates, PEM files: the first valid one is encrypted for, each may sign.",
        examples=[["as2/alderbrook.pem"]],
    )
    sign: Digest | Literal["none"] = Field(default="sha-256", description="Digest of our signature; none: unsigned.")
    encrypt: CipherName | Literal["none"] = Field(default="aes-256-cbc", description="Cipher; none: in clear.")
    key_transport: Literal["rsa", "oaep"] = Field(
        default="rsa", description="How the cipher's key is sealed: PKCS #1 v1.5, as all software knows, or OAEP."
    )
    compress: bool = Field(default=False, description="Compress before signing.")
    content_type: str = Field(
        default="application/edi-x12", pattern=r"^[\w.+-]+/[\w.+-]+$", description="Media type of what is inside."
    )
    file_name: NameTemplate | None = Field(
        default=None, description="Name that travels with it; fields as for file.", examples=["{control_number}.edi"]
    )
    format: WRITTEN = Field(default="raw", description=FORMAT_WORDS)
    partner: Name | None = Field(default=None, description="Trading partner of x12; none: as the document says.")
    receipt: Literal["sync", "async", "none"] = Field(
        default="sync", description="The receipt comes as the answer, is posted to receipt_url later, or is not asked."
    )
    receipt_signed: bool = Field(default=True, description="The receipt must be signed.")
    receipt_digests: tuple[Digest, ...] = Field(
        default=_STRONG, min_length=1, description="Digests taken in the receipt's signature and MIC."
    )
    receipt_url: FixedUrl | None = Field(
        default=None, description="Where an as2 source of this site takes receipts, as partners reach it.",
        examples=["https://edi.harbor.example/as2"],
    )  # fmt: skip
    receipt_wait: Duration = Field(
        default=timedelta(seconds=20), description="A receipt that is posted is waited for so long before others go on."
    )
    receipt_within: Duration = Field(
        default=timedelta(hours=1),
        description="A posted receipt must come in this time; then it is sent again, when the partner finds "
        "duplicates, or HELD.",
    )
    receipt_address: str = Field(
        default="edi@localhost", pattern=r"^[\x21-\x7e]{1,200}$", description="Disposition-Notification-To."
    )
    partner_finds_duplicates: bool = Field(
        default=False,
        description="The partner takes a repeated Message-ID for a duplicate: sending twice acts once. Ask it.",
    )
    headers: dict[HeaderName, str] = Field(
        default_factory=dict,
        description="Further headers; a value env:NAME, file:PATH or store:NAME is looked up.",
        examples=[{"X-Api-Key": "env:EDI_KEY"}],
    )
    basic: Basic | None = Field(default=None, description="Basic authentication.")
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    timeout: Duration = Field(default=timedelta(seconds=60), description="Longest wait for the whole answer.")
    parallel: int = Field(default=4, ge=1, le=64, description="Messages under way at once.")
    max_response: Size = Field(default=1024**2, description="A longer answer is no receipt.")
    allow_private: bool = Field(
        default=True, description="May the host of the URL be a private address, or localhost where it says so."
    )
    tls: ClientTls = Field(default=ClientTls(), description="TLS of https URLs.")

    @model_validator(mode="after")
    def _fits_together(self) -> As2DestinationSettings:
        if self.sign != "none" and (self.certificate is None or self.key is None):
            raise ValueError("signing needs certificate and key; or set sign: none")
        if self.encrypt != "none" and not self.partner_certificates:
            raise ValueError("encrypting needs partner_certificates; or set encrypt: none")
        if self.receipt != "none" and self.receipt_signed and not self.partner_certificates:
            raise ValueError("a signed receipt needs partner_certificates; or set receipt_signed: false")
        if (self.receipt == "async") != (self.receipt_url is not None):
            raise ValueError("receipt: async and receipt_url belong together")
        if self.partner is not None and self.format != "x12":
            raise ValueError("`partner` belongs to format: x12")
        if "pgp" in self.wrap and self.receipt == "async":
            raise ValueError("PGP gives other bytes at every attempt, so a posted receipt fits none: set receipt: sync")
        if self.as2_from == self.as2_to:
            raise ValueError("as2_from and as2_to are the same")
        return self
