"""What `isthmus channel new` writes below `type:` of each source and destination. Data, no logic.

In a text, {name} is the channel's, {NAME} the same in capitals, {port} a free one, {format} and {pattern} those of
what flows, {other} another channel's name. Secrets stand by reference only.
"""

from __future__ import annotations

from typing import NamedTuple


class End(NamedTuple):
    """`format`: what comes in by this source whatever is asked for; `name`: of the destination in the channel."""

    settings: str
    format: str | None = None
    name: str | None = None
    first_port: int | None = None


SOURCES = {
    "hl7v2_mllp": End(
        "listen: 127.0.0.1:{port}              # reachable from this machine only; else add tls:",
        format="hl7v2",
        first_port=6661,
    ),
    "file": End('format: {format}\nfolder: data/in/{name}\npattern: "{pattern}"'),
    "sftp": End(
        "format: {format}\naddress: sftp.supplier.example:22\nuser: hospital\n"
        "private_key: env:{NAME}_KEY            # as ssh-keygen writes it\n"
        "host_keys:                            # as the supplier says them; compare: ssh-keyscan HOST\n"
        "  - SHA256:{fingerprint}\n"
        'folder: /outgoing\npattern: "{pattern}"'
    ),
    "http": End(
        "listen: 127.0.0.1:{port}\npath: /{name}\ntoken: env:{NAME}_TOKEN        # by reference: never in the file",
        first_port=8081,
    ),
    "fhir": End(
        "listen: 127.0.0.1:{port}\npath: /fhir\nversion: R4\nresources: [SupplyRequest]\ntoken: env:{NAME}_TOKEN",
        format="json",
        first_port=8082,
    ),
    "sql": End(
        "connection: warehouse                 # config/connections.yaml\ntable: suppliers\nkey: [supplier_number]\n"
        "watermark: changed_at",
        format="json",
    ),
    "channel": End("format: {format}"),
    "schedule": End('cron: "30 2 * * mon-fri"              # minute hour day month weekday', format="json"),
    "erp_orders": End("connection: finance\nevery: 30s", format="json"),
}

DESTINATIONS = {
    "file": End("folder: data/out/{name}", name="files"),
    "sftp": End(
        "address: sftp.supplier.example:22\nuser: hospital\nprivate_key: env:{NAME}_KEY\n"
        "host_keys: [SHA256:{fingerprint}]\nfolder: /incoming",
        name="files",
    ),
    "http": End("url: https://receiver.hospital.example/{name}\nbearer: env:{NAME}_KEY", name="receiver"),
    "fhir": End("url: https://ehr.hospital.example/fhir\nbearer: env:{NAME}_KEY", name="ehr"),
    "sql": End(
        "connection: warehouse                 # config/connections.yaml\ntable: documents\nkey: [number]\n"
        'columns: {{number: "@natural_key", kind: "@kind", message: "@message_id"}}',
        name="warehouse",
    ),
    "hl7v2_mllp": End("address: 127.0.0.1:7001", name="receiver"),
    "channel": End("channel: {other}", name="next"),
    "erp": End("connection: finance               # config/connections.yaml"),
}

CONNECTIONS = {
    "finance": """
finance:
  type: tryton
  url: http://127.0.0.1:8000
  database: finance
  key: env:FINANCE_KEY                  # by reference: the key itself is in nobody's git
""",
    "warehouse": """
warehouse:
  type: sql
  url: postgresql://isthmus@db.hospital.example/warehouse
  password: env:WAREHOUSE_PASSWORD      # by reference: the password itself is in nobody's git
""",
}
"""Connections that the texts above name, for a site that does not have them yet."""
