"""Pages for people: server-rendered, with one small script for live figures and keys. `pages()` is all of it."""

from __future__ import annotations

from engine.ports.web import Pages


def pages() -> Pages:
    """What `engine.api.app.build_app` takes as `pages`."""
    from engine.console import assets
    from engine.console.approvals import ApprovalPages
    from engine.console.channels import ChannelPages
    from engine.console.govern import GovernPages
    from engine.console.held import HeldPages
    from engine.console.kit import Kit
    from engine.console.measures import MeasurePages
    from engine.console.message import MessagePages
    from engine.console.messages import MessagesPages
    from engine.console.p2p import P2pPages
    from engine.console.payments import PaymentPages
    from engine.console.queue import QueuePages
    from engine.console.recall import RecallPages
    from engine.console.revisions import RevisionPages
    from engine.console.sign_in import SignInPages

    kit = Kit()
    parts = (
        SignInPages, ChannelPages, MessagesPages, MessagePages, HeldPages, QueuePages, P2pPages, ApprovalPages,
        PaymentPages, RecallPages, MeasurePages, RevisionPages, GovernPages,
    )  # fmt: skip
    routes = [route for part in parts for route in part(kit).routes()]
    return Pages(routes=(*assets.ROUTES, *routes), refuse=kit.refuse)


__all__ = ["pages"]
