"""Customers: lists, search, one customer, and the reveal of personal data."""
