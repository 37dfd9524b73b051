"""Reminders: their intake, life cycle, texts, lists and stream."""
