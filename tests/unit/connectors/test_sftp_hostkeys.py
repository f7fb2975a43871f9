"""Pinned host keys: what is not pinned is refused, and nothing is ever learnt."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from engine.connectors.sftp.hostkeys import HostKeyError, PinnedKeys, fingerprint
from engine.core.errors import ConfigurationError

GOOD, OTHER = b"\x00\x00\x00\x0bssh-ed25519-good", b"\x00\x00\x00\x0bssh-ed25519-other"
NAME = "sftp.supplier.example"


def line(name: str, blob: bytes = GOOD, marker: str = "", kind: str = "ssh-ed25519") -> str:
    return f"{marker} {name} {kind} {base64.b64encode(blob).decode()} a comment".strip() + "\n"


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), "sha1").digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def pinned(folder: Path, text: str, port: int = 22, fingerprints: tuple[str, ...] = ()) -> PinnedKeys:
    (folder / "known_hosts").write_text(text)
    return PinnedKeys(NAME, port, folder / "known_hosts", fingerprints, "orders")


@pytest.mark.parametrize("name", [NAME, NAME.upper(), f"other.example,{NAME}", hashed(NAME)])
def test_pinned_key_is_taken(tmp_path: Path, name: str) -> None:
    pinned(tmp_path, "# a comment\n\n" + line(name)).check(GOOD)


def test_another_port_is_pinned_by_its_own_name(tmp_path: Path) -> None:
    pinned(tmp_path, line(f"[{NAME}]:2222"), port=2222).check(GOOD)

    with pytest.raises(ConfigurationError):
        pinned(tmp_path, line(NAME), port=2222)


def test_another_key_is_refused_with_its_fingerprint_and_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(HostKeyError) as caught:
        pinned(tmp_path, line(NAME)).check(OTHER)

    assert fingerprint(OTHER) in str(caught.value)
    assert "operator" in str(caught.value)
    assert not caught.value.sent


def test_revoked_key_is_refused_although_it_is_pinned(tmp_path: Path) -> None:
    keys = pinned(tmp_path, line(NAME) + line(NAME, marker="@revoked"), fingerprints=(fingerprint(GOOD),))

    with pytest.raises(HostKeyError, match="revoked"):
        keys.check(GOOD)


def test_certificate_authority_pins_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        pinned(tmp_path, line(NAME, marker="@cert-authority"))


def test_fingerprint_is_as_ssh_keygen_writes_it() -> None:
    shown = "SHA256:" + base64.b64encode(hashlib.sha256(GOOD).digest()).decode()[:43]
    PinnedKeys(NAME, 22, None, (shown,), "orders").check(GOOD)

    assert fingerprint(GOOD) == shown


@pytest.mark.parametrize("text", ["", "not a line\n", f"{NAME} ssh-ed25519 ***\n", "|1|x|y ssh-ed25519 AAAA\n"])
def test_file_without_a_key_of_the_server_is_told_at_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        pinned(tmp_path, text)

    assert caught.value.where == "orders.known_hosts"


def test_missing_file_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        PinnedKeys(NAME, 22, tmp_path / "none", (), "orders")


def test_server_is_asked_for_the_kinds_that_are_pinned_by_a_file_alone(tmp_path: Path) -> None:
    text = line(NAME, kind="ssh-rsa") + line("other.example", OTHER)

    assert pinned(tmp_path, text).kinds == ["ssh-rsa"]
    assert pinned(tmp_path, text, fingerprints=(fingerprint(OTHER),)).kinds == []
