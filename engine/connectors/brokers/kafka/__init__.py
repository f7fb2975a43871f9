"""Kafka: topics read as a member of a consumer group, a topic written to."""
