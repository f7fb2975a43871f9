"""RabbitMQ over AMQP 0-9-1: a queue as a source, an exchange or a queue as a destination.

A queue that `declare: true` makes is a quorum queue unless `queue_type` says `classic`:

- `quorum` is kept by most of the servers before a message counts as taken, so that one lost disk loses nothing. It
  counts deliveries, so a message that always fails is refused after `max_deliveries`. It needs three servers to
  outlive one, and after a hard end of a single server it waits until that server knows itself again.
- `classic` is on one server's disk. It tells that a message was delivered before, not how often, so `max_deliveries`
  has no effect on it. Take it for a single server, or where the owner of the broker runs no quorum queues.

The kind of a queue that is there cannot be changed: with another `queue_type` than it has, `declare` is refused with
its remedy. Leave `declare` out to read or write whatever is there.
"""
