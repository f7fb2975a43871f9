"""What can happen to a message that others are told of. The journal writes it, events and windows read it."""

from __future__ import annotations

from enum import IntEnum


class Happening(IntEnum):
    """Stored as a small integer."""

    MADE = 1  # its transform made canonical documents
    MESSAGE_HELD = 2  # its transform could not, or a person must look first
    DELIVERED = 3  # a delivery arrived
    HELD = 4  # a delivery was refused, gave up, or has an unknown outcome
