"""The journal, the queue, the ledger and the audit over SQL: SQLite embedded, PostgreSQL for several nodes.

The way of a write: `journal` takes plain values → `writer` gathers a batch → `append`, `finish`, `settle` turn it into
a few bulk statements → one commit → every caller hears once. Reads take a pooled connection off the loop's thread.
"""
