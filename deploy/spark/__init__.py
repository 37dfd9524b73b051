"""Apache Spark on this machine: PySpark's own files as a standalone cluster on loopback."""
