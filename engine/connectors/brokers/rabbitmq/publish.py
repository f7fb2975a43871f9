"""Publishing with confirmation: it is in a queue, or nobody says so."""

from __future__ import annotations

from typing import Any

import aiormq
from aiormq.abc import AbstractChannel
from aiormq.exceptions import DeliveryError, PublishError

from engine.connectors.brokers.rabbitmq.link import LOST
from engine.core.errors import DestinationError, TransportError

PERSISTENT = 2


async def publish(
    channel: AbstractChannel,
    exchange: str,
    routing_key: str,
    body: bytes,
    properties: aiormq.spec.Basic.Properties,
    *,
    wait: float,
    where: str,
) -> None:
    """Return when every queue that takes it has it on disk.

    Raises:
        TransportError: it is not known to be there.
        DestinationError: there is no such exchange, no queue takes it, or we may not.
    """
    sending: Any = channel  # its abstract class lacks `wait`: not to be told when the socket has it, only the queues
    try:
        await sending.basic_publish(
            body, exchange=exchange, routing_key=routing_key, properties=properties, mandatory=True, timeout=wait,
            wait=False,
        )  # fmt: skip
    except PublishError:
        words = f"no queue takes the routing key of exchange '{exchange}'" if exchange else "there is no such queue"
        raise DestinationError(words, where=where, remedy="bind a queue, or correct routing_key") from None
    except DeliveryError:
        raise TransportError("the server does not take it now: its queue is full", where=where) from None
    except aiormq.exceptions.ChannelNotFoundEntity:
        words, remedy = f"there is no exchange '{exchange}'", "make it, or set declare: true"
        raise DestinationError(words, where=where, remedy=remedy) from None
    except aiormq.exceptions.ChannelAccessRefused:
        raise DestinationError("we may not write there", where=where, remedy="compare our permissions") from None
    except TimeoutError:
        raise TransportError("no confirmation in time", where=where, sent=True) from None
    except LOST as error:
        raise TransportError(f"the connection ended: {type(error).__name__}", where=where, sent=True) from None
