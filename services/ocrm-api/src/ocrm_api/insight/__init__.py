"""Insight: the 360 view, indicators and their dictionary."""
