"""Settings of the `sftp` source and destination."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from engine.channel.model import Duration, Settings
from engine.connectors.fields import Address, SecretReference
from engine.connectors.file.settings import Folder
from engine.connectors.remote_folder.settings import WatchedFolder, WrittenFolder

Fingerprint = Annotated[
    str,
    Field(
        pattern=r"^SHA256:[A-Za-z0-9+/]{43}$",
        examples=["SHA256:qs1dXNn5BqmhkWqvRKVPoKcUvYyeVhgtdRcYFc2NNrE"],
    ),
]


class SftpServer(Settings):
    """How to get to a server, and how both sides prove who they are."""

    address: Address = Field(description="Host and port of the server.", examples=["sftp.supplier.example:22"])
    user: str = Field(min_length=1, max_length=200, description="Name to log in with.", examples=["harbor"])
    private_key: SecretReference | None = Field(
        default=None, description="Where our private key is kept, as ssh-keygen writes it."
    )
    passphrase: SecretReference | None = Field(default=None, description="Where the private key's passphrase is kept.")
    certificate: Folder | None = Field(
        default=None,
        description="File with the certificate of our key, signed by the server's authority, relative to the site.",
        examples=["config/harbor_ed25519-cert.pub"],
    )
    password: SecretReference | None = Field(
        default=None, description="Where the password is kept; with private_key: given when the server asks for both."
    )
    known_hosts: Folder | None = Field(
        default=None,
        description="File with the host keys of servers, relative to the site. A key that is not there is refused.",
        examples=["config/known_hosts"],
    )
    host_keys: tuple[Fingerprint, ...] = Field(
        default=(), description="Fingerprints of the server's host keys, as ssh-keygen -l writes them."
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    login_timeout: Duration = Field(
        default=timedelta(seconds=20), description="Longest wait for the server's greeting, key exchange and log-in."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=30), description="Longest wait for each answer; then the connection is given up."
    )

    @model_validator(mode="after")
    def _both_sides_are_known(self) -> SftpServer:
        if self.private_key is None and self.password is None:
            raise ValueError("an sftp server needs private_key or password")
        if self.known_hosts is None and not self.host_keys:
            raise ValueError("pin the server's key: known_hosts or host_keys")
        if self.private_key is None and (self.passphrase or self.certificate):
            raise ValueError("passphrase and certificate belong to private_key")
        return self


class SftpSourceSettings(WatchedFolder, SftpServer):
    """Reads each new file of a server's folder once it is complete, and moves it when its messages are safe."""


class SftpDestinationSettings(WrittenFolder, SftpServer):
    """Writes each delivery as one complete file."""
