"""What goes over the wire comes back equal, and shows ids as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from engine.api.wire import encode, from_wire, to_wire
from engine.core.ids import IdSource, id_text
from engine.ports.connector import Reason
from engine.ports.journal import MessageView, Query
from engine.ports.operations import ReplayPlan
from engine.ports.states import MessageState
from tests.support.operations_double import OperationsDouble


async def test_a_message_with_all_its_stages_comes_back_equal() -> None:
    double = OperationsDouble(50)
    for row in await double.search(Query(limit=50), "x"):
        view = await double.view(row.message_id, "x")
        assert view is not None

        back = from_wire(MessageView, msgspec.json.decode(encode(view)))

        assert msgspec.json.encode(back) == msgspec.json.encode(view)
        assert back.row.state is view.row.state


def test_ids_are_thirteen_characters_and_states_are_names() -> None:
    message_id = IdSource().next()

    wire = to_wire(Query(before_id=message_id, states=(MessageState.HELD,)))

    assert wire["before_id"] == id_text(message_id)
    assert wire["states"] == ["HELD"]


def test_money_and_times_stay_exact() -> None:
    at = datetime(2026, 11, 20, 15, 42, 10, 123456, tzinfo=UTC)
    plan = ReplayPlan("p", 1, at, at, {}, {}, 0, 0, (), {"USD": Decimal("0.10")})

    back = from_wire(ReplayPlan, msgspec.json.decode(encode(plan)))

    assert back.money_delta == {"USD": Decimal("0.10")}
    assert back.first == at


@pytest.mark.parametrize(
    "wrong",
    [
        {"unknown": 1},
        {"states": ["NONE"]},
        {"before_id": "short"},
        {"before_id": "UUUUUUUUUUUUU"},
        {"limit": "many"},
        {"since": "yesterday"},
        {"key": ["a"]},
        ["list"],
        "text",
    ],
)
def test_what_is_not_a_query_is_a_value_error(wrong: object) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        from_wire(Query, wrong)


def test_a_missing_key_is_a_value_error() -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        from_wire(Reason, {"code": "D004"})
