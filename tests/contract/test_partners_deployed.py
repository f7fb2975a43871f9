"""A trading partner that is added or changed on disk: seen by diff, live with the next deployment, no restart."""

from __future__ import annotations

from pathlib import Path

from engine.app import running
from engine.ports.operations import PARTNERS
from tests.support.waiting import until
from tests.support.x12_samples import interchange

CHANNEL = """
channel: orders
version: 1
title: Orders of partners
source: {type: file, format: x12, folder: in, pattern: "*.edi", poll: 20ms, stable_for: 0s}
transform: count
destinations:
  - {name: out, type: file, folder: out, format: raw, send: message}
"""
SCRIPT = '"""Tell that an order came."""\n\n\ndef transform(message):\n    return b"came"\n'
PARTNER = """
partner: {name}
isa_qualifier: "ZZ"
isa_id: {isa_id}
our_isa_id: HARBORHEALTH
"""


def partner(root: Path, name: str, more: str = "") -> None:
    path = root / "config" / "partners" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PARTNER.format(name=name, isa_id=name.upper()) + more)


def write_site(root: Path) -> None:
    for path, text in {"channels/flow/orders.yaml": CHANNEL, "transforms/count.py": SCRIPT}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    partner(root, "other")


async def goes_to(root: Path, number: int) -> str:
    """Which folder an interchange of Lakeside goes to: `done` or `error`."""
    name = f"{number}.edi"
    (root / name).write_bytes(interchange().replace(b"000000501", b"%09d" % number))
    (root / name).rename(root / "in" / name)
    found: list[str] = []

    def is_moved() -> bool:
        found[:] = [folder for folder in ("done", "error") if list((root / "in" / folder).glob(f"*_{name}"))]
        return bool(found)

    await until(is_moved)
    return found[0]


async def test_a_partner_is_refused_until_it_is_deployed(tmp_path: Path) -> None:
    write_site(tmp_path)
    async with running(tmp_path) as engine:
        ask = engine.operations
        before = await goes_to(tmp_path, 601)
        partner(tmp_path, "lakeside")
        seen = [one for one in await ask.diff() if one.change != "same"]
        await ask.deploy(["orders"], "pat", "this channel alone")
        still = await goes_to(tmp_path, 602)
        await ask.deploy([], "pat", "a new supplier")
        after = await goes_to(tmp_path, 603)
        audited = await ask.audit_records(PARTNERS, 10)

    assert [(one.channel, one.effects) for one in seen] == [
        (PARTNERS, ["partner lakeside is new: what it sends is taken in from now on"])
    ]
    assert (before, still, after) == ("error", "error", "done")
    assert [(one["who"], one["action"], one["reason"]) for one in audited] == [("pat", "deploy", "a new supplier")]
