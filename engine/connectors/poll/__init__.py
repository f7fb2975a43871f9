"""HTTP poll: a URL that is asked by the clock; its answer is a message, or each element of a list in it is one.

A carrier's tracking service, asked every ten minutes for what changed since the last time:

    source:
      type: http_poll
      url: https://api.northline-freight.example/v2/shipments
      every: 10m
      oauth2:
        token_url: https://login.northline-freight.example/token
        client_id: harbor
        client_secret: env:NORTHLINE_SECRET
        scope: shipments.read
      items: /shipments
      id: /number
      version: /updated_at
      next: /links/next
      cursor: {parameter: updated_since, value: /updated_at, start: "2026-01-01T00:00:00Z", overlap: 10m}

Paths are JSON pointers (RFC 6901). Only the server of `url` is ever asked, whatever its answers say is next. How far
was read is kept below the site; the natural ids in the journal keep what is read again from acting twice.
"""
