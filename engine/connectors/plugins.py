"""Other people's connectors: what an entry point of the group `isthmus.connectors` brings, or why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Literal, NoReturn

from engine.core.errors import ConfigurationError
from engine.ports.catalog import ConnectorType

GROUP = "isthmus.connectors"


def types_of(plugin: EntryPoint) -> list[ConnectorType]:
    try:
        loaded = plugin.load()
        types = [loaded] if isinstance(loaded, ConnectorType) else list(loaded)
        if all(isinstance(one, ConnectorType) for one in types):
            return types
        problem = "its entry point is not a ConnectorType"
    except Exception as error:  # another author's module may raise anything; it must not stop the engine
        problem = f"it cannot be imported: {type(error).__name__}"
    return [_broken(plugin, "source", problem), _broken(plugin, "destination", problem)]


def _broken(plugin: EntryPoint, direction: Literal["source", "destination"], problem: str) -> ConnectorType:
    refuse = _refusal(plugin, problem)
    return ConnectorType(
        name=plugin.name,
        direction=direction,
        title=f"not usable: {problem}",
        load=refuse,
        build=lambda settings, context: refuse(),
    )


def _refusal(plugin: EntryPoint, problem: str) -> Callable[[], NoReturn]:
    def refuse() -> NoReturn:
        raise ConfigurationError(
            f"the installed connector cannot be used: {problem}",
            where=f"{GROUP}: {plugin.name}",
            remedy="install a working release of it, or remove it",
        )

    return refuse
