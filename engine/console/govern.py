"""Audit trail, connections' health, and people."""

from __future__ import annotations

from starlette.responses import Response

from engine.console.kit import Kit, go, words_of
from engine.core.errors import AccountError, IsthmusError
from engine.ports.accounts import Role
from engine.ports.web import Call, WebRoute

AUDIT_LIMIT = 200


class GovernPages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/audit", Role.VIEWER, self.audit, page=True),
            WebRoute("GET", "/connections", Role.OPERATOR, self.connections, page=True),
            WebRoute("POST", "/connections", Role.OPERATOR, self.check, page=True),
            WebRoute("GET", "/people", Role.ADMIN, self.people, page=True),
            WebRoute("POST", "/people/invite", Role.ADMIN, self.invite, page=True),
            WebRoute("POST", "/people/change", Role.ADMIN, self.change, page=True),
            WebRoute("POST", "/people/unlock", Role.ADMIN, self.unlock, page=True),
        )

    async def audit(self, call: Call) -> Response:
        subject = call.query("subject")[:200]
        records = await call.operations.audit_records(subject or None, AUDIT_LIMIT)
        return await self._kit.page(call, "audit.html", records=records, subject=subject, limit=AUDIT_LIMIT)

    # -------------------------------------------------------------- connections
    async def connections(self, call: Call) -> Response:
        return await self._kit.page(call, "connections.html", found=None)

    async def check(self, call: Call) -> Response:
        """POST, because it reaches out to every far side."""
        found = await call.operations.check(call.field("channel") or None)
        return await self._kit.page(
            call, "connections.html", found=sorted(found.items(), key=lambda one: (one[1].ok, one[0]))
        )

    # -------------------------------------------------------------- people
    async def people(self, call: Call) -> Response:
        return await self._people(call)

    async def _people(self, call: Call, one_time_link: str = "", name: str = "") -> Response:
        users = await call.accounts.users()
        return await self._kit.page(call, "people.html", users=users, one_time_link=one_time_link, name=name)

    async def invite(self, call: Call) -> Response:
        """Shows the link once; only its digest is kept."""
        name = call.field("name").lower()
        try:
            token = await call.accounts.invite(name, _role(call), _facilities(call))
        except IsthmusError as error:
            self._kit.note(call, words_of(error), "bad")
            return go("/people")
        await call.audit.record(call.who, "account.invite", f"account {name}", f"as {_role(call)}")
        base = str(call.request.base_url).rstrip("/")
        return await self._people(call, f"{base}/welcome/{token}", name)

    async def change(self, call: Call) -> Response:
        name, role, active = call.field("name"), _role(call), call.field("active") == "yes"
        try:
            await call.accounts.change_user(name, role, _facilities(call), active)
        except IsthmusError as error:
            self._kit.note(call, words_of(error), "bad")
            return go("/people")
        await call.audit.record(call.who, "account.change", f"account {name}", f"{role}, active {active}")
        self._kit.note(call, f"{name} is changed.")
        return go("/people")

    async def unlock(self, call: Call) -> Response:
        name = call.field("name")
        await call.accounts.unlock(name)
        await call.audit.record(call.who, "account.unlock", f"account {name}")
        self._kit.note(call, f"{name} may sign in again.")
        return go("/people")


def _role(call: Call) -> Role:
    try:
        return Role(call.field("role"))
    except ValueError:
        raise AccountError("there is no such role") from None


def _facilities(call: Call) -> tuple[str, ...]:
    parts = call.field("facilities").replace(",", " ").split()
    return tuple(dict.fromkeys(part[:80] for part in parts))
