"""ZIP files from outside: members in memory, under limits that no small file can blow up. Nothing is written.

Source: https://cwe.mitre.org/data/definitions/409.html, https://www.bamsoftware.com/hacks/zipbomb/.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from engine.core.errors import FramingError, SizeLimitError

_ENCRYPTED = 0x1
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others the library unpacks whole, whatever they come to
_LOCAL = b"PK\x03\x04"  # a file's header, which an archive begins with
_OF_DESKTOPS = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_RATIO_FROM = 1024 * 1024  # bytes: small members may be as dense as they like


class ArchiveLimits(msgspec.Struct, frozen=True):
    """`ratio`: unpacked bytes for each packed one, of members over 1 MiB and of the whole."""

    entries: int = 1000
    total: int = 256 * 1024**2
    ratio: int = 200


class Member(NamedTuple):
    """A file inside; `name` as the archive has it, with forward slashes."""

    name: str
    content: bytes


class Archive:
    """An archive whose directory keeps the limits.

    Raises:
        FramingError: no archive, encrypted, or with names that lead out of a folder.
        SizeLimitError: more entries or bytes than allowed, or packed too densely to be meant.
    """

    def __init__(self, data: bytes, limits: ArchiveLimits) -> None:
        try:
            self._file = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
            raise FramingError("not a ZIP file") from None
        self._entries = self._file.infolist()
        self._packed = len(data)
        first = min((entry.header_offset for entry in self._entries), default=0)
        if first > 0 and data.startswith(_LOCAL):
            # The directory at the end knows of the last one only: what a scanner saw and what is read would differ.
            raise FramingError("two archives in one file", remedy="send each as a file of its own")
        self._check(limits)

    @property
    def names(self) -> list[str]:
        """Of files, in their order; folders are left out, and what desktops put beside files for themselves."""
        return [entry.filename for entry in self._entries if _is_file(entry)]

    def members(self) -> Iterator[Member]:
        """As `names`."""
        for entry in self._entries:
            if _is_file(entry):
                yield Member(entry.filename, self._content(entry))

    def read(self, name: str) -> bytes | None:
        """One member; None: there is none."""
        found = next((entry for entry in self._entries if entry.filename == name), None)
        return None if found is None else self._content(found)

    def _check(self, limits: ArchiveLimits) -> None:
        if len(self._entries) > limits.entries:
            raise SizeLimitError(f"more than {limits.entries} files in the archive", remedy="send several archives")
        total = sum(entry.file_size for entry in self._entries)
        if total > limits.total:
            raise SizeLimitError(f"unpacked larger than {limits.total:,} bytes", remedy="send it in parts")
        if total > _RATIO_FROM and total > self._packed * limits.ratio:
            raise SizeLimitError(f"packed more than {limits.ratio} times: this is no honest file")
        names: set[str] = set()
        for entry in self._entries:
            if entry.flag_bits & _ENCRYPTED:
                raise FramingError("a file in the archive is encrypted", remedy="encrypt the whole archive with PGP")
            if entry.file_size > max(_RATIO_FROM, entry.compress_size * limits.ratio):
                raise SizeLimitError(f"packed more than {limits.ratio} times: this is no honest file")
            if entry.compress_type not in _BOUNDED:
                remedy = "pack with Deflate, as ZIP programs do by themselves"
                raise FramingError("a file in the archive is packed in a way that is not taken", remedy=remedy)
            if not _harmless(entry.filename):
                raise FramingError("a name in the archive leads out of its folder")
            if entry.filename in names:
                raise FramingError("two files in the archive have one name")
            names.add(entry.filename)

    def _content(self, entry: zipfile.ZipInfo) -> bytes:
        try:
            with self._file.open(entry) as stream:
                # Asked for all of it, the library unpacks whatever there is before it cuts off what was not said.
                content = stream.read(entry.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
            raise FramingError("a file in the archive is damaged, or packed in a way that is not known") from None
        if len(content) != entry.file_size:
            raise FramingError("a file in the archive is not as long as it says")
        return content


def _is_file(entry: zipfile.ZipInfo) -> bool:
    folder, _, name = entry.filename.rpartition("/")
    return not entry.is_dir() and folder.partition("/")[0] != "__MACOSX" and name.lower() not in _OF_DESKTOPS


def _harmless(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    rooted = name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":")
    return bool(name) and not rooted and ".." not in parts and "\x00" not in name


def pack(members: list[Member]) -> bytes:
    """The same bytes for the same members, whenever it is called."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for member in members:
            entry = zipfile.ZipInfo(member.name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o600 << 16, 3
            archive.writestr(entry, member.content)
    return out.getvalue()
