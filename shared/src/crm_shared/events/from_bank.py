"""What the core bank sends between two nights: alerting reads it, the simulated bank writes it."""

from crm_shared.events import cards, customers, loans, tickets, transactions

#: The topics; of each, `crm_shared.contracts` names the messages.
TOPICS = (transactions.TOPIC, loans.TOPIC, cards.TOPIC, customers.TOPIC, tickets.TOPIC)
