"""Reminders from events, as they happen."""
