"""A partner's transport is written once: ends of channels take it, and lint tells where one goes elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from engine.channel.finding import Finding
from engine.channel.lint import lint
from engine.channel.load import load_site
from engine.channel.partner import Partner
from engine.channel.revision import model_of, revision_of
from engine.channel.transport import settings_from, settings_to
from engine.cli.workspace import knowledge
from engine.connectors.catalog import CATALOG

FACTS = {"isa_qualifier": "ZZ", "isa_id": "RIDGE", "our_isa_id": "HARBORHEALTH"}
PIN = "SHA256:qs1dXNn5BqmhkWqvRKVPoKcUvYyeVhgtdRcYFc2NNrE"
SFTP: dict[str, Any] = {
    "type": "sftp",
    "address": "sftp.ridge.example:22",
    "user": "harbor",
    "private_key": "file:secrets/ridge",
    "passphrase": "env:PASS",
    "certificate": "config/harbor-cert.pub",
    "password": "env:PASSWORD",
    "known_hosts": "config/known_hosts",
    "host_keys": [PIN],
    "from_them": {"folder": "/out", "pattern": "*.edi"},
    "to_them": {"folder": "/in", "file_name": "{control_number}.edi"},
}
AS2 = {
    "type": "as2",
    "as2_id": "RIDGE",
    "url": "https://edi.ridge.example/as2",
    "certificates": ["as2/ridge.pem"],
    "receipt_hosts": ["edi.ridge.example"],
    "finds_duplicates": True,
    "tls": {"ca": "tls/ca.pem"},
}
TLS = {"ca": "a.pem", "certificate": "b.pem", "key": "c.pem", "server_name": "ftp.ridge.example"}
FTPS = {
    "type": "ftps", "address": "ftp.ridge.example:990", "mode": "implicit", "user": "harbor", "password": "env:P",
    "tls": TLS, "from_them": {"folder": "/out"}, "to_them": {"folder": "/in"},
}  # fmt: skip
FILE = {"type": "file", "from_them": {"folder": "in", "pattern": "*"}, "to_them": SFTP["to_them"]}
HTTP = {"type": "http", "url": "https://api.ridge.example/orders", "bearer": "env:TOKEN", "tls": TLS}
OURS = {"as2_from": "HARBOR", "certificate": "as2/us.pem", "key": "file:us.key"}
DOOR = {"listen": "127.0.0.1:8086", "as2_id": "HARBOR", "certificate": "as2/us.pem", "key": "file:us.key"}


def partner(transport: object, name: str = "ridge") -> Partner:
    return Partner.model_validate({**FACTS, "partner": name, "transport": transport})


def written(root: Path, source: dict[str, Any], destination: dict[str, Any], **transports: object) -> Path:
    """A site of one channel and the partners named."""
    for number, (name, transport) in enumerate(transports.items()):
        path = root / "config/partners" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = {**FACTS, "isa_id": f"RIDGE{number}", "partner": name}
        path.write_text(yaml.safe_dump(facts | ({"transport": transport} if transport else {})))
    (root / "channels").mkdir(exist_ok=True)
    channel = {"channel": "out", "version": 1, "title": "Out", "owner": "edi@harbor.example", "source": source}
    ends = [{"name": "far", **destination}]
    (root / "channels/out.yaml").write_text(yaml.safe_dump(channel | {"destinations": ends}, sort_keys=False))
    return root


def settings(root: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    channel = load_site(root).channels["out"]
    return channel.source.settings, channel.destinations[0].settings


def found(root: Path) -> list[Finding]:
    return [one for one in lint(load_site(root), knowledge()) if one.code not in ("C100", "C062")]


@pytest.mark.parametrize("transport", [SFTP, FTPS, FILE, HTTP, AS2], ids=lambda t: str(t["type"]))
def test_what_a_partner_says_is_what_the_connector_of_that_type_takes(transport: dict[str, Any]) -> None:
    one = partner(transport).transport
    assert one is not None
    given = settings_to(one) | ({} if one.type != "as2" else OURS)

    destination = CATALOG.destinations[one.type].load().model_validate(given)

    assert given.keys() <= type(destination).model_fields.keys()
    if one.type != "http":
        taken = settings_from(one, "ridge") | ({} if one.type != "as2" else DOOR)
        CATALOG.sources[one.type].load().model_validate(taken)


def test_a_destination_goes_where_the_partners_file_says(tmp_path: Path) -> None:
    end = {"type": "sftp", "transport": "ridge", "format": "x12"}
    _, far = settings(written(tmp_path, {"type": "channel"}, end, ridge=SFTP))

    assert (far["address"], far["folder"], far["partner"]) == ("sftp.ridge.example:22", "/in", "ridge")
    assert found(tmp_path) == []


def test_a_new_host_of_the_partner_is_a_new_revision_that_remembers_it(tmp_path: Path) -> None:
    end = {"type": "sftp", "transport": "ridge"}
    root = written(tmp_path, {"type": "channel"}, end, ridge=SFTP)
    before = revision_of(load_site(root).channels["out"], load_site(root))
    written(tmp_path, {"type": "channel"}, end, ridge=SFTP | {"address": "new.ridge.example:22"})
    after = revision_of(load_site(root).channels["out"], load_site(root))

    assert before.digest != after.digest
    assert model_of(before.content).destinations[0].settings["address"] == "sftp.ridge.example:22"


def test_what_the_channel_writes_itself_wins(tmp_path: Path) -> None:
    source = {"type": "sftp", "transport": "ridge", "folder": "/prices"}
    own, _ = settings(written(tmp_path, source, {"type": "file", "folder": "out"}, ridge=SFTP))

    assert (own["folder"], own["pattern"], own["address"]) == ("/prices", "*.edi", "sftp.ridge.example:22")


def test_a_door_for_as2_knows_all_its_partners_and_each_speaks_for_itself(tmp_path: Path) -> None:
    third = {"as2_id": "THIRD", "certificates": ["as2/third.pem"]}
    source = {"type": "as2", **DOOR, "transport": ["ridge", "other"], "partners": [third]}
    other = AS2 | {"as2_id": "OTHER"}
    door, _ = settings(written(tmp_path, source, {"type": "file", "folder": "out"}, ridge=AS2, other=other))

    names = {one["as2_id"]: one.get("x12_partners") for one in door["partners"]}
    assert names == {"RIDGE": ["ridge"], "OTHER": ["other"], "THIRD": None}


@pytest.mark.parametrize(
    ("end", "transport", "code"),
    [
        ({"type": "sftp", "transport": "rigde"}, SFTP, "C082"),
        ({"type": "file", "folder": "x", "transport": "ridge"}, SFTP, "C087"),
        ({"type": "file", "folder": "x", "transport": "ridge"}, None, "C087"),
        ({"type": "file", "folder": "x", "format": "x12", "partner": "ridge"}, None, "C088"),
        ({"type": "file", "folder": "x", "format": "x12", "partner": "ridge"}, SFTP, "C089"),
        ({"type": "sftp", "address": "a.example:22", "format": "x12", "partner": "ridge"}, SFTP, "C089"),
        ({"type": "as2", "transport": "ridge", **OURS}, AS2, "C086"),
    ],
)
def test_an_end_that_does_not_agree_with_the_partners_file_is_told(
    tmp_path: Path, end: dict[str, Any], transport: object, code: str
) -> None:
    root = written(tmp_path, {"type": "channel"}, end, ridge=transport)

    assert code in {one.code for one in found(root)}


def test_an_absent_certificate_is_told_in_the_partners_own_file(tmp_path: Path) -> None:
    (tmp_path / "as2").mkdir()
    (tmp_path / "as2/us.pem").touch()
    root = written(tmp_path, {"type": "channel"}, {"type": "as2", "transport": "ridge", **OURS}, ridge=AS2)

    assert [(one.code, one.file) for one in found(root)] == [("C086", "config/partners/ridge.yaml")]


def test_several_partners_at_one_folder_are_refused(tmp_path: Path) -> None:
    source = {"type": "sftp", "transport": ["ridge", "other"]}
    root = written(tmp_path, source, {"type": "file", "folder": "out"}, ridge=SFTP, other=SFTP)

    assert "C087" in {one.code for one in found(root)}


@pytest.mark.parametrize(
    "transport",
    [
        {"type": "fax"},
        {**SFTP, "password": "in clear"},
        {**SFTP, "address": "no port"},
        {**HTTP, "url": "https://user:secret@api.ridge.example/"},
        {"outbox": "out/s1001"},
    ],
)
def test_a_transport_that_nobody_could_use_is_refused_without_its_values(transport: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as told:
        partner(transport)

    assert all(secret not in str(told.value) for secret in ("in clear", "user:secret"))
