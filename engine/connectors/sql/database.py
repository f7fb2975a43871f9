"""A database as connectors use it: one transaction at a time in a thread, with an end that is certain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import sqlalchemy as sa

from engine.connectors.sql.faults import not_connected, not_done
from engine.connectors.sql.reach import open_engine, reach_of
from engine.core.errors import TransportError
from engine.ports.connector import ConnectorContext

_GRACE = 2.0  # seconds that the server has more than its own time-out, and that a stopped statement has to end
Result = TypeVar("Result")


class Database:
    """Connects at first use, and again after `close`.

    Args:
        settings: of a source or destination.
        parallel: transactions under way at once.

    Raises:
        ConfigurationError: address, driver or TLS do not fit.
        SecretMissingError: the address or password is not where it should be.
    """

    def __init__(self, settings: Any, context: ConnectorContext, parallel: int = 1) -> None:
        self._where, self._parallel = context.name, parallel
        self._reach = reach_of(settings, context)
        self._engine = open_engine(self._reach, context, parallel)
        self._threads: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` in one transaction, in a thread; commit when it returns.

        Raises:
            TransportError: not reached, or not in time; `sent` only when the commit's answer is missing.
            DestinationError: the database refused it.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._parallel, thread_name_prefix="sql")
        transaction = _Transaction(self._engine, self._where)
        running = asyncio.get_running_loop().run_in_executor(self._threads, transaction.run, work)
        try:
            limit = self._reach.connect_timeout + self._reach.timeout
            async with asyncio.timeout(limit.total_seconds() + _GRACE):
                return await asyncio.shield(running)
        except TimeoutError:
            await self._stop(transaction, running)
            raise TransportError(
                "no answer from the database in time", where=self._where, sent=transaction.committing
            ) from None
        except asyncio.CancelledError:
            await self._stop(transaction, running)
            raise

    async def close(self) -> None:
        """Close the connections; those of statements that are being stopped close when these end."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._engine.dispose)
            threads.shutdown(wait=False)

    async def _stop(self, transaction: _Transaction, running: asyncio.Future[Any]) -> None:
        running.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # told, or nobody waits
        await asyncio.get_running_loop().run_in_executor(None, transaction.stop)
        await asyncio.wait({running}, timeout=_GRACE)
        if not running.done():  # its connection may be dead: others must not wait for its thread
            await self.close()


class _Transaction:
    """One transaction in its thread; `stop` comes from another."""

    def __init__(self, engine: sa.Engine, where: str) -> None:
        self._engine, self._where = engine, where
        self._driver: Any = None
        self._stopping = False
        self.committing = False

    def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        connection = self._connect()
        try:
            with connection:
                self._driver = connection.connection.driver_connection
                if self._stopping:
                    raise TransportError("stopped before it began", where=self._where)
                result = work(connection)
                self.committing = True
                connection.commit()
                return result
        except sa.exc.SQLAlchemyError as error:
            raise not_done(error, self._where, self.committing) from None
        finally:
            self._driver = None

    def _connect(self) -> sa.Connection:
        if self._stopping:
            raise TransportError("stopped before it began", where=self._where)
        try:
            return self._engine.connect()
        except sa.exc.SQLAlchemyError as error:
            raise not_connected(error, self._where) from None

    def stop(self) -> None:
        """Ask the driver to end the statement; one that cannot ends by its time-out."""
        self._stopping = True
        driver = self._driver
        for name, arguments in (("interrupt", {}), ("cancel_safe", {"timeout": _GRACE})):
            ask = getattr(driver, name, None)
            if ask is not None:
                try:
                    ask(**arguments)
                except Exception:  # it ended meanwhile, or the server is gone: the time-outs are left
                    return
