"""Apache Kafka itself, in KRaft mode on loopback, for tests against the real broker."""
