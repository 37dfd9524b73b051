"""The contracts between the services of Tulou CRM, and the few things two of them need."""
