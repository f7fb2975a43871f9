"""Settings of `sftp` that would be unsafe are refused when the channel is read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from engine.connectors.sftp.settings import SftpDestinationSettings, SftpSourceSettings

BASE: dict[str, Any] = {
    "address": "sftp.supplier.example:22",
    "user": "harbor",
    "password": "env:PASSWORD",
    "known_hosts": "config/known_hosts",
    "folder": "/outgoing",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"known_hosts": None}, "pin the server's key"),
        ({"password": None}, "private_key or password"),
        ({"passphrase": "env:PHRASE"}, "belong to private_key"),
        ({"password": "CANARY-word"}, "password"),
        ({"host_keys": ["MD5:aa:bb"]}, "host_keys"),
        ({"address": "sftp.supplier.example"}, "host:port"),
        ({"after": "keep", "deduplicate": "none"}, "after: keep needs deduplicate"),
        ({"pattern": "../*.edi"}, "a name, not a path"),
    ],
)
def test_unsafe_source_is_refused_in_words_without_values(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SftpSourceSettings.model_validate(BASE | change)

    assert words in str(caught.value)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"partner": "meridian"}, "format: x12"),
        ({"file_name": "orders.txt"}, "collide"),
        ({"file_name": "a/{key}"}, "a name"),
    ],
)
def test_unsafe_destination_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SftpDestinationSettings.model_validate(BASE | change)


def test_folder_has_no_slash_at_its_end_but_the_root_stays() -> None:
    assert SftpSourceSettings.model_validate(BASE | {"folder": "/outgoing//"}).folder == "/outgoing"
    assert SftpSourceSettings.model_validate(BASE | {"folder": "/"}).folder == "/"
