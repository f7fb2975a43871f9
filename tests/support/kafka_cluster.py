"""A Kafka cluster as librdkafka has it for tests: it speaks the protocol on loopback, and forgets all at its end."""

from __future__ import annotations

import functools

from confluent_kafka import Consumer, Producer, TopicPartition


class KafkaCluster:
    """One broker. Topics are made by `topic`, with four partitions."""

    def __init__(self) -> None:
        self._owner = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        broker = next(iter(self._owner.list_topics(timeout=10).brokers.values()))
        self.port = int(broker.port)
        self.servers = f"127.0.0.1:{self.port}"

    def topic(self, name: str) -> None:
        self._owner.list_topics(name, timeout=10)

    def put(self, topic: str, body: bytes, partition: int = 0, **facts: str) -> int:
        """Its offset."""
        offsets: list[int] = []
        producer = Producer({"bootstrap.servers": self.servers, "log_level": 0})
        producer.produce(
            topic,
            body,
            partition=partition,
            headers=[*facts.items()],
            on_delivery=lambda e, m: offsets.append(m.offset()),
        )
        producer.flush(10)
        producer.close()
        return offsets[0]

    def committed(self, group: str, topic: str, partition: int = 0) -> int:
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": group, "log_level": 0})
        found = consumer.committed([TopicPartition(topic, partition)], timeout=10)[0].offset
        consumer.close()
        return int(found)

    def end(self, topic: str, partition: int = 0) -> int:
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": "looking", "log_level": 0})
        _, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        consumer.close()
        return int(high)

    def bodies(self, topic: str) -> list[bytes]:
        return [body for partition in range(4) for body in self._bodies(topic, partition)]

    def _bodies(self, topic: str, partition: int) -> list[bytes]:
        count, found = self.end(topic, partition), []
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": "looking", "log_level": 0})
        consumer.assign([TopicPartition(topic, partition, 0)])
        while len(found) < count:
            message = consumer.poll(5)
            assert message is not None
            found.append(message.value() or b"")
        consumer.close()
        return found


@functools.cache
def kafka_cluster() -> KafkaCluster:
    """The one of this process."""
    return KafkaCluster()
