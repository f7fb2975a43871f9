"""What `isthmus channel new` writes below `type:` of each source and destination. Data, no logic.

In a text, {name} is the channel's, {NAME} the same in capitals, {port} a free one, {format} and {pattern} those of
what flows, {other} a channel that others hand over to, {maker} one that makes requisitions. Secrets stand by
reference only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.cli.scaffold_soap import CALL_TEMPLATE, SERVICE_WSDL


class End(NamedTuple):
    """`format`: what comes in by this source whatever is asked for; `name`: of the destination in the channel;
    `files`: further files of the site, path to text; `until`: the channel is off until this is done."""

    settings: str
    format: str | None = None
    name: str | None = None
    first_port: int | None = None
    files: Mapping[str, str] = {}
    until: str | None = None


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
        format="fhir",
        first_port=8082,
    ),
    "sql": End(
        "connection: warehouse                 # config/connections.yaml\ntable: suppliers\nkey: [supplier_number]\n"
        "watermark: changed_at",
        format="json",
    ),
    "soap": End(
        "listen: 127.0.0.1:{port}\npath: /{name}\nwsdl: config/wsdl/{name}.wsdl\nnatural_id: Number\n"
        "username_token:\n  users: {{supplier: env:{NAME}_PASSWORD}}",
        format="xml",
        first_port=8083,
        files={"config/wsdl/{name}.wsdl": SERVICE_WSDL},
    ),
    "as2": End(
        "format: {format}\nlisten: 127.0.0.1:{port}\nas2_id: HOSPITAL\ncertificate: config/as2/hospital.pem\n"
        "key: env:{NAME}_KEY                    # PEM\npartners:\n  - as2_id: SUPPLIER\n"
        "    certificates: [config/as2/supplier.pem]   # from its EDI desk, compared by telephone",
        first_port=8084,
        until="the certificates are in config/as2",
    ),
    "ftps": End(
        "format: {format}\naddress: ftp.supplier.example:21\nuser: hospital\npassword: env:{NAME}_PASSWORD\n"
        'folder: /outgoing\npattern: "{pattern}"'
    ),
    "s3": End(
        'format: {format}\nbucket: suppliers\nprefix: {name}/\npattern: "{pattern}"\n'
        "access_key: env:{NAME}_ACCESS_KEY\nsecret_key: env:{NAME}_SECRET_KEY"
    ),
    "imap": End(
        "format: {format}\naddress: imap.hospital.example:993\nuser: {name}@hospital.example\n"
        'password: env:{NAME}_PASSWORD\nattachments: ["{pattern}"]               # other files are kept beside\n'
        'senders: ["*@supplier.example"]'
    ),
    "http_poll": End("url: https://api.supplier.example/{name}\nevery: 5m\nbearer: env:{NAME}_TOKEN", format="json"),
    "fhir_poll": End(
        "url: https://ehr.hospital.example/fhir\nresource: SupplyRequest\npoll: 1m\nbearer: env:{NAME}_TOKEN",
        format="fhir",
    ),
    "fhir_subscription": End(
        "listen: 127.0.0.1:{port}\npath: /{name}\ntoken: env:{NAME}_SECRET\nserver:\n"
        "  url: https://ehr.hospital.example/fhir\n  resource: SupplyRequest\n  bearer: env:{NAME}_TOKEN",
        format="fhir",
        first_port=8085,
    ),
    "nats": End("format: {format}\nservers: [127.0.0.1:4222]\nstream: SUPPLIERS\ndurable: {name}"),
    "rabbitmq": End("format: {format}\nservers: [127.0.0.1:5672]\nqueue: {name}"),
    "kafka": End("format: {format}\nservers: [127.0.0.1:9092]\ntopics: [{name}]\ngroup: isthmus"),
    "redis": End("format: {format}\nservers: [127.0.0.1:6379]\nstream: {name}\ngroup: isthmus"),
    "events": End('types: ["*"]                        # invoice.*, message.held', format="json"),
    "window": End("channels: [{maker}]\nkind: Requisition\nevery: 1h\nsum: [quantity]", format="json"),
    "procure": End("commands: [post_invoice]", format="json"),
    "payment_run": End('cron: "0 10 * * tue,thu"              # minute hour day month weekday', format="json"),
    "channel": End("format: {format}"),
    "schedule": End('cron: "30 2 * * mon-fri"              # minute hour day month weekday', format="json"),
    "erp_orders": End("connection: finance\nevery: 30s", format="json"),
    "erp_reconciliation": End("connection: finance\nevery: 1d", format="json"),
    "erp_documents": End("connection: finance\ndocuments: [Receipt]\nevery: 1m", format="json"),
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
    "soap": End(
        "url: https://erp.hospital.example/soap/{name}\ntemplate: config/wsdl/{name}_call.xml\n"
        "username_token: {{user: isthmus, password: env:{NAME}_PASSWORD}}",
        name="receiver",
        files={"config/wsdl/{name}_call.xml": CALL_TEMPLATE},
    ),
    "as2": End(
        "url: https://edi.supplier.example/as2\nas2_from: HOSPITAL\nas2_to: SUPPLIER\n"
        "certificate: config/as2/hospital.pem\nkey: env:{NAME}_AS2_KEY\n"
        "partner_certificates: [config/as2/supplier.pem]",
        name="supplier",
        until="the certificates are in config/as2",
    ),
    "ftps": End(
        "address: ftp.supplier.example:21\nuser: hospital\npassword: env:{NAME}_OUT_PASSWORD\nfolder: /incoming",
        name="files",
    ),
    "s3": End(
        "bucket: suppliers\naccess_key: env:{NAME}_OUT_ACCESS_KEY\nsecret_key: env:{NAME}_OUT_SECRET_KEY", name="files"
    ),
    "smtp": End(
        "address: smtp.hospital.example:465\nuser: isthmus@hospital.example\npassword: env:{NAME}_MAIL_PASSWORD\n"
        "sender: isthmus@hospital.example\nto: [accounts-payable@hospital.example]",
        name="mail",
    ),
    "webhook": End("url: https://portal.supplier.example/hooks\nsecrets: [env:{NAME}_HOOK_SECRET]", name="portal"),
    "nats": End("servers: [127.0.0.1:4222]\nsubject: documents.{name}", name="broker"),
    "rabbitmq": End("servers: [127.0.0.1:5672]\nrouting_key: documents.{name}", name="broker"),
    "kafka": End("servers: [127.0.0.1:9092]\ntopic: documents", name="broker"),
    "redis": End("servers: [127.0.0.1:6379]\nstream: documents", name="broker"),
    "channel": End("channel: {other}", name="next"),
    "procure": End("", name="process"),
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
