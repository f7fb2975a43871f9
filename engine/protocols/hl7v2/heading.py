"""The header of a message by the names that people use for its fields."""

from __future__ import annotations

from engine.protocols.hl7v2.view import MessageView


class Heading(MessageView):
    """MSH by name."""

    __slots__ = ()

    @property
    def control_id(self) -> str | None:
        return self.get("MSH-10")

    @property
    def message_type(self) -> str:
        """`ADT^A01`; without a trigger event only the code, and empty when MSH-9 is."""
        code, event = self.get("MSH-9.1") or "", self.get("MSH-9.2")
        return f"{code}^{event}" if event else code

    @property
    def structure(self) -> str | None:
        return self.get("MSH-9.3")

    @property
    def version(self) -> str | None:
        return self.get("MSH-12")

    @property
    def processing_id(self) -> str | None:
        return self.get("MSH-11")

    @property
    def sending_application(self) -> str | None:
        return self.get("MSH-3")

    @property
    def sending_facility(self) -> str | None:
        return self.get("MSH-4")

    @property
    def receiving_application(self) -> str | None:
        return self.get("MSH-5")

    @property
    def receiving_facility(self) -> str | None:
        return self.get("MSH-6")

    @property
    def accept_ack(self) -> str | None:
        return self.get("MSH-15")

    @property
    def application_ack(self) -> str | None:
        return self.get("MSH-16")
