"""A secret's file that cannot be used: what is wrong is said in words, and nothing of its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import SecretMissingError
from engine.core.secrets import SiteSecrets


@pytest.mark.parametrize(
    ("made", "why"),
    [("nothing", "it is not there"), ("folder", "it is a folder"), ("bytes", "it is not UTF-8 text")],
)
def test_what_is_wrong_with_a_secrets_file_is_said_in_words(tmp_path: Path, made: str, why: str) -> None:
    if made == "folder":
        (tmp_path / "key").mkdir()
    if made == "bytes":
        (tmp_path / "key").write_bytes(b"\xff\xfehunter2")

    with pytest.raises(SecretMissingError, match=why) as refused:
        SiteSecrets(tmp_path).resolve("file:key")

    assert "hunter2" not in str(refused.value)
    assert "Error" not in str(refused.value)
