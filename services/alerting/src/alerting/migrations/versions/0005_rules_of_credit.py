"""Rules of cards, loans, key data and the lobby, with the defaults of docs/rules.md."""

from alembic import op

revision = "0005"
down_revision = "0004"

_RULES = """
insert into alerting.rules (code, version, parameters, effective_from) values
('R01.LARGE_CARD_SPEND', 1, '{"card_spend.min_amount": "50000.00"}', '1900-01-01T00:00:00Z'),
('R03.ARREARS', 1, '{}', '1900-01-01T00:00:00Z'),
('R03.OVERDUE', 1, '{}', '1900-01-01T00:00:00Z'),
('R03.DOWNGRADE', 1, '{}', '1900-01-01T00:00:00Z'),
('R03.CARD_OVERDUE', 1, '{}', '1900-01-01T00:00:00Z'),
('R03.KEY_DATA_CHANGED', 1, '{}', '1900-01-01T00:00:00Z'),
('R05.LOBBY_ARRIVAL', 1, '{}', '1900-01-01T00:00:00Z')
"""


def upgrade() -> None:
    """Put the rules in force in their first version."""
    op.execute(_RULES)
