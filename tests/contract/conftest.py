"""Fixtures of the store's contract: each test of `test_journal*`, `test_ledger` … runs over both databases."""

from tests.support.stores import drive, postgres_uri, store, store_url

__all__ = ["drive", "postgres_uri", "store", "store_url"]
