"""What stands around a file: PGP, ZIP, gzip. Taken off before a file is read, put around it before it is written."""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from collections.abc import Sequence
from typing import Any, Literal, Protocol

from pydantic import Field, model_validator

from engine.channel.model import Settings, Size
from engine.connectors.formats import Encoded, Encoder, encoder
from engine.connectors.pgp import PgpOpener, PgpOpening, PgpSealer, PgpSealing
from engine.core.errors import ConfigurationError, DestinationError, FramingError, SizeLimitError
from engine.ports.connector import ConnectorContext, Outbound
from engine.protocols.archive import Archive, ArchiveLimits, Member, pack

Wrapper = Literal["pgp", "zip", "gzip"]
_SUFFIXES = {"pgp": (".pgp", ".gpg", ".asc"), "zip": (".zip",), "gzip": (".gz", ".gzip")}
_PIECE = 1024 * 1024
_FIRST_WINDOW = 1024  # of each member: there may be millions of them, and what one leaves over is copied
_ZEROS = re.compile(rb"\x00*")


class Unwrapping(Settings):
    """Settings of sources whose files are wrapped."""

    unwrap: tuple[Wrapper, ...] = Field(
        default=(), max_length=4, description="What is taken off a file, the outermost first. zip: each file in it is "
        "read as one.", examples=[["pgp", "zip"]],
    )  # fmt: skip
    pgp: PgpOpening | None = Field(default=None, description="Keys, when unwrap has pgp.")
    unpacked_limit: Size = Field(
        default=256 * 1024**2, description="A file that unpacks to more in all is refused.", examples=["64MB"]
    )
    unpacked_files: int = Field(default=1000, ge=1, le=10_000, description="A ZIP file with more files is refused.")

    @model_validator(mode="after")
    def _pgp_has_keys(self) -> Unwrapping:
        if ("pgp" in self.unwrap) != (self.pgp is not None):
            raise ValueError("unwrap: [pgp] and pgp: with its key belong together")
        return self


class Wrapping(Settings):
    """Settings of destinations that wrap their files."""

    wrap: tuple[Wrapper, ...] = Field(
        default=(), max_length=3, description="What is put around a file, the innermost first. The file's name is "
        "file_name, so say .zip, .gz or .pgp there.", examples=[["zip", "pgp"]],
    )  # fmt: skip
    pgp: PgpSealing | None = Field(default=None, description="Keys, when wrap has pgp.")
    member_name: str = Field(
        default="document", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="Name of the file inside a ZIP file.", examples=["payments.csv"],
    )  # fmt: skip

    @model_validator(mode="after")
    def _pgp_has_keys(self) -> Wrapping:
        if ("pgp" in self.wrap) != (self.pgp is not None):
            raise ValueError("wrap: [pgp] and pgp: with its recipients belong together")
        if len(set(self.wrap)) != len(self.wrap):
            raise ValueError("wrap names one thing twice")
        return self


class Unwrapper:
    """Takes off what the settings say. Slow for what it is: not on the loop."""

    def __init__(self, settings: Unwrapping, context: ConnectorContext) -> None:
        self._settings = settings
        self._opener = PgpOpener(settings.pgp, context) if settings.pgp else None

    def open(self, content: bytes, name: str) -> list[Member]:
        """The files inside, in their order.

        Raises:
            MessageError: FramingError, SizeLimitError, SignatureError: the file is refused whole.
        """
        files = [Member(name, content)]
        for wrapper in self._settings.unwrap:
            files = [inner for one in files for inner in self._taken_off(wrapper, one)]
            if sum(len(one.content) for one in files) > self._settings.unpacked_limit:
                raise _too_large(self._settings.unpacked_limit)
            if len(files) > self._settings.unpacked_files:
                raise SizeLimitError(f"more than {self._settings.unpacked_files} files in the archive")
        if not files:
            raise FramingError("there is no file in the archive")
        return files

    def _taken_off(self, wrapper: Wrapper, one: Member) -> Sequence[Member]:
        limit = self._settings.unpacked_limit
        if wrapper == "zip":
            archive = Archive(one.content, ArchiveLimits(self._settings.unpacked_files, limit))
            return list(archive.members())
        name = _without_suffix(one.name, _SUFFIXES[wrapper])
        if wrapper == "gzip":
            return [Member(name, gunzip(one.content, limit))]
        if self._opener is None:
            raise ConfigurationError("pgp has no key", where="pgp")
        return [Member(name, self._opener.open(one.content, limit))]


def gunzip(content: bytes, limit: int) -> bytes:
    """All members of a gzip file, one after the other, as RFC 1952 has it.

    Raises:
        FramingError: not gzip, cut off, or with something behind it.
        SizeLimitError: more than `limit` bytes.
    """
    made: list[bytes] = []
    size = at = 0
    while at < len(content):
        stream, window = zlib.decompressobj(wbits=31), _FIRST_WINDOW
        while not stream.eof:
            given = content[at : at + window]
            piece = _inflated(stream, given)
            at += len(given) - len(stream.unused_data if stream.eof else stream.unconsumed_tail)
            size, window = size + len(piece), _PIECE
            made += [piece] if piece else []
            if size > limit:
                raise _too_large(limit)
            if not piece and not given and not stream.eof:
                raise FramingError("the gzip file is cut off", remedy="ask the sender for it again")
        at = _ZEROS.match(content, at).end()  # type: ignore[union-attr]  # tapes and mail gateways fill up with zeros
    if not content:
        raise FramingError("the gzip file is empty")
    return b"".join(made)


def _inflated(stream: Any, given: bytes) -> bytes:
    try:
        return bytes(stream.decompress(given, _PIECE))
    except zlib.error:
        raise FramingError("not gzip, or damaged on its way") from None


def _too_large(limit: int) -> SizeLimitError:
    remedy = "raise unpacked_limit, or ask for smaller files"
    return SizeLimitError(f"unpacks to more than {limit:,} bytes", remedy=remedy)


def _without_suffix(name: str, suffixes: Sequence[str]) -> str:
    found = next((one for one in suffixes if name.lower().endswith(one)), "")
    return name[: len(name) - len(found)] or name


# ------------------------------------------------------------------ on the way out
class Written(Protocol):
    """Settings of a destination of files."""

    @property
    def format(self) -> Any: ...
    @property
    def partner(self) -> str | None: ...


def file_encoder(settings: Written, context: ConnectorContext) -> Encoder:
    """The format's encoder, with what the settings put around each file."""
    inner = encoder(settings.format, {"partner": settings.partner}, context)
    if not isinstance(settings, Wrapping) or not settings.wrap:
        return inner
    return WrappingEncoder(inner, settings, context)


class WrappingEncoder:
    """PGP gives other bytes at every call: `identity` is what stays the same."""

    def __init__(self, inner: Encoder, settings: Wrapping, context: ConnectorContext) -> None:
        self._inner, self._settings = inner, settings
        self._sealer = PgpSealer(settings.pgp, context) if settings.pgp else None

    async def encode(self, outbound: Outbound) -> Encoded:
        """Raises DestinationError: it cannot be written, or a key cannot be used."""
        encoded = await self._inner.encode(outbound)
        body = await asyncio.to_thread(self._wrapped, encoded.body)
        return Encoded(body, encoded.names, encoded.body)

    def _wrapped(self, body: bytes) -> bytes:
        for wrapper in self._settings.wrap:
            if wrapper == "zip":
                body = pack([Member(self._settings.member_name, body)])
            elif wrapper == "gzip":
                body = gzip.compress(body, 6, mtime=0)
            elif self._sealer is not None:
                body = self._sealed(self._sealer, body)
        return body

    def _sealed(self, sealer: PgpSealer, body: bytes) -> bytes:
        try:
            return sealer.seal(body)
        except ConfigurationError as error:
            raise DestinationError(error.what, where=error.where, remedy=error.remedy) from None
