"""How a partner is reached: `transport:` of its file, and what an end that names it takes from there.

Each way has the settings that are the partner's alone, under the names that the connector of that way gives them, so
a new host or key is written in one place. What is ours (our names, our keys of AS2, how often) stays in the channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.channel.model import Settings

Text = Annotated[str, Field(min_length=1, max_length=300)]
Reference = Annotated[str, Field(pattern=r"^(env|file|store):\S+$", max_length=500)]
HostAddress = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$")]
Fingerprint = Annotated[str, Field(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")]
WebAddress = Annotated[str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s]*)?$")]


class FromThem(Settings):
    """Where their files are found."""

    folder: Text = Field(description="Folder that they write to.", examples=["/outgoing"])
    pattern: Text | None = Field(default=None, description="Names that are read, with * and ?.", examples=["*.edi"])


class ToThem(Settings):
    """Where our files go."""

    folder: Text = Field(description="Folder that they read.", examples=["/incoming"])
    file_name: Text | None = Field(
        default=None, description="Name of each file, as in a destination.", examples=["{partner}_{control_number}.edi"]
    )


class PartnerTls(Settings):
    """TLS towards this partner."""

    ca: Text | None = Field(default=None, description="PEM file: authorities to trust; none: those of the system.")
    certificate: Text | None = Field(default=None, description="PEM file: our client certificate (mutual TLS).")
    key: Text | None = Field(default=None, description="PEM file: its private key; none: in the certificate's file.")
    server_name: Text | None = Field(
        default=None, description="Name in the partner's certificate when it differs from the address."
    )


class _Folders(Settings):
    from_them: FromThem | None = Field(default=None, description="What they send; none: nothing this way.")
    to_them: ToThem | None = Field(default=None, description="What we send; none: nothing this way.")


class FolderTransport(_Folders):
    """Folders that somebody else carries on: a value-added network's client, a share."""

    type: Literal["file"] = Field(description="Folders of this machine.")


class SftpTransport(_Folders):
    """Their SFTP server, or ours that they use: the engine logs in either way."""

    type: Literal["sftp"] = Field(description="An SFTP server.")
    address: HostAddress = Field(description="Host and port.", examples=["sftp.supplier.example:22"])
    user: Text = Field(description="Name to log in with.", examples=["harbor"])
    private_key: Reference | None = Field(default=None, description="Where our private key is kept.")
    passphrase: Reference | None = Field(default=None, description="Where the private key's passphrase is kept.")
    certificate: Text | None = Field(default=None, description="File with the certificate of our key.")
    password: Reference | None = Field(default=None, description="Where the password is kept.")
    known_hosts: Text | None = Field(default=None, description="File with host keys, relative to the site.")
    host_keys: tuple[Fingerprint, ...] = Field(
        default=(), description="Fingerprints of the server's host keys, as ssh-keygen -l writes them."
    )


class FtpsTransport(_Folders):
    """An FTP server under TLS."""

    type: Literal["ftps"] = Field(description="An FTP server under TLS.")
    address: HostAddress = Field(description="Host and port.", examples=["ftp.supplier.example:21"])
    mode: Literal["explicit", "implicit"] = Field(default="explicit", description="AUTH TLS first, or TLS at once.")
    user: Text = Field(description="Name to log in with.", examples=["harbor"])
    password: Reference = Field(description="Where the password is kept.", examples=["env:MERIDIAN_PASSWORD"])
    tls: PartnerTls | None = Field(default=None, description="TLS of the log-in, of listings and of files.")


class HttpTransport(Settings):
    """Requests to their server. What they send comes to a door of ours, which its channel describes."""

    type: Literal["http"] = Field(description="HTTP requests.")
    url: WebAddress = Field(description="Where to.", examples=["https://api.supplier.example/orders"])
    bearer: Reference | None = Field(default=None, description="Where the bearer token is kept.")
    tls: PartnerTls | None = Field(default=None, description="TLS of https URLs.")


class As2Transport(Settings):
    """AS2 in both directions."""

    type: Literal["as2"] = Field(description="AS2 messages.")
    as2_id: Text = Field(description="Their AS2 name; case matters.", examples=["ALDERBROOK"])
    url: WebAddress = Field(description="Their address.", examples=["https://edi.alderbrook.example/as2"])
    certificates: tuple[Text, ...] = Field(
        default=(), description="Their certificates, PEM files relative to the site; two while one follows the other.",
        examples=[["config/as2/alderbrook.pem"]],
    )  # fmt: skip
    receipt_hosts: tuple[Text, ...] = Field(default=(), description="Hosts to which receipts may be posted later.")
    finds_duplicates: bool | None = Field(
        default=None, description="They take a repeated Message-ID for a duplicate: sending twice acts once. Ask them."
    )
    tls: PartnerTls | None = Field(default=None, description="TLS of an https address.")


Transport = Annotated[
    FolderTransport | SftpTransport | FtpsTransport | HttpTransport | As2Transport, Field(discriminator="type")
]
TRANSPORTS = ("file", "sftp", "ftps", "http", "as2")
"""Types of connectors that a partner's file can describe."""
_WAYS = ("from_them", "to_them")


def settings_from(transport: Transport, partner: str) -> dict[str, Any]:
    """What a source of the transport's type takes from it, under the connector's names."""
    if isinstance(transport, As2Transport):
        sender = _given(transport, "as2_id", "certificates", "receipt_hosts")
        return {"partners": [sender | {"x12_partners": [partner]}]}
    return {} if isinstance(transport, HttpTransport) else _reached(transport) | _folder(transport, "from_them")


def settings_to(transport: Transport) -> dict[str, Any]:
    """What a destination of the transport's type takes from it, under the connector's names."""
    if isinstance(transport, As2Transport):
        renamed = {
            "as2_id": "as2_to", "certificates": "partner_certificates", "finds_duplicates": "partner_finds_duplicates"
        }  # fmt: skip
        given = _given(transport, "as2_id", "url", "certificates", "finds_duplicates", "tls")
        return {renamed.get(name, name): value for name, value in given.items()}
    return _reached(transport) | _folder(transport, "to_them")


def with_own(taken: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What the channel writes itself wins; an AS2 door has the partners of both."""
    both = (taken.get("partners"), own.get("partners"))
    if isinstance(both[0], list) and isinstance(both[1], list):
        return {**taken, **own, "partners": [*both[0], *both[1]]}
    return {**taken, **own}


def _reached(transport: Transport) -> dict[str, Any]:
    return _given(transport, *(name for name in type(transport).model_fields if name not in ("type", *_WAYS)))


def _folder(transport: Transport, way: str) -> dict[str, Any]:
    found = getattr(transport, way, None)
    return _given(found, *type(found).model_fields) if isinstance(found, Settings) else {}


def _given(model: Settings, *names: str) -> dict[str, Any]:
    return model.model_dump(mode="json", include=set(names), exclude_unset=True, exclude_none=True)
