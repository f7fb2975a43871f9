"""`isthmus demo`: a hospital day over real sockets and folders into a real ERP, and the proof that the money agrees."""

from __future__ import annotations

from engine.cli.demo.command import command

__all__ = ["command"]
