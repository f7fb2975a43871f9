"""Publishing into a stream, until the stream has it."""

from __future__ import annotations

import msgspec
import nats.errors
from nats.aio.client import Client

from engine.core.errors import DestinationError, TransportError

_REFUSED = frozenset({10054, 10060, 10070, 10071, 10164})  # too large, another stream or sequence expected
_TOO_LARGE = 10054


class _Trouble(msgspec.Struct, frozen=True):
    code: int = 0
    err_code: int = 0


class _Answer(msgspec.Struct, frozen=True):
    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: _Trouble | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


async def publish(
    client: Client, subject: str, body: bytes, headers: dict[str, str], wait: float, where: str
) -> tuple[str, bool]:
    """`STREAM:sequence`, and whether the stream had it already.

    Raises:
        TransportError: it is not known to be there.
        DestinationError: the stream refuses it.
    """
    try:
        answer = await client.request(subject, body, timeout=wait, headers=headers)
    except nats.errors.NoRespondersError:
        remedy = "make a stream that takes it, or set declare: true"
        raise TransportError("no stream takes the subject", where=where, remedy=remedy) from None
    except nats.errors.MaxPayloadError:
        raise DestinationError("larger than the server takes", where=where, remedy="raise its max_payload") from None
    except (nats.errors.TimeoutError, TimeoutError):
        raise TransportError("no confirmation in time", where=where, sent=True) from None
    except (nats.errors.Error, OSError) as error:
        raise TransportError(f"the connection ended: {type(error).__name__}", where=where, sent=True) from None
    return _confirmed(answer.data, where)


def _confirmed(data: bytes, where: str) -> tuple[str, bool]:
    try:
        told = _ANSWER.decode(data)
    except msgspec.DecodeError:
        words = "somebody answers on the subject who is no stream"
        raise DestinationError(words, where=where, remedy="choose a subject that only the stream takes") from None
    if told.error is None:
        return f"{told.stream}:{told.seq}", told.duplicate
    if told.error.err_code in _REFUSED:
        what = "too large for it" if told.error.err_code == _TOO_LARGE else f"error {told.error.err_code}"
        raise DestinationError(
            f"the stream refuses it: {what}", where=where, remedy="compare it with the stream's limits"
        )
    raise TransportError(f"the stream does not take it now: error {told.error.err_code}", where=where)
