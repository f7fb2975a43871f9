"""Kafka: topics read as a member of a consumer group, a topic written to.

The client is librdkafka's. It is tested against the cluster that library has for tests, and behind a listener with
TLS, client certificates, PLAIN and SCRAM that only the tests have; no package of a broker by others could be had.
"""
