"""The catalog: every source and destination by the name that `type:` uses, imported only when used.

A connector is a settings model and a class built as `Class(settings, context)`, each written here as
`module:name`. Other people's connectors come from the entry-point group `isthmus.connectors`: each entry
point is a `ConnectorType` (or a list of them). They cannot replace a connector of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from engine.connectors.plugins import GROUP, types_of
from engine.ports.catalog import Catalog, ConnectorType
from engine.ports.connector import ConnectorContext

_HERE = "engine.connectors"


def _object(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(f"{_HERE}.{module}"), name)


def _entry(
    direction: Literal["source", "destination"], name: str, title: str, settings: str, maker: str, **facts: Any
) -> ConnectorType:
    def build(values: Any, context: ConnectorContext) -> Any:
        return _object(maker)(values, context)

    return ConnectorType(
        name=name, direction=direction, title=title, load=lambda: _object(settings), build=build, **facts
    )


def _listen(settings: Any) -> list[str]:
    return [settings.listen]


_DOCUMENT = frozenset({"document"})

BUILT_IN: tuple[ConnectorType, ...] = (
    _entry(
        "source",
        "hl7v2_mllp",
        "HL7 v2 messages over MLLP",
        "hl7v2_mllp.settings:MllpSourceSettings",
        "hl7v2_mllp.source:MllpSource",
        format="hl7v2",
        listens=_listen,
    ),
    _entry(
        "destination",
        "hl7v2_mllp",
        "HL7 v2 messages over MLLP",
        "hl7v2_mllp.settings:MllpDestinationSettings",
        "hl7v2_mllp.destination:MllpDestination",
        takes=frozenset({"message"}),
    ),
    _entry("source", "file", "Files in a folder", "file.settings:FileSourceSettings", "file.source:FileSource"),
    _entry(
        "destination",
        "file",
        "Files in a folder",
        "file.settings:FileDestinationSettings",
        "file.destination:FileDestination",
    ),
    _entry(
        "source",
        "sftp",
        "Files in a folder of an SFTP server",
        "sftp.settings:SftpSourceSettings",
        "sftp.source:SftpSource",
    ),
    _entry(
        "destination",
        "sftp",
        "Files in a folder of an SFTP server",
        "sftp.settings:SftpDestinationSettings",
        "sftp.destination:SftpDestination",
    ),
    _entry(
        "source",
        "ftps",
        "Files in a folder of an FTP server, under TLS",
        "ftps.settings:FtpsSourceSettings",
        "ftps.source:FtpsSource",
    ),
    _entry(
        "destination",
        "ftps",
        "Files in a folder of an FTP server, under TLS",
        "ftps.settings:FtpsDestinationSettings",
        "ftps.destination:FtpsDestination",
    ),
    _entry("source", "s3", "Objects of an S3 bucket", "s3.settings:S3SourceSettings", "s3.source:S3Source"),
    _entry(
        "destination",
        "s3",
        "Objects of an S3 bucket",
        "s3.settings:S3DestinationSettings",
        "s3.destination:S3Destination",
    ),
    _entry(
        "source",
        "http",
        "HTTP requests",
        "http.settings:WebhookDoorSettings",
        "http.source:HttpSource",
        format="json",
        listens=_listen,
    ),
    _entry(
        "destination",
        "http",
        "HTTP requests",
        "http.settings:HttpDestinationSettings",
        "http.destination:HttpDestination",
    ),
    _entry(
        "source",
        "http_poll",
        "Answers of an HTTP server that is asked by the clock",
        "poll.settings:HttpPollSettings",
        "poll.source:HttpPollSource",
        format="json",
    ),
    _entry(
        "destination",
        "webhook",
        "Signed webhooks",
        "webhook.settings:WebhookDestinationSettings",
        "webhook.destination:WebhookDestination",
    ),
    _entry(
        "source",
        "fhir",
        "FHIR resources over REST",
        "fhir.settings:FhirSourceSettings",
        "fhir.source:FhirSource",
        format="json",
        listens=_listen,
    ),
    _entry(
        "source",
        "fhir_poll",
        "Changes at a FHIR server, asked for",
        "fhir.settings:FhirPollSettings",
        "fhir.poll:FhirPoll",
        format="fhir",
    ),
    _entry(
        "source",
        "fhir_subscription",
        "Changes at a FHIR server, told by it",
        "fhir.settings:FhirSubscriptionSettings",
        "fhir.subscription:FhirSubscription",
        format="fhir",
        listens=_listen,
    ),
    _entry(
        "destination",
        "fhir",
        "FHIR resources over REST",
        "fhir.settings:FhirDestinationSettings",
        "fhir.destination:FhirDestination",
        takes=frozenset({"message"}),
    ),
    _entry(
        "source",
        "soap",
        "SOAP calls",
        "soap.settings:SoapSourceSettings",
        "soap.source:SoapSource",
        format="xml",
        listens=_listen,
    ),
    _entry(
        "destination",
        "soap",
        "SOAP calls",
        "soap.settings:SoapDestinationSettings",
        "soap.destination:SoapDestination",
    ),
    _entry(
        "source",
        "as2",
        "AS2 messages, answered by receipts",
        "as2.settings:As2SourceSettings",
        "as2.source:As2Source",
        listens=_listen,
    ),
    _entry(
        "destination",
        "as2",
        "AS2 messages, confirmed by receipts",
        "as2.settings:As2DestinationSettings",
        "as2.destination:As2Destination",
    ),
    _entry(
        "source", "channel", "Messages from other channels", "channel:ChannelSourceSettings", "channel:ChannelSource"
    ),
    _entry(
        "destination",
        "channel",
        "Another channel's door",
        "channel:ChannelDestinationSettings",
        "channel:ChannelDestination",
    ),
    _entry(
        "source",
        "schedule",
        "A clock: cron or interval",
        "schedule:ScheduleSourceSettings",
        "schedule:ScheduleSource",
        format="json",
    ),
    _entry(
        "source",
        "payment_run",
        "What is to be paid, on the days of a timetable",
        "payment_run:PaymentRunSettings",
        "payment_run:PaymentRunSource",
        format="json",
    ),
    _entry(
        "source",
        "events",
        "What happens in other channels, as CloudEvents",
        "events.settings:EventsSourceSettings",
        "events.source:EventsSource",
        format="json",
    ),
    _entry(
        "source",
        "window",
        "Sums of what other channels made in a stretch of time",
        "window.settings:WindowSourceSettings",
        "window.source:WindowSource",
        format="json",
    ),
    _entry(
        "source",
        "erp_orders",
        "New purchase orders of an ERP",
        "erp_orders:ErpOrdersSettings",
        "erp_orders:ErpOrdersSource",
        format="json",
    ),
    _entry(
        "source",
        "erp_documents",
        "Receipts, payments' states, suppliers and items of an ERP",
        "erp_documents:ErpDocumentsSettings",
        "erp_documents:ErpDocumentsSource",
        format="json",
    ),
    _entry(
        "source",
        "erp_reconciliation",
        "Differences between our books and an ERP's",
        "erp_reconciliation:ErpReconciliationSettings",
        "erp_reconciliation:ErpReconciliationSource",
        format="json",
    ),
    _entry(
        "destination",
        "erp",
        "Documents into an ERP",
        "erp:ErpSettings",
        "erp:ErpDestination",
        takes=_DOCUMENT,
    ),
    _entry(
        "source", "sql", "Rows of a database", "sql.settings:SqlSourceSettings", "sql.source:SqlSource", format="json"
    ),
    _entry(
        "destination",
        "sql",
        "Rows of a database",
        "sql.settings:SqlDestinationSettings",
        "sql.destination:SqlDestination",
    ),
    _entry(
        "source",
        "nats",
        "Messages of a NATS JetStream stream",
        "brokers.nats.settings:NatsSourceSettings",
        "brokers.nats.source:NatsSource",
    ),
    _entry(
        "destination",
        "nats",
        "Messages into a NATS JetStream stream",
        "brokers.nats.settings:NatsDestinationSettings",
        "brokers.nats.destination:NatsDestination",
    ),
    _entry(
        "source",
        "imap",
        "Mails of a mailbox",
        "mail.settings:ImapSourceSettings",
        "mail.source:ImapSource",
    ),
    _entry(
        "destination",
        "smtp",
        "Mails through a relay",
        "mail.settings:SmtpDestinationSettings",
        "mail.destination:SmtpDestination",
    ),
    _entry(
        "source",
        "rabbitmq",
        "Messages of a RabbitMQ queue",
        "brokers.rabbitmq.settings:RabbitMqSourceSettings",
        "brokers.rabbitmq.source:RabbitMqSource",
    ),
    _entry(
        "destination",
        "rabbitmq",
        "Messages into RabbitMQ",
        "brokers.rabbitmq.settings:RabbitMqDestinationSettings",
        "brokers.rabbitmq.destination:RabbitMqDestination",
    ),
    _entry(
        "source",
        "redis",
        "Entries of a Redis stream",
        "brokers.redis.settings:RedisSourceSettings",
        "brokers.redis.source:RedisSource",
    ),
    _entry(
        "destination",
        "redis",
        "Entries of a Redis stream",
        "brokers.redis.settings:RedisDestinationSettings",
        "brokers.redis.destination:RedisDestination",
    ),
    _entry(
        "source",
        "kafka",
        "Records of Kafka topics",
        "brokers.kafka.settings:KafkaSourceSettings",
        "brokers.kafka.source:KafkaSource",
    ),
    _entry(
        "destination",
        "kafka",
        "Records into a Kafka topic",
        "brokers.kafka.settings:KafkaDestinationSettings",
        "brokers.kafka.destination:KafkaDestination",
    ),
    _entry(
        "source",
        "procure",
        "Commands of the procure-to-pay process",
        "procure:ProcureSourceSettings",
        "procure:ProcureSource",
        format="json",
    ),
    _entry(
        "destination",
        "procure",
        "The procure-to-pay process",
        "procure:ProcureDestinationSettings",
        "procure:ProcureDestination",
        takes=_DOCUMENT,
    ),
)


def load_catalog(plugins: Iterable[EntryPoint] | None = None) -> Catalog:
    """Ours and the installed ones. A plugin that cannot be loaded is listed and says why when it is used."""
    found = entry_points(group=GROUP) if plugins is None else plugins
    types = [*(one for plugin in found for one in types_of(plugin)), *BUILT_IN]
    return Catalog(
        sources={one.name: one for one in types if one.direction == "source"},
        destinations={one.name: one for one in types if one.direction == "destination"},
    )


CATALOG = load_catalog()
