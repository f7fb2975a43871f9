"""Field types that connectors share in their settings: addresses, secret references, folders."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field


def split_address(text: str) -> tuple[str, int]:
    """`127.0.0.1:6661`, `[::1]:6661` or `host:6661` as host and port.

    Raises:
        ValueError: with the accepted forms.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("write an address as host:port, for example 127.0.0.1:6661 or [::1]:6661")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError("put an IPv6 address in brackets: [::1]:6661")
    return host.strip("[]"), int(port)


def _address(text: str) -> str:
    split_address(text)
    return text


Address = Annotated[str, AfterValidator(_address), Field(examples=["127.0.0.1:6661"])]
"""`host:port`; port 0 lets the system choose (tests)."""

SecretReference = Annotated[
    str, Field(pattern=r"^(env|file|store):\S+$", max_length=500, examples=["env:PORTAL_TOKEN", "file:secrets/token"])
]
"""Where a secret is kept; secrets never stand in settings themselves."""
