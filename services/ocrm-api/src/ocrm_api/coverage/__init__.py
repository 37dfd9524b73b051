"""Coverage: which branch and manager leads or assists, and why."""
