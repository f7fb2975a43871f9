"""Messages of a protocol to canonical documents and back: the one place that knows both."""
