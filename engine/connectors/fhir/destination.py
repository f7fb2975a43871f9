"""Destination `fhir`: one interaction with a FHIR server for each delivery.

    destinations:
      - name: ehr
        type: fhir
        send: message
        url: https://ehr.harbor.example/fhir
        interaction: conditional_create
        oauth2:
          token_url: https://ehr.harbor.example/oauth2/token
          client_id: isthmus
          private_key: file:secrets/smart.pem

conditional_create and bundle give each new resource an identifier (`identifier_system`, value: the delivery's key)
and send If-None-Exist with it: sending twice acts once. An update is the same resource twice, a
conditional_update the same one by its identifier of identifier_system; one with if_match
can be asked for, and so can a plain create, by that identifier. Whether $process-message acts twice is the server's
affair: an unknown outcome waits for a person. Answers mean what they mean for `http`; why a server refused is read
from its OperationOutcome as types and places, without its words.
"""

from __future__ import annotations

import msgspec

from engine.connectors.fhir.oauth import TokenGiver
from engine.connectors.fhir.outgoing import Outgoing, outgoing, says_the_same
from engine.connectors.fhir.settings import FhirDestinationSettings
from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.settings import HttpDestinationSettings
from engine.core.errors import DestinationError, IsthmusError, TransportError
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics
from engine.protocols.fhir.outcome import told_by

_SEMANTICS = {
    "conditional_create": Semantics.IDEMPOTENT,
    "update": Semantics.IDEMPOTENT,
    "conditional_update": Semantics.IDEMPOTENT,
    "bundle": Semantics.IDEMPOTENT,
    "create": Semantics.INQUIRABLE,
    "process_message": Semantics.NEITHER,
}
_UNAUTHORIZED, _PRECONDITION_FAILED = 401, 412
_TAKEN = 300  # statuses below it


class _Response(msgspec.Struct, frozen=True):
    status: str = ""
    location: str | None = None
    outcome: msgspec.Raw = msgspec.Raw(b"")


class _Entry(msgspec.Struct, frozen=True):
    response: _Response | None = None


class _Answer(msgspec.Struct, frozen=True):
    """What is read of a response: of a resource its type and id, of a bundle its entries' responses."""

    resourceType: str = ""
    id: str | None = None
    total: int | None = None
    entry: list[_Entry] = []


_ANSWER = msgspec.json.Decoder(_Answer)


class FhirDestination(HttpDestination):
    """Speaks to one base URL over kept-alive connections."""

    def __init__(self, settings: FhirDestinationSettings, context: ConnectorContext) -> None:
        super().__init__(_http(settings), context)
        self._fhir = settings
        self._tokens = TokenGiver(settings.oauth2, settings, context) if settings.oauth2 else None

    @property
    def semantics(self) -> Semantics:
        if self._fhir.if_match and self._fhir.interaction == "update":
            return Semantics.INQUIRABLE  # a second one would miss the version that the first one made
        return _SEMANTICS[self._fhir.interaction]

    async def send(self, outbound: Outbound) -> Delivered:
        request = outgoing(self._fhir, outbound.body, outbound.idempotency_key)
        ours = {"Idempotency-Key": outbound.idempotency_key, "X-Correlation-Id": outbound.correlation_id}
        ours["Prefer"] = "return=minimal"
        _, location, delivered = await self._once_more(request, ours | request.headers)
        answer = _read(delivered.response)
        if self._fhir.interaction == "bundle":
            self._judge_entries(answer)
        reference = _reference(location, self._fhir.url) or _named(answer)
        return Delivered(delivered.response, reference)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Search for our identifier; of an update, read the resource and see whether it says the same."""
        request = outgoing(self._fhir, outbound.body, outbound.idempotency_key)
        if request.method == "PUT":
            return await self._updated(request)
        if request.search is None:
            raise TransportError("this interaction cannot be asked for", where=self._context.name)
        asking = Outgoing("GET", f"{request.search}&_elements=identifier&_count=1", b"")
        _, _, delivered = await self._once_more(asking, {})
        answer = _read(delivered.response)
        if answer.resourceType != "Bundle":
            raise TransportError("the search was not answered with a Bundle", where=self._context.name)
        return delivered if answer.entry or answer.total else None

    async def _updated(self, request: Outgoing) -> Delivered | None:
        headers = await self._authorized({"Accept": "application/fhir+json"})
        async with self._asked("GET", request.url, headers, None) as response:
            if response.status in (404, 410):
                return None
            if not response.ok:
                after = self._retry_after(response)
                words = f"the inquiry was answered with {response.status}"
                raise TransportError(words, where=self._context.name, retry_after=after)
            delivered = await self._delivered(response)
        return delivered if says_the_same(delivered.response or b"", request.body) else None

    async def check(self) -> Health:
        """Ask what the server is able to do."""
        try:
            headers = await self._authorized({"Accept": "application/fhir+json"})
            async with self._asked("GET", f"{self._fhir.url}/metadata", headers, None) as response:
                return Health(response.ok, f"answered with {response.status}")
        except IsthmusError as error:
            return Health(False, error.what)

    async def close(self) -> None:
        await super().close()
        if self._tokens is not None:
            await self._tokens.close()

    # -------------------------------------------------------------- asking
    async def _once_more(self, request: Outgoing, headers: dict[str, str]) -> tuple[int, str, Delivered]:
        """With another token when the first one was not taken: then nothing was done."""
        status, location, delivered = await self._exchange(request, headers, last=self._tokens is None)
        if status == _UNAUTHORIZED:
            status, location, delivered = await self._exchange(request, headers, last=True)
        return status, location, delivered

    async def _exchange(self, request: Outgoing, headers: dict[str, str], *, last: bool) -> tuple[int, str, Delivered]:
        headers = await self._authorized({"Accept": "application/fhir+json"} | headers)
        async with self._asked(request.method, request.url, headers, request.body or None) as response:
            if response.status == _UNAUTHORIZED and self._tokens is not None:
                self._tokens.forget(headers["Authorization"].removeprefix("Bearer "))
                if not last:
                    return response.status, "", Delivered()
            delivered = Delivered()
            if 400 <= response.status < 500:
                delivered = await self._delivered(response)
            try:
                self._judge(response)
            except DestinationError as error:
                raise self._explained(error, response.status, delivered.response) from None
            return response.status, response.headers.get("Location", ""), await self._delivered(response)

    async def _authorized(self, headers: dict[str, str]) -> dict[str, str]:
        if self._tokens is None:
            return headers
        return headers | {"Authorization": f"Bearer {await self._tokens.token()}"}

    # -------------------------------------------------------------- answers
    def _explained(self, error: DestinationError, status: int, body: bytes | None) -> DestinationError:
        """What the server's OperationOutcome adds: types and places."""
        if status == _PRECONDITION_FAILED:
            several = self._fhir.interaction != "update"
            what = "several resources have our identifier" if several else "the version to replace is not the newest"
            return DestinationError(f"{what} ({status})", where=error.where, remedy="look at the server")
        issues = told_by(body or b"")
        if not issues:
            return DestinationError(error.what, where=error.where, remedy="look at its answer on the server")
        words = ", ".join(f"{one.text.rpartition(' ')[2]} at {one.where or 'no place'}" for one in issues)
        return DestinationError(f"{error.what}: {words}", where=error.where, remedy="correct it and resend")

    def _judge_entries(self, answer: _Answer) -> None:
        """A bundle is delivered when each of its entries is: a batch may fail in parts."""
        for position, entry in enumerate(answer.entry):
            text = entry.response.status[:3] if entry.response else ""
            status = int(text) if text.isascii() and text.isdigit() else 200
            if status < _TAKEN:
                continue
            where = f"{self._context.name}: Bundle.entry[{position}]"
            if status in (425, 429) or status >= 500:
                raise TransportError(f"the far side failed in an entry ({status})", where=where, sent=True)
            refused = DestinationError(f"the far side refused an entry ({status})", where=where)
            outcome = bytes(entry.response.outcome) if entry.response else b""
            raise self._explained(refused, status if status != _PRECONDITION_FAILED else 0, outcome)


def _http(settings: FhirDestinationSettings) -> HttpDestinationSettings:
    return HttpDestinationSettings(
        url=settings.url,
        content_type="application/fhir+json",
        headers=settings.headers | {"Content-Type": "application/fhir+json"},
        bearer=settings.bearer,
        basic=settings.basic,
        connect_timeout=settings.connect_timeout,
        timeout=settings.timeout,
        parallel=settings.parallel,
        max_response=settings.max_response,
        allow_private=settings.allow_private,
        tls=settings.tls,
    )


def _read(body: bytes | None) -> _Answer:
    """What can be read of it: a delivery that was taken is taken, whatever the answer looks like."""
    try:
        return _ANSWER.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Answer()


def _reference(location: str, base: str) -> str | None:
    """`Type/id` of a Location."""
    steps = location.removeprefix(base).strip("/").split("/_history", 1)[0].split("/")
    return "/".join(steps[-2:])[:200] if len(steps) >= 2 else None


def _named(answer: _Answer) -> str | None:
    if answer.resourceType in ("", "OperationOutcome") or answer.id is None:
        return None
    return f"{answer.resourceType}/{answer.id}"[:200]
