"""What the coverage endpoints answer."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

CoverageRule = Literal["locked", "loan", "loan_settled", "card", "deposit", "registered"]


class CoverageRow(BaseModel):
    """A branch and a manager who lead or assist the customer."""

    branch_id: str = Field(examples=["B0101"])
    role: Literal["lead", "assist"]
    manager_id: str = Field(examples=["E000123"], description="`V:…` is a virtual manager.")
    rule: str | None = Field(
        examples=["deposit"],
        description="Null on an assist row: why another leads speaks of the whole union.",
    )


class CoverageDecision(BaseModel):
    """Why the lead is the lead: the rule that matched first and the values it saw."""

    rule: CoverageRule
    rule_version: int = Field(examples=[1])
    lead_branch_id: str = Field(examples=["B0101"])
    lead_manager_id: str = Field(examples=["E000123"])
    previous_lead_branch_id: str | None
    moved: bool
    inputs: dict[str, Any]
    why: str = Field(examples=["本机构近 30 日日均存款最高。"])


class CustomerCoverage(BaseModel):
    """Who covers a customer. The decision is for the lead's side; it speaks of the whole union."""

    customer_id: int = Field(examples=[4711])
    business_date: date
    lead_branch_id: str | None = Field(examples=["B0101"])
    covering_branch_ids: list[str]
    items: list[CoverageRow] = Field(description="The rows of the viewer's branches.")
    decision: CoverageDecision | None


class ManagerCount(BaseModel):
    """How many customers a manager of the branch has."""

    manager_id: str = Field(examples=["E000123"])
    name: str | None
    lead_customers: int
    assist_customers: int
    key_customers: int


class BranchCoverage(BaseModel):
    """Portfolios of a branch, the virtual manager's included."""

    branch_id: str = Field(examples=["B0101"])
    business_date: date
    items: list[ManagerCount]
