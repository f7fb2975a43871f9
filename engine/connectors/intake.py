"""What every source of files does with a file that it has read: messages of it, natural ids, accepting, explaining."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from engine.connectors.file.folder import readable_name
from engine.connectors.formats import Splitter, splitter
from engine.connectors.wrapping import Unwrapper, Unwrapping
from engine.core.errors import MessageError, StructureError
from engine.core.ids import id_text
from engine.ports.connector import Accept, ConnectorContext, Reason, Receipt, Received, Verdict

_TABLES = frozenset({"delimited", "fixed_width", "excel"})
_ON_LOOP = 64 * 1024  # bytes of a table: more are read in a thread
_ACCEPT_TOGETHER = 256  # messages of one file

Item = TypeVar("Item")


class Policy(Protocol):
    """The settings that say how a file becomes messages."""

    @property
    def split(self) -> str:
        """`auto`, `none` or a format."""
        ...

    @property
    def deduplicate(self) -> str:
        """`content`, `name`, `file` (both), or `none`."""
        ...


class FileMessages:
    """The messages of files of one source."""

    def __init__(self, policy: Policy, context: ConnectorContext, unwrapping: Unwrapping | None = None) -> None:
        """`unwrapping`: settings of what stands around a file, where the policy is not those itself."""
        self._policy, self._channel = policy, context.channel
        self.format = context.format if policy.split == "auto" else policy.split
        self.splitter: Splitter = splitter(self.format, context)
        wrapped = policy if isinstance(policy, Unwrapping) else unwrapping
        self._unwrapper = Unwrapper(wrapped, context) if wrapped is not None and wrapped.unwrap else None
        # An interchange is told from its repeat by the ledger, which must see both: only a crash makes a duplicate.
        self.by_token = policy.deduplicate == "none" or self.format == "x12"

    def of(self, content: bytes, name: str, token: str, folder: str = "") -> list[Received]:
        """In order. `token` is of this claim of the file.

        Raises:
            MessageError: nothing in the file can be told apart.
        """
        if self._unwrapper is None:
            return self._messages(content, name, name, token, folder, 0)
        found: list[Received] = []
        for inner in self._unwrapper.open(content, name):
            try:
                found += self._messages(inner.content, inner.name, name, token, folder, len(found))
            except MessageError as error:  # one file of an archive costs the others nothing
                refused = self.refused(inner.content, name, f"{token}#{len(found)}", error)
                found.append(_inside(refused, inner.name))
        return found

    async def read(self, content: bytes, name: str, token: str, folder: str = "") -> list[Received]:
        """As `of`, off the loop where it takes long."""
        if self._unwrapper is None and (self.format not in _TABLES or len(content) <= _ON_LOOP):
            return self.of(content, name, token, folder)
        return await asyncio.to_thread(self.of, content, name, token, folder)

    def _messages(self, content: bytes, inner: str, name: str, token: str, folder: str, before: int) -> list[Received]:
        """Of one file, or of one in an archive, that has `before` messages in front of it."""
        if not content:
            raise StructureError("the file is empty", remedy="send a file with a message in it")
        messages = self.splitter.split(content, _attributes(name))
        if not messages:
            raise StructureError("there is no message in the file", remedy="compare the file with the channel's format")
        path = f"{folder}/{name}" if folder else name
        # Two rows of a table may be alike and both mean something: they are told apart by their file and place.
        file = _digest(content) if self.format in _TABLES else None
        return [
            _inside(self._named(one, path, name, f"{token}#{number}", number, file), inner)
            for number, one in enumerate(messages, before + 1)
        ]

    def refused(self, body: bytes, name: str, token: str, error: MessageError) -> Received:
        """A file that is no message is kept as REFUSED, too; its body stays in the error folder."""
        reason = Reason(error.code, error.what, error.where, error.remedy)
        return Received(body, f"{token}#0", attributes=_attributes(name), refusal=reason)

    def _named(self, message: Received, path: str, name: str, claim: str, number: int, file: str | None) -> Received:
        """With a natural id by the channel's policy, where the format has none of its own."""
        if message.natural_id is not None:
            return message
        if message.refusal is not None or self.by_token or "control_number" in message.attributes:
            natural_id = claim  # the same after a crash, another for the file sent anew
            if message.scope is not None:  # unique for a partner: two channels may claim files in one millisecond
                natural_id = f"{claim}@{self._channel}"
        elif self._policy.deduplicate == "name":
            natural_id = f"{readable_name(name)}#{number}"
        elif self._policy.deduplicate == "file":
            natural_id = f"{readable_name(path)}#{number}@{file or _digest(message.body)}"
        else:
            natural_id = f"{file}#{number}" if file else _digest(message.body)
        return msgspec.structs.replace(message, natural_id=natural_id)


def _attributes(name: str) -> dict[str, str]:
    return {"file": readable_name(name)}


def _inside(message: Received, inner: str) -> Received:
    """With the name that it has in its archive, or under its wrapping."""
    if message.attributes.get("file") in (None, readable_name(inner)):
        return message
    return msgspec.structs.replace(message, attributes={**message.attributes, "member": readable_name(inner)})


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def batches(files: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [files[start : start + size] for start in range(0, len(files), size)]


async def wait_for_journal(accept: Accept) -> None:
    """Files and rows can wait: nothing is shed."""
    while accept.backlogged:
        await asyncio.sleep(0.05)


async def accept_all(messages: list[Received], accept: Accept) -> list[Receipt]:
    """In order, many to a flush. Raises the first failure when all are through."""
    receipts: list[Receipt] = []
    for start in range(0, len(messages), _ACCEPT_TOGETHER):
        some = messages[start : start + _ACCEPT_TOGETHER]
        outcomes = await asyncio.gather(*map(accept, some), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            receipts.append(outcome)
    for receipt in receipts:
        if receipt.settled is not None:
            await receipt.settled
    return receipts


def bad(receipts: list[Receipt]) -> list[tuple[int, Receipt]]:
    """Those that were refused, with their place in the file, from 1."""
    return [(number, receipt) for number, receipt in enumerate(receipts, 1) if _is_refused(receipt)]


def _is_refused(receipt: Receipt) -> bool:
    """Also when a crash lets us ask again: a duplicate of a refused message has the reason."""
    return receipt.verdict in (Verdict.REFUSED, Verdict.CONFLICT) or receipt.reason is not None


def explain(receipts: list[Receipt]) -> bytes:
    """For the person who finds the file: what, where, remedy; never a value."""
    refused = bad(receipts)
    taken = len(receipts) - len(refused)
    lines = [f"{taken} of {len(receipts)} messages of this file were taken in, {len(refused)} refused.", ""]
    for number, receipt in refused:
        reason = receipt.reason or Reason("M001", "refused")
        place = f" at {reason.where}" if reason.where else ""
        lines.append(f"message {number} ({id_text(receipt.message_id)}): {reason.code}{place}: {reason.text}")
        if reason.remedy:
            lines.append(f"  what to do: {reason.remedy}")
    return ("\n".join(lines) + "\n").encode()
