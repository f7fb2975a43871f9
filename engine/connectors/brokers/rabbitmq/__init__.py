"""RabbitMQ over AMQP 0-9-1: a queue as a source, an exchange or a queue as a destination."""
