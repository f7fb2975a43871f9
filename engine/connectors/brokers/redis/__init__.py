"""Redis streams: a consumer group of a stream as a source, a stream as a destination."""
