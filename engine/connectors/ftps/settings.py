"""Settings of the `ftps` source and destination."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

from engine.channel.model import Duration, Settings
from engine.connectors.fields import Address, SecretReference
from engine.connectors.remote_folder.settings import WatchedFolder, WrittenFolder
from engine.connectors.tls import ClientTls


class FtpsServer(Settings):
    """How to get to a server, and how both sides prove who they are."""

    address: Address = Field(description="Host and port of the server.", examples=["ftp.supplier.example:21"])
    mode: Literal["explicit", "implicit"] = Field(
        default="explicit",
        description="explicit: AUTH TLS before the log-in, usually at port 21; implicit: TLS at once, at 990.",
    )
    user: str = Field(min_length=1, max_length=200, description="Name to log in with.", examples=["harbor"])
    password: SecretReference = Field(description="Where the password is kept.", examples=["env:MERIDIAN_PASSWORD"])
    tls: ClientTls = Field(default=ClientTls(), description="TLS of the log-in, of listings and of files.")
    connections: int = Field(
        default=4, ge=1, le=32, description="Connections at once; each carries one file at a time."
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    login_timeout: Duration = Field(
        default=timedelta(seconds=20), description="Longest wait for the server's greeting, TLS and log-in."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=30), description="Longest wait for each answer; then the connection is given up."
    )
    transfer_timeout: Duration = Field(
        default=timedelta(minutes=10), description="Longest time for one listing or file, however it trickles."
    )

    @field_validator("user")
    @classmethod
    def _one_line(cls, user: str) -> str:
        if any(ord(character) < ord(" ") for character in user):
            raise ValueError("a user name has no control characters")
        return user


class FtpsSourceSettings(WatchedFolder, FtpsServer):
    """Reads each new file of a server's folder once it is complete, and moves it when its messages are safe."""


class FtpsDestinationSettings(WrittenFolder, FtpsServer):
    """Writes each delivery as one complete file."""
