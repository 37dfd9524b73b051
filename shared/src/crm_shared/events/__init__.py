"""Kafka messages, one module per topic; versioned, and readable by consumers one version behind."""
