"""Verifying signed webhooks that come in: of now, by one of the secrets, over exactly these bytes.

Its `webhook-id` is signed too and becomes the message's natural id, so that a request that is sent again, by its
sender or by somebody who overheard it, is a duplicate and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.connectors.http.settings import Signature
from engine.connectors.webhook.signing import SIGNATURE, is_signed, key_of, stamped
from engine.ports.connector import ConnectorContext


class Signatures:
    """Those of one sender."""

    def __init__(self, settings: Signature, context: ConnectorContext) -> None:
        self._clock, self._tolerance = context.clock, settings.tolerance.total_seconds()
        where = f"{context.name}.signature"
        self._keys = [key_of(context.secrets.resolve(reference), where) for reference in settings.secrets]

    def may_be_now(self, headers: Mapping[str, str]) -> bool:
        """Before the body is read: the headers are there, and the timestamp is of now."""
        return self._stamped(headers) is not None

    def are_good(self, headers: Mapping[str, str], body: bytes) -> bool:
        stamp = self._stamped(headers)
        return stamp is not None and is_signed(self._keys, headers.get(SIGNATURE, ""), *stamp, body)

    def _stamped(self, headers: Mapping[str, str]) -> tuple[str, int] | None:
        return stamped(headers, self._clock.now().timestamp(), self._tolerance)
