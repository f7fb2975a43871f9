"""One bucket, asked in threads: every request with a hard limit, every failure told by what it means.

boto3 does not try again by itself: the engine knows when. Its clients may be shared by threads, so one is enough.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email.utils
import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

import boto3.session
import botocore.exceptions as wrong
from botocore.config import Config

from engine.connectors.s3.guard import AddressNotAllowedError, GuardedTransport
from engine.connectors.s3.settings import S3Server
from engine.core.errors import ConfigurationError, SizeLimitError, TransportError
from engine.ports.connector import ConnectorContext

T = TypeVar("T")
TAG = "isthmus"
_BLOCK = 256 * 1024
_MOST_OBJECTS = 100_000  # of one look; more are seen when these are gone
_BUSY = frozenset(
    {"SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
)
_NOT_KNOWN = frozenset({"NotImplemented", "InvalidArgument", "InvalidRequest"})
_BUSY_STATUS = frozenset({429, 503})
_LONGEST_RETRY_AFTER = 24 * 3600.0  # seconds; more is taken for a mistake
_NOT_SENT = (wrong.EndpointConnectionError, wrong.ConnectTimeoutError, wrong.SSLError, wrong.ProxyConnectionError)
_ONE_AT_A_TIME = threading.Lock()  # sessions are not made for several threads
# A server that redirects every request, without a region, makes the library ask itself without end.
_FAILED = (wrong.BotoCoreError, OSError, RecursionError)


class Object(NamedTuple):
    """A line of a listing."""

    key: str
    size: int
    etag: str
    modified: datetime

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]


class Content(NamedTuple):
    """What was read, and of which state of the object; `version`: if the bucket keeps some; `tags`: how many it has."""

    of: Object
    body: bytes
    version: str | None
    tags: int


class RefusedError(Exception):
    """The server understood and said no. `code` is S3's own word for why; the server's text is not kept."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.code, self.status = code, status

    @property
    def absent(self) -> bool:
        """There is no such object."""
        return self.code in ("NoSuchKey", "404", "NoSuchVersion") or (self.status == 404 and self.code == "NotFound")

    @property
    def changed(self) -> bool:
        """A condition of the request does not hold (any more)."""
        return self.status == 412 or self.code == "PreconditionFailed"


class Bucket:
    """Methods raise RefusedError, and TransportError when the server cannot be reached, is busy or fails."""

    def __init__(self, settings: S3Server, context: ConnectorContext, parallel: int) -> None:
        self._settings, self._context = settings, context
        self.name = settings.bucket
        self._keys = self._resolved()
        self._parallel = parallel
        self._executor: ThreadPoolExecutor | None = None
        self._client: Any = None
        self._transport: GuardedTransport | None = None
        self._making = asyncio.Lock()

    # -------------------------------------------------------------- asking
    async def listed(self, prefix: str) -> list[Object]:
        """All objects below the prefix, page by page, in the order of their keys."""
        longest = self._settings.transfer_timeout.total_seconds()
        return await self._run(lambda client: _listed(client, self.name, prefix, longest), longest)

    async def reachable(self, prefix: str) -> None:
        """Returns when the bucket can be listed."""
        await self._run(lambda client: client.list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=1))

    async def content(self, one: Object, limit: int) -> Content:
        """Of the object as it is now, which may be another state than the listed one.

        Raises:
            SizeLimitError: larger than `limit` bytes; not read.
        """
        if one.size > limit:
            raise SizeLimitError(f"larger than {limit} bytes", remedy="raise max_size, or split the object")
        longest = self._settings.transfer_timeout.total_seconds()
        return await self._run(lambda client: _content(client, self.name, one, limit, longest), longest)

    async def looks(self, key: str) -> dict[str, Any] | None:
        """Head of an object; None: there is none."""
        try:
            found: dict[str, Any] = await self._run(lambda client: client.head_object(Bucket=self.name, Key=key))
        except RefusedError as error:
            if error.absent:
                return None
            raise
        return found

    async def put(self, key: str, body: bytes, **further: Any) -> None:
        """The server compares what arrives with its digest."""
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        longest = self._settings.transfer_timeout.total_seconds()
        await self._run(
            lambda client: client.put_object(Bucket=self.name, Key=key, Body=body, ContentMD5=digest, **further),
            longest,
            sent=True,
        )

    async def move(self, one: Object, key: str) -> None:
        """Copied, then removed: unless it is another object meanwhile, which stays."""
        source = {"Bucket": self.name, "Key": one.key}
        await self._run(
            lambda client: client.copy_object(
                Bucket=self.name, Key=key, CopySource=source, CopySourceIfMatch=f'"{one.etag}"'
            ),
            self._settings.transfer_timeout.total_seconds(),
        )
        await self.remove(one)

    async def remove(self, one: Object) -> None:
        """Unless it is another object meanwhile: it is looked at just before, and the server sees to it if it can."""
        conditions: tuple[dict[str, str], ...] = ({"IfMatch": f'"{one.etag}"'}, {})
        for condition in conditions:
            if not await self._is_still(one):
                return
            try:
                await self._run(partial(_remove, bucket=self.name, key=one.key, further=condition))
                return
            except RefusedError as error:  # some do not know it, or refuse it for versions
                if not condition or not (error.changed or error.code in _NOT_KNOWN):
                    raise

    async def _is_still(self, one: Object) -> bool:
        found = await self.looks(one.key)
        return found is not None and _bare(found.get("ETag", "")) == one.etag

    async def tagged(self, key: str) -> bool:
        """Has the object our tag."""
        found = await self._run(lambda client: client.get_object_tagging(Bucket=self.name, Key=key))
        return any(one.get("Key") == TAG for one in found.get("TagSet", ()))

    async def tag(self, key: str, value: str) -> None:
        """Add our tag to those that are there."""
        found = await self._run(lambda client: client.get_object_tagging(Bucket=self.name, Key=key))
        others = [one for one in found.get("TagSet", ()) if one.get("Key") != TAG]
        tags = {"TagSet": [*others, {"Key": TAG, "Value": value}]}
        await self._run(lambda client: client.put_object_tagging(Bucket=self.name, Key=key, Tagging=tags))

    async def close(self) -> None:
        """Leaves no idle connection; a thread that waits ends with its time-out."""
        client, executor, self._client, self._executor = self._client, self._executor, None, None
        if client is not None:
            client.close()
        if self._transport is not None:
            self._transport.close()
        if executor is not None:
            executor.shutdown(wait=False)

    # -------------------------------------------------------------- in threads
    async def _run(self, work: Callable[[Any], T], limit: float | None = None, *, sent: bool = False) -> T:
        """`sent`: without an answer it is not known whether the work was done."""
        loop = asyncio.get_running_loop()
        async with self._making:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._parallel, "s3")
            if self._client is None:
                self._client = await loop.run_in_executor(self._executor, self._made)
        patience = (limit or self._settings.timeout.total_seconds()) + self._settings.connect_timeout.total_seconds()
        try:
            async with asyncio.timeout(patience):
                return await loop.run_in_executor(self._executor, self._told, work, self._client, sent)
        except TimeoutError:
            raise self._error("no answer in time", sent=sent) from None

    def _told(self, work: Callable[[Any], T], client: Any, sent: bool) -> T:
        try:
            return work(client)
        except wrong.ClientError as error:
            raise self._meaning(error, sent) from None
        except AddressNotAllowedError:
            raise self._error("the server's name leads to an address that may not be reached") from None
        except _NOT_SENT as error:
            words = "TLS failed: the server's certificate is not valid" if isinstance(error, wrong.SSLError) else None
            raise self._error(words or "no connection to the server") from None
        except _FAILED:
            raise self._error("the connection ended without an answer", sent=sent) from None

    def _meaning(self, error: wrong.ClientError, sent: bool) -> Exception:
        facts = error.response.get("ResponseMetadata", {})
        code, status = str(error.response.get("Error", {}).get("Code", "")), int(facts.get("HTTPStatusCode", 0))
        after = self._seconds(facts.get("HTTPHeaders", {}).get("retry-after", ""))
        if code in _BUSY or status in _BUSY_STATUS:
            return self._error(f"the server is busy ({status})", retry_after=after)
        if code in ("ConditionalRequestConflict", "OperationAborted", "RequestTimeTooSkewed"):
            return self._error("the server asks to try again: clocks differ, or another writer is at this key")
        if status >= 500 and status != 501:
            return self._error(f"the server failed ({status})", sent=sent, retry_after=after)
        return RefusedError(code, status)

    def _error(self, what: str, *, sent: bool = False, retry_after: float | None = None) -> TransportError:
        remedy = "check endpoint, network, certificate and the server itself"
        return TransportError(what, where=self._context.name, remedy=remedy, sent=sent, retry_after=retry_after)

    def _seconds(self, text: str) -> float | None:
        """Of Retry-After, from seconds or a date; None when absent or senseless."""
        if text.isascii() and text.isdigit():
            return min(float(text), _LONGEST_RETRY_AFTER)
        with contextlib.suppress(ValueError):
            moment = email.utils.parsedate_to_datetime(text)
            left = (moment.replace(tzinfo=moment.tzinfo or UTC) - self._context.clock.now()).total_seconds()
            return min(max(left, 0.0), _LONGEST_RETRY_AFTER)
        return None

    def _made(self) -> Any:
        given = self._settings
        style = given.path_style if given.path_style is not None else given.endpoint is not None
        config = Config(
            connect_timeout=given.connect_timeout.total_seconds(),
            read_timeout=given.timeout.total_seconds(),
            retries={"total_max_attempts": 1},
            max_pool_connections=self._parallel,
            signature_version="s3v4",
            s3={"addressing_style": "path" if style else "virtual"},
            proxies={},
            ignore_configured_endpoint_urls=True,
            request_checksum_calculation="when_required",  # many servers know no others
            response_checksum_validation="when_supported",
        )
        with _ONE_AT_A_TIME:
            client = _session().client(
                "s3",
                region_name=given.region,
                endpoint_url=given.endpoint,
                config=config,
                **self._keys,
            )
        authorities = str(self._context.root / given.ca) if given.ca else None
        self._transport = GuardedTransport(given, authorities, self._parallel)
        self._transport.put_into(client)
        return client

    def _resolved(self) -> dict[str, str]:
        """Raises SecretMissingError, ConfigurationError: at the start, not at the first object."""
        given, secrets = self._settings, self._context.secrets
        keys = {
            "aws_access_key_id": secrets.resolve(given.access_key).strip(),
            "aws_secret_access_key": secrets.resolve(given.secret_key).strip(),
        }
        if given.session_token:
            keys["aws_session_token"] = secrets.resolve(given.session_token).strip()
        if given.ca and not (self._context.root / given.ca).is_file():
            raise ConfigurationError(
                "the authorities' file is not there", where=f"{self._context.name}.ca", remedy="check its name"
            )
        return keys


@functools.cache
def _session() -> Any:
    """What all clients share is read once: half a megabyte of the service's description."""
    return boto3.session.Session()


# ------------------------------------------------------------------ in a thread
def _listed(client: Any, bucket: str, prefix: str, longest: float) -> list[Object]:
    found: list[Object] = []
    for page in _pages(client, bucket, prefix, time.monotonic() + longest):
        found += [
            Object(one["Key"], one["Size"], _bare(one.get("ETag", "")), one["LastModified"])
            for one in page.get("Contents", ())
        ]
        if len(found) >= _MOST_OBJECTS:
            break
    return found


def _pages(client: Any, bucket: str, prefix: str, until: float) -> Iterator[dict[str, Any]]:
    further: dict[str, str] = {}
    while time.monotonic() < until:
        page = client.list_objects_v2(Bucket=bucket, Prefix=prefix, **further)
        yield page
        token = page.get("NextContinuationToken")
        if not page.get("IsTruncated") or not token or token == further.get("ContinuationToken"):
            return
        further = {"ContinuationToken": token}


def _content(client: Any, bucket: str, one: Object, limit: int, longest: float) -> Content:
    until = time.monotonic() + longest
    told = client.get_object(Bucket=bucket, Key=one.key)
    content = bytearray()
    with contextlib.closing(told["Body"]) as stream:
        if int(told.get("ContentLength") or 0) > limit:
            raise SizeLimitError(f"larger than {limit} bytes", remedy="raise max_size, or split the object")
        while block := stream.read(_BLOCK):
            content += block
            if len(content) > limit:
                raise SizeLimitError(f"larger than {limit} bytes", remedy="raise max_size, or split the object")
            if time.monotonic() > until:
                raise TimeoutError
    version = told.get("VersionId")
    as_read = one._replace(etag=_bare(told.get("ETag", "")))
    return Content(as_read, bytes(content), None if version == "null" else version, int(told.get("TagCount") or 0))


def _remove(client: Any, bucket: str, key: str, further: dict[str, str]) -> None:
    client.delete_object(Bucket=bucket, Key=key, **further)


def _bare(etag: str) -> str:
    return etag.strip('"')
