"""The day list of a manager: his open reminders by customer, the most worthwhile first."""
