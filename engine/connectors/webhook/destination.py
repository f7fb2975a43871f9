"""Destination `webhook`: one signed POST for each delivery, to somebody who only gave us a URL.

Stands on `http`: what an answer means, no redirects, hard time-outs, and the guard of addresses, which here refuses
private ones unless told otherwise. 410 means that the receiver wants no more: the delivery is HELD and says so. What
the receiver answers is neither kept nor logged.
"""

from __future__ import annotations

from engine.connectors.http.destination import HttpDestination
from engine.connectors.webhook.settings import WebhookDestinationSettings
from engine.connectors.webhook.signing import key_of, signed_headers
from engine.core.errors import DestinationError
from engine.ports.connector import ConnectorContext, Delivered, Outbound

_GONE = 410


class WebhookDestination(HttpDestination):
    """Signs what `HttpDestination` sends."""

    def __init__(self, settings: WebhookDestinationSettings, context: ConnectorContext) -> None:
        super().__init__(settings.as_http(), context)
        self._most = settings.max_body
        self._keys = [
            key_of(context.secrets.resolve(reference), f"{context.name}.secrets") for reference in settings.secrets
        ]

    async def send(self, outbound: Outbound) -> Delivered:
        """Raises DestinationError for a message larger than `max_body`, and when the receiver wants no more."""
        if len(outbound.body) > self._most:
            raise DestinationError(
                f"larger than {self._most} bytes", where=self._context.name, remedy="raise max_body, or send less"
            )
        now = int(self._context.clock.now().timestamp())  # of this attempt: a late one is no replay to the receiver
        headers = {"Content-Type": self._settings.content_type, "X-Correlation-Id": outbound.correlation_id}
        headers |= signed_headers(self._keys, outbound.idempotency_key, now, outbound.body)
        async with self._asked("POST", self._settings.url, headers, outbound.body) as response:
            if response.status == _GONE:
                raise DestinationError(
                    "the receiver wants no more of these (410)",
                    where=self._context.name,
                    remedy="ask its operator; stop the channel, or correct the url and resend",
                )
            self._judge(response)
        return Delivered()
