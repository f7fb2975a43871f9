"""Names that lead out, through the console's and the API's addresses and as keys of objects: nothing else is reached.

The list of names is that of `test_traversal.py`. Source: OWASP Path Traversal, CWE-22.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from engine.api.app import build_app
from engine.connectors.catalog import CATALOG
from engine.connectors.s3.settings import S3SourceSettings
from engine.connectors.s3.source import S3Source
from engine.console import pages
from engine.ports.accounts import Role
from engine.ports.web import WebSettings
from tests.security.test_traversal import NAMES
from tests.support.asgi_client import AsgiClient
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.objects import KEYS, objects
from tests.support.operations_double import OperationsDouble
from tests.support.people import AuditDouble, enrol, make_accounts

ADDRESSES = ("/static/{}", "/{}", "/api/{}", "/api/messages/{}/attachments/0", "/lineage/{}")
FEWER = 3  # one name of so many: each is asked for in three spellings
TRICKIEST_KEYS = (
    "../secret", "../../etc/passwd", "./../x", "x/../../y", "..\\..\\x", "a//b", "/etc/passwd", "%2e%2e%2fx",
    "\u2025/x", "a\u202egpj.exe", "-rf",
)  # fmt: skip


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[AsgiClient]:
    accounts = make_accounts(tmp_path)
    token = await enrol(accounts, "a.admin", Role.ADMIN)
    session = await accounts.session(token)
    assert session is not None
    app = build_app(OperationsDouble(3), accounts, AuditDouble(), WebSettings(), pages())
    yield AsgiClient(app, token, session.csrf)
    accounts.close()


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_with_such_a_name_finds_nothing_and_breaks_nothing(admin: AsgiClient, address: str) -> None:
    known = {(await admin.get(f"/static/{name}")).body for name in ("console.css", "console.js", "icon.svg")}
    for name in NAMES[::FEWER]:
        text = name.encode("utf-8", "replace").decode()
        for spelled in (quote(text, safe=""), quote(text, safe="/.\\")):
            told = await admin.get(address.format(spelled))
            unquoted = await admin.get(address.format(text.replace("?", "").replace("#", "").strip("\r\n\t ")))
            for answer in (told, unquoted):
                assert answer.status < 500, (address, name[:40], answer.status)
                assert b"root:" not in answer.body
                assert answer.body not in known


async def test_an_object_whose_key_leads_out_is_put_away_beside_the_others(tmp_path: Path) -> None:
    bucket, door = objects().bucket(), Door()
    for number, name in enumerate(TRICKIEST_KEYS):
        bucket.put(f"in/{name}", f"object {number}".encode())
    (tmp_path / "site").mkdir()
    settings = S3SourceSettings.model_validate(bucket.settings() | {"prefix": "in/"})
    source = CATALOG.sources["s3"].build(settings, context(tmp_path / "site", secrets=Secrets(KEYS)))
    assert isinstance(source, S3Source)
    assert await source.look(door)
    await source._bucket.close()
    kept = bucket.keys()

    assert len(door.accepted) == len(kept) == len(TRICKIEST_KEYS)
    assert all(key.startswith("in/done/") and "/" not in key.removeprefix("in/done/") for key in kept), kept
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
