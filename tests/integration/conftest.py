"""Fixtures of the tests with real servers."""

from tests.support.stores import postgres_uri

__all__ = ["postgres_uri"]
