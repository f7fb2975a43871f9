"""NATS with JetStream: a durable consumer of a stream as a source, a stream's subject as a destination."""
