"""Money: `Decimal` with two places and a currency, never a float."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

#: The least amount there is.
CENT = Decimal("0.01")

#: An amount in a message or an API body: at most 18 digits, two places.
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=2, examples=["1250.00"])]
