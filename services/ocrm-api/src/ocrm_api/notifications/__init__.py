"""Employees are notified of reminders: at once of what is urgent, of the others in a digest."""
