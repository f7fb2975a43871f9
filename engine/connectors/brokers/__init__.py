"""Message brokers: NATS JetStream, RabbitMQ, Kafka and Redis streams, each as a source and as a destination.

A source is a member of a group (durable consumer, queue, consumer group): several engines share its messages, and
a message is acknowledged to the broker only when it is safe in the journal.

    source:
      type: nats
      servers: [nats.harbor.example:4222]
      user: isthmus
      password: env:NATS_PASSWORD
      tls: {ca: config/harbor_ca.pem}
      stream: SUPPLY
      durable: isthmus
      dead_letter: refused.supply

A destination waits until the broker has confirmed that it keeps the message:

    destinations:
      - name: invoice_status
        type: rabbitmq
        send: message
        connection: rabbit              # of config/connections.yaml, type: rabbitmq
        exchange: finance
        routing_key: "invoice.{order_key}"
        order_by: invoice_number

Streams, queues and topics are never made silently: `declare: true` makes them, durable; else a missing one is an
error that says so. What is common stands in `settings`, `shared`, `taking`, `source` and `destination`, what a
broker has of its own in a package of its name.
"""
