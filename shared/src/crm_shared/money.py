"""Money: `Decimal` with two places and a currency, never a float."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated

from pydantic import Field

from crm_shared.errors import UsageError

CENT = Decimal("0.01")

#: The SQL type of every amount: 18 digits, two of them after the point.
SQL_TYPE = "DECIMAL(18,2)"

#: An amount in a message or an API body: at most 18 digits, two places.
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=2, examples=["1250.00"])]


def to_cents(amount: Decimal) -> Decimal:
    """Round to the cent, half to even, the way interest is booked."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def parse(text: str) -> Decimal:
    """Read an amount a person typed; raises `UsageError` unless it is a number of whole cents."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise UsageError(f"{text!r} is not an amount; write it like 1250.00.") from None
    if not amount.is_finite() or amount != to_cents(amount):
        raise UsageError(f"{text!r} is not a whole number of cents; write it like 1250.00.")
    return to_cents(amount)
