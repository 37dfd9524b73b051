"""Real PostgreSQL, Redis and a Kafka-protocol broker on this machine, without Docker."""
