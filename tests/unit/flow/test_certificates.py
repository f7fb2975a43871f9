"""Certificates that will soon expire are told: once in the last month, then daily in the last week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.channel.model import ChannelModel
from engine.connectors.tls import days_left
from engine.flow.certificates import CertificateWatch, certificates_of, when
from engine.ports.connector import Health
from engine.telemetry import Telemetry
from engine.telemetry.named import named
from tests.support.certificates import Authority

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PLACE = ("orders", "tls/server.pem")


class Told:
    def __init__(self, root: Path, left: dict[str, int | None]) -> None:
        self.days: list[Any] = []
        self.watch = CertificateWatch(
            root, lambda: [PLACE], lambda path, now: left[path.name], lambda name, place, f: self.days.append(f["days"])
        )
        self.left = left

    async def after(self, *days: int | None) -> list[Any]:
        """What was told when there were so many days left at one look after the other."""
        for one in days:
            self.left["server.pem"] = one
            await self.watch.look(NOW)
        return self.days


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path, {"server.pem": None})


async def test_nothing_is_told_before_the_last_month(told: Told) -> None:
    assert await told.after(400, 31, None) == []


async def test_it_is_told_once_in_the_last_month(told: Told) -> None:
    assert await told.after(31, 30, 29, 8) == [30]


async def test_it_is_told_daily_in_the_last_week_and_afterwards(told: Told) -> None:
    assert await told.after(30, 7, 6, 0, -1) == [30, 7, 6, 0, -1]


async def test_a_renewed_certificate_is_quiet_and_its_next_end_is_told(told: Told) -> None:
    assert await told.after(30, 364, 30) == [30, 30]
    await told.after(364)

    assert told.watch.notices == ()


async def test_a_real_certificate_is_logged_counted_and_noticed(tmp_path: Path) -> None:
    Authority().issue(tmp_path / "server.pem", tmp_path / "server.key")
    telemetry = Telemetry()
    places = lambda: [("orders.erp", "server.pem")]  # noqa: E731
    watch = CertificateWatch(tmp_path, places, days_left, named(telemetry.emit))
    await watch.look(datetime.now(UTC) - timedelta(days=4))

    assert 'isthmus_certificate_days{channel="orders.erp",file="server.pem"} 4' in telemetry.render()
    assert watch.notices == ("orders.erp: the certificate server.pem expires in 4 days",)


def test_certificates_of_doors_and_destinations_are_found() -> None:
    model = ChannelModel.model_validate(
        {
            "channel": "orders",
            "version": 1,
            "title": "Orders",
            "source": {"type": "hl7v2_mllp", "settings": {"tls": {"certificate": "a.pem", "key": "a.key"}}},
            "destinations": [
                {"name": "erp", "type": "http", "settings": {"tls": {"certificate": "b.pem"}}},
                {"name": "plain", "type": "http", "settings": {"tls": {"ca": "c.pem"}}},
            ],
        }
    )

    assert list(certificates_of([model])) == [("orders", "a.pem"), ("orders.erp", "b.pem")]


@pytest.mark.parametrize(
    ("days", "words"),
    [(-1, "has expired"), (0, "expires within a day"), (1, "expires in 1 day"), (9, "expires in 9 days")],
)
def test_end_is_told_in_words(days: int, words: str) -> None:
    assert when(days) == words


async def test_check_tells_every_certificate_and_only_an_expired_one_is_not_well(told: Told) -> None:
    told.left["server.pem"] = 200
    assert await told.watch.check(NOW) == {PLACE: Health(True, "tls/server.pem expires in 200 days")}

    told.left["server.pem"] = 3
    assert (await told.watch.check(NOW))[PLACE].ok

    told.left["server.pem"] = -1
    expected = Health(False, "tls/server.pem has expired; put a new one there and deploy")
    assert await told.watch.check(NOW) == {PLACE: expected}


async def test_what_cannot_be_read_as_a_certificate_is_the_matter_of_the_door_that_uses_it(told: Told) -> None:
    assert await told.watch.check(NOW) == {}


def test_our_certificate_for_signing_is_watched_as_those_of_tls_are() -> None:
    signing = {"certificate": "as2/ours.pem", "tls": {"certificate": "client.pem"}}
    model = ChannelModel.model_validate(
        {
            "channel": "orders_out",
            "version": 1,
            "title": "Orders",
            "source": {"type": "file", "settings": {}},
            "destinations": [{"name": "alderbrook", "type": "as2", "settings": signing}],
        }
    )
    place = "orders_out.alderbrook"

    assert list(certificates_of([model])) == [(place, "as2/ours.pem"), (place, "client.pem")]


def as2_in_and_out() -> ChannelModel:
    alder = {"as2_id": "ALDERBROOK", "certificates": ["as2/old.pem", "as2/new.pem"]}
    return ChannelModel.model_validate(
        {
            "channel": "trade",
            "version": 1,
            "title": "Trade",
            "source": {"type": "as2", "settings": {"certificate": "as2/ours.pem", "partners": [alder]}},
            "destinations": [
                {
                    "name": "rainier",
                    "type": "as2",
                    "settings": {"as2_to": "RAINIER", "partner_certificates": ["as2/rainier.pem"]},
                }
            ],
        }
    )


async def test_certificates_of_as2_partners_are_watched_and_one_that_is_followed_is_quiet() -> None:
    left = {"ours.pem": 300, "old.pem": 5, "new.pem": 200, "rainier.pem": -2}
    told: list[tuple[str, int]] = []
    watch = CertificateWatch(
        Path(), lambda: certificates_of([as2_in_and_out()]), lambda path, now: left[path.name],
        lambda name, place, f: told.append((place or "", f["days"])),
    )  # fmt: skip
    await watch.look(NOW)
    checked = await watch.check(NOW)

    assert watch.notices == ("trade.rainier.partner RAINIER: the certificate as2/rainier.pem has expired",)
    assert told == [("trade.rainier.partner RAINIER", -2)]
    assert {place: health.ok for (place, _), health in checked.items()} == {
        "trade": True, "trade.partner ALDERBROOK": True, "trade.rainier.partner RAINIER": False,
    }  # fmt: skip
    assert "ask the partner for its next one" in checked["trade.rainier.partner RAINIER", "as2/rainier.pem"].text

    left["new.pem"] = 3
    await watch.look(NOW)
    assert "trade.partner ALDERBROOK: the certificate as2/old.pem expires in 5 days" in watch.notices
