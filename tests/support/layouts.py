"""Layouts for tests, as an analyst writes them."""

from __future__ import annotations

from typing import Any

from engine.channel.layout import Layout
from engine.protocols.tabular import TableReader

COLUMNS: list[dict[str, Any]] = [
    {"name": "sku", "heading": "Item No.", "required": True, "longest": 12},
    {"name": "price", "type": "decimal", "scale": 2},
    {"name": "since", "type": "date"},
    {"name": "unit", "codes": ["EA", "BX"], "default": "EA"},
]


def layout(kind: str = "delimited", **settings: Any) -> Layout:
    given: dict[str, Any] = {"layout": "prices", "kind": kind, "records": "each", "columns": COLUMNS}
    given.update(settings)
    return Layout.model_validate({name: value for name, value in given.items() if value is not None})


def reader(kind: str = "delimited", **settings: Any) -> TableReader:
    return TableReader(layout(kind, **settings).table())


BANK: dict[str, Any] = {
    "columns": None,
    "type_at": {"start": 1},
    "record_types": [
        {"name": "file", "code": "H", "role": "header", "columns": [{"name": "day", "start": 2, "length": 8}]},
        {
            "name": "payment",
            "code": "P",
            "columns": [
                {"name": "payee", "start": 2, "length": 6},
                {"name": "amount", "length": 8, "type": "decimal", "scale": 2, "implied": True, "fill": "0"},
            ],
        },
        {
            "name": "totals",
            "code": "T",
            "role": "trailer",
            "columns": [
                {"name": "count", "start": 2, "length": 4, "type": "integer"},
                {"name": "total", "length": 10, "type": "decimal", "scale": 2, "implied": True, "fill": "0"},
            ],
            "checks": [{"column": "count"}, {"column": "total", "sums": "amount"}],
        },
    ],
}
