"""What the insight endpoints answer."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from crm_shared.money import Amount
from ocrm_api.coverage.schemas import CoverageRow
from ocrm_api.customers.schemas import Customer

Values = dict[str, Any]


class IndicatorValues(BaseModel):
    """Indicators by code: of the whole union (`branch_id` null) or of one branch.

    Of a code that is missing, money and counts are 0, anything else is not known.
    """

    branch_id: str | None = Field(examples=["B0101"])
    values: Values = Field(examples=[{"DEP_BAL": "125000.00"}])


class Holding(BaseModel):
    """A deposit account, loan, card or wealth product."""

    kind: str = Field(examples=["deposit"])
    holding_id: int = Field(examples=[90001])
    branch_id: str = Field(examples=["B0101"])
    product: str = Field(examples=["demand"])
    currency: str = Field(examples=["CNY"])
    balance: Amount | None
    opened_on: date
    matures_on: date | None
    status: str = Field(examples=["open"])
    details: dict[str, Any]


class Profile(BaseModel):
    """The 360 view, at the amounts the viewer may see."""

    customer: Customer
    amounts: Literal["union", "branch"]
    lead_branch_id: str | None
    coverage: list[CoverageRow]
    holdings: list[Holding]
    holdings_truncated: bool = Field(description="Only the first 500 are in the answer.")
    indicators: list[IndicatorValues]
    tags: list[str] = Field(description="For the lead's side only.")
    open_reminders: list[dict[str, Any]]


class IndicatorDay(BaseModel):
    """The indicators of one business date."""

    business_date: date
    indicators: list[IndicatorValues]


class IndicatorHistory(BaseModel):
    """Indicators over the business dates that are kept, newest first."""

    customer_id: int = Field(examples=[4711])
    items: list[IndicatorDay]


class DictionaryEntry(BaseModel):
    """An indicator or a tag of the catalogue that made the business date."""

    code: str = Field(examples=["DEP_BAL"])
    kind: str = Field(examples=["indicator"])
    class_: str | None = Field(alias="class", examples=["I01"])
    grain: str = Field(examples=["customer"])
    name_zh: str = Field(examples=["存款余额"])
    name_en: str = Field(examples=["Deposit balance"])
    formula_zh: str = Field(
        description="Formula or rule in words.", examples=["未销户存款账户的日终余额之和。"]
    )
    formula_en: str = Field(examples=["Sum of the end-of-day balances of the open accounts."])
    expression: str = Field(description="The same as SQL.", examples=["sum(dep_bal)"])
    unit: str | None = Field(examples=["CNY"])
    additive: bool
    owner: str
    model: str
    inputs: list[str] = Field(
        description="Landing columns that it is made of.", examples=[["loans.status"]]
    )
    version: int


class BranchIndicators(BaseModel):
    """Indicators of a branch."""

    branch_id: str = Field(examples=["B0101"])
    business_date: date
    values: Values
