"""Benchmarks that need more than one service: they start real servers and run the real commands."""
