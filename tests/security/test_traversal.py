"""Names that lead out of a folder, wherever a name comes from outside: nothing is read or written elsewhere.

Source: OWASP Path Traversal, CWE-22, CWE-23, CWE-36, CWE-41, CWE-73, CWE-158.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from engine.channel.site_files import SiteFiles
from engine.connectors.catalog import CATALOG
from engine.connectors.file.destination import file_name
from engine.connectors.file.settings import FileDestinationSettings
from engine.connectors.remote_folder.client import Attributes, Entry
from engine.connectors.remote_folder.folder import Complete, shortened
from engine.connectors.sftp.settings import SftpSourceSettings
from engine.core.errors import IsthmusError
from engine.ports.connector import Outbound
from engine.protocols.archive import Archive, ArchiveLimits
from engine.protocols.as2.mime import Entity
from engine.protocols.mail.read import read_mail
from tests.support.connector_doubles import context

TARGET = "etc/passwd"
_UPS = [
    "../", "..\\", "..//", "..\\\\", "./../", ".\\..\\", "....//", "....\\\\", "..;/", "%2e%2e/", "%2e%2e%2f", "..%2f",
    "%2e%2e\\", "..%5c", "%252e%252e/", "..%252f", "%c0%ae%c0%ae/", "..%c0%af", "..%c1%9c",
    "\u2025/", "..\u2215", "..\u2044",
    "..\uff0f", "..\uff3c", "\uff0e\uff0e/", "..\x00/", "../\x00", "..\t/", " ../", "../ ", ".. /", "..\r\n/",
    "\u202e../",
    "..\u200b/", "x/../../", "x\\..\\..\\",
]  # fmt: skip
NAMES = [
    *(up * depth + TARGET for up in _UPS for depth in (1, 8)),
    "/etc/passwd", "//etc/passwd", "///etc/passwd", "\\etc\\passwd", "\\\\server\\share\\x", "//server/share/x",
    "C:\\Windows\\win.ini", "C:/Windows/win.ini", "C:win.ini", "c:", "\\\\?\\C:\\x", "\\\\.\\PhysicalDrive0",
    "file:///etc/passwd", "file://localhost/etc/passwd", "~/.ssh/id_rsa", "~root/x", "$HOME/x", "${HOME}/x",
    "%HOME%\\x",
    ".", "..", "...", "....", "/", "\\", "./", "../", "..\\", "", " ", "\x00", "a\x00.csv",
    "a.csv\x00/../../etc/passwd",
    "/proc/self/environ", "/dev/stdin", "aux", "con.txt", "nul", "a:b", "a.csv::$DATA", "-rf", "--help", "|id", ";id",
    "`id`", "$(id)", "a\nb", "a\rb", "\x1b[2J", "\u2028", "*", "?", "<x>", '"x"', "a" * 5000, "../" * 400 + "x",
    "a/" * 400 + "x", ".htaccess", ".ssh/authorized_keys", "\ud800", "\u202egpj.exe",
]  # fmt: skip


def test_the_list_is_long_enough() -> None:
    assert len(set(NAMES)) >= 100


def _harmless(name: str) -> bool:
    """One step below a folder, on any system, and nothing that a terminal or a database takes for more."""
    plain = name not in ("", ".", "..") and not name.startswith(".") and len(name.encode()) <= 255
    return plain and not any(sign in "/\\:\x00\r\n\x1b" for sign in name)


@pytest.mark.parametrize("field", ["natural_key", "kind", "control_number", "partner"])
def test_a_name_made_of_a_document_stays_in_its_folder(field: str) -> None:
    for name in NAMES:
        known: dict[str, Any] = {field: name} if field in ("natural_key", "kind") else {}
        outbound = Outbound(1, 1, "d", "c", "key", b"", **known)
        for template in (f"{{{field}}}", f"x_{{{field}}}.csv", f"{{{field}}}_{{key}}.edi"):
            try:
                made = file_name(template, outbound, {field: name} if not known else {})
            except IsthmusError:
                continue
            assert _harmless(made), (name[:40], made[:80])


async def test_a_file_is_written_only_where_it_should_be(tmp_path: Path) -> None:
    (tmp_path / "site" / "out").mkdir(parents=True)
    entry = CATALOG.destinations["file"]
    settings = FileDestinationSettings.model_validate({"folder": "out", "file_name": "{natural_key}.csv"})
    destination = entry.build(settings, context(tmp_path / "site"))
    written = 0
    for number, name in enumerate(NAMES):
        try:
            await destination.send(Outbound(number, number, "d", "c", f"key-{number}", b"body", natural_key=name))
            written += 1
        except IsthmusError:
            continue
    await destination.close()

    files = [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()]
    assert written >= 50
    assert all(path.is_relative_to(tmp_path / "site" / "out") for path in files)


def test_a_member_of_an_archive_has_a_harmless_name_or_the_archive_is_refused() -> None:
    for name in NAMES:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as made:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name or "x"
            try:
                made.writestr(info, b"content")
            except (UnicodeEncodeError, ValueError):
                continue
        try:
            found = list(Archive(out.getvalue(), ArchiveLimits()).members())
        except IsthmusError:
            continue
        for one in found:  # folders are allowed in a name, steps up and roots are not
            parts = one.name.replace("\\", "/").split("/")
            assert ".." not in parts, name
            assert not one.name.startswith(("/", "\\"))
            assert "\x00" not in one.name


def test_an_attachment_has_a_name_without_folders() -> None:
    for name in NAMES:
        encoded = quote(name.encode("utf-8", "surrogatepass"), safe="")
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "")
        for said in (f"filename*=utf-8''{encoded}", f'filename="{quoted}"'):
            head = f"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Disposition: attachment; {said}\r\n"
            body = f"{head}Content-Type: text/csv\r\n\r\na,b\r\n".encode("utf-8", "surrogatepass")
            try:
                files = read_mail(body).files
            except IsthmusError:  # a program
                continue
            for file in files:
                assert "/" not in file.name, name
                assert "\\" not in file.name
                assert file.name not in (".", "..")
                assert not any(ord(sign) < 32 or sign == "\u202e" for sign in file.name)


def test_the_name_in_an_as2_message_is_used_as_a_name_alone() -> None:
    for name in NAMES:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        given = Entity({"content-disposition": f'attachment; filename="{quoted}"'}, b"", b"").file_name
        if given is not None:
            assert "/" not in given, name
            assert "\\" not in given, name
            assert given not in (".", ".."), name


def test_a_name_in_a_listing_of_a_server_is_a_plain_one_or_passed_over() -> None:
    settings = SftpSourceSettings.model_validate(
        {
            "address": "h.example:22",
            "user": "u",
            "password": "env:P",
            "known_hosts": "k",
            "folder": "/in",
            "stable_for": "0s",
        }
    )
    for name in (one for one in NAMES if "\ud800" not in one):  # bytes of a server never come to such
        for entry in Complete(settings).of([Entry(name, Attributes(1, 0o100644, 1))], 1.0):
            assert "/" not in entry.name
            assert entry.name not in ("", ".", "..")
            assert "/" not in shortened(entry.name)


def test_a_document_that_a_wsdl_names_is_below_its_folder(tmp_path: Path) -> None:
    (tmp_path / "wsdl").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("SECRET-OUTSIDE")
    (tmp_path / "wsdl" / "link.xsd").symlink_to(tmp_path / "etc" / "passwd")
    files = SiteFiles(tmp_path / "wsdl")
    for name in [*NAMES, "link.xsd", "x/../link.xsd", "../etc/passwd", "..%2fetc%2fpasswd"]:
        for base in ("a.wsdl", "schemas/a.xsd"):
            try:
                found = files.load(files.resolve(base, name))
            except IsthmusError:
                continue
            assert b"SECRET-OUTSIDE" not in found
            assert b"root:" not in found
