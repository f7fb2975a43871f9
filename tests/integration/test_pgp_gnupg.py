"""PGP files against GnuPG: what it writes is read here, what is written here it reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.connectors.file.destination import FileDestination
from engine.connectors.file.settings import FileDestinationSettings, FileSourceSettings
from engine.connectors.file.source import FileSource
from engine.core.errors import ConfigurationError
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.gpg import Gpg, needs_gpg

pytestmark = pytest.mark.integration
ROWS = b"item,price\r\nM1,1.50\r\n"


class Exchange:
    """The hospital (with a passphrase), a supplier that signs, and a stranger."""

    def __init__(self, gpg: Gpg, root: Path) -> None:
        self.gpg, self.root = gpg, root
        gpg.make_key("hospital@harbor.example", "quay")
        gpg.make_key("supplier@alderbrook.example")
        gpg.make_key("stranger@nowhere.example")
        (root / "supplier.asc").write_text(gpg.public("supplier@alderbrook.example"))
        (root / "hospital.asc").write_text(gpg.public("hospital@harbor.example"))
        self.secrets = {
            "env:KEY": gpg.secret("hospital@harbor.example", "quay"),
            "env:PASS": "quay",
            "env:WRONG": "pier",
            "env:SIGN": gpg.secret("supplier@alderbrook.example"),
        }

    def encrypted(self, content: bytes, *words: str, to: str = "hospital@harbor.example") -> bytes:
        return self.gpg.run("--encrypt", "--recipient", to, *words, given=content)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    needs_gpg()
    with tempfile.TemporaryDirectory(prefix="gpg") as home:  # short: a socket's path is limited
        gpg = Gpg(Path(home) / "h")
        yield Exchange(gpg, tmp_path_factory.mktemp("site"))
        gpg.close()


async def taken_in(exchange: Exchange, content: bytes, passphrase: str = "env:PASS", **more: object) -> Door:
    folder = Path(tempfile.mkdtemp(dir=exchange.root))
    (folder / "prices.csv.pgp").write_bytes(content)
    pgp = {"key": "env:KEY", "passphrase": passphrase, "signed_by": ["supplier.asc"]}
    settings = {"folder": folder.name, "stable_for": "0s", "unwrap": ["pgp"], "pgp": pgp, **more}
    ground = context(exchange.root, secrets=Secrets(exchange.secrets))
    door = Door()
    await FileSource(FileSourceSettings.model_validate(settings), ground).look(door)
    return door


PLAIN = ("--compress-algo", "none")
SIGNED = (*PLAIN, "--sign", "--local-user", "supplier@alderbrook.example")


@pytest.mark.parametrize("words", [(), ("--armor",)])
async def test_a_signed_file_of_gnupg_is_read(exchange: Exchange, words: tuple[str, ...]) -> None:
    door = await taken_in(exchange, exchange.encrypted(ROWS, *SIGNED, *words))

    assert [one.body for one in door.accepted] == [ROWS]
    assert door.accepted[0].attributes == {"file": "prices.csv.pgp", "member": "prices.csv"}


@pytest.mark.parametrize(
    ("words", "code"),
    [(PLAIN, "M013"), ((*PLAIN, "--sign", "--local-user", "stranger@nowhere.example"), "M013"), ((), "M013")],
)
async def test_a_file_without_a_trusted_signature_is_refused(
    exchange: Exchange, words: tuple[str, ...], code: str
) -> None:
    door = await taken_in(exchange, exchange.encrypted(ROWS, *words))

    assert [one.refusal.code for one in door.stored if one.refusal] == [code]
    assert not door.accepted


async def test_a_file_for_another_key_or_changed_on_its_way_is_refused(exchange: Exchange) -> None:
    changed = bytearray(exchange.encrypted(ROWS, *SIGNED))
    changed[-30] ^= 1
    for content in (exchange.encrypted(ROWS, *SIGNED, to="stranger@nowhere.example"), bytes(changed), b"no PGP"):
        door = await taken_in(exchange, content)

        assert [one.refusal.code for one in door.stored if one.refusal] == ["M002"]


async def test_a_file_that_unpacks_to_too_much_is_refused(exchange: Exchange) -> None:
    bomb = exchange.encrypted(b"0" * 250_000_000, "--compress-algo", "zip")
    pgp = {"key": "env:KEY", "passphrase": "env:PASS"}

    door = await taken_in(exchange, bomb, unpacked_limit="1MB", pgp=pgp)

    assert len(bomb) < 1_000_000
    assert [one.refusal.code for one in door.stored if one.refusal] == ["M003"]


async def test_compressed_files_are_read_where_no_signature_is_asked_for(exchange: Exchange) -> None:
    pgp = {"key": "env:KEY", "passphrase": "env:PASS"}

    door = await taken_in(exchange, exchange.encrypted(ROWS, "--compress-algo", "zlib"), pgp=pgp)

    assert [one.body for one in door.accepted] == [ROWS]


@pytest.mark.parametrize("words", [("--sign",), ("--sign", "--armor"), ("--store",), ("--clear-sign",)])
async def test_a_file_that_is_not_encrypted_is_refused_by_its_name(exchange: Exchange, words: tuple[str, ...]) -> None:
    content = exchange.gpg.run(*words, "--local-user", "supplier@alderbrook.example", given=ROWS)
    for pgp in ({"key": "env:KEY", "passphrase": "env:PASS"}, None):
        door = await taken_in(exchange, content, **({"pgp": pgp} if pgp else {}))

        assert [one.refusal.text for one in door.stored if one.refusal] == ["not encrypted with PGP"]


async def test_a_file_that_is_only_signed_is_read_where_the_channel_says_so(exchange: Exchange) -> None:
    content = exchange.gpg.run("--sign", *PLAIN, "--local-user", "supplier@alderbrook.example", given=ROWS)
    pgp = {"key": "env:KEY", "passphrase": "env:PASS", "encrypted": "optional"}

    door = await taken_in(exchange, content, pgp=pgp)

    assert [one.body for one in door.accepted] == [ROWS]


async def test_a_wrong_passphrase_is_the_sites_mistake_not_the_senders(exchange: Exchange) -> None:
    with pytest.raises(ConfigurationError):
        await taken_in(exchange, exchange.encrypted(ROWS, *SIGNED), "env:WRONG")


async def test_a_zip_inside_pgp_is_read_file_by_file(exchange: Exchange) -> None:
    from engine.protocols.archive import Member, pack

    packed = pack([Member("a.csv", b"a"), Member("empty.csv", b""), Member("b.csv", b"b")])

    door = await taken_in(exchange, exchange.encrypted(packed, *SIGNED), unwrap=["pgp", "zip"])

    assert [(one.body, one.attributes["member"]) for one in door.accepted] == [(b"a", "a.csv"), (b"b", "b.csv")]
    assert [one.attributes["member"] for one in door.stored if one.refusal] == ["empty.csv"]


async def test_gnupg_reads_and_verifies_what_is_written(exchange: Exchange) -> None:
    settings = {
        "folder": "out",
        "file_name": "{key}.gpg",
        "wrap": ["pgp"],
        "pgp": {"recipients": ["hospital.asc"], "sign_with": "env:SIGN"},
    }
    ground = context(exchange.root, secrets=Secrets(exchange.secrets))
    destination = FileDestination(FileDestinationSettings.model_validate(settings), ground)
    outbound = Outbound(1, 1, "c", "c", "key-1", ROWS)

    first = await destination.send(outbound)
    again = await destination.send(outbound)

    assert first == again
    (written,) = [path for path in (exchange.root / "out").iterdir() if path.is_file()]
    words = ("--pinentry-mode", "loopback", "--passphrase", "quay", "--status-fd", "1", "--decrypt")
    told = exchange.gpg.run(*words, given=written.read_bytes())
    assert ROWS in told
    assert b"GOODSIG" in told
