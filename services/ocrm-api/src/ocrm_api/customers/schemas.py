"""Requests and answers about customers."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from crm_shared.money import Amount

CustomerType = Literal["individual", "business", "group"]
CoverageRole = Literal["lead", "assist"]
Portfolio = Literal["mine", "branch"]
CustomerSort = Literal["-deposit_balance", "deposit_balance", "customer_id", "-customer_id"]
PersonalField = Literal["phone", "document_no", "address", "birth_date", "legal_representative"]
Purpose = Literal["service", "marketing_contact", "verification", "complaint", "audit"]


class CustomerItem(BaseModel):
    """A customer in a list, at the amounts the viewer may see."""

    customer_id: int = Field(examples=[4711])
    customer_type: CustomerType
    name: str | None = Field(examples=["王丽"])
    phone_masked: str | None = Field(examples=["199****8123"])
    role: CoverageRole = Field(description="Whether the viewer's side leads or assists.")
    manager_id: str = Field(examples=["E000123"])
    lead_branch_id: str = Field(examples=["B0101"])
    is_key_customer: bool | None = Field(
        description="Null where the viewer assists: it follows from the amounts of the union."
    )
    deposit_balance: Amount
    loan_balance: Amount
    amounts: Literal["union", "branch"] = Field(
        description="Whose amounts these are: of the whole union where the viewer's branch leads,"
        " else of the viewer's own branches."
    )


class CustomerSearch(BaseModel):
    """Conditions that do not belong into a URL. All given ones must hold."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name_prefix": "王", "portfolio": "branch"}]},
    )

    portfolio: Portfolio = "branch"
    role: CoverageRole | None = None
    phone: Annotated[str, Field(min_length=5, max_length=32)] | None = Field(
        default=None, description="The whole number."
    )
    document_no: Annotated[str, Field(min_length=4, max_length=32)] | None = Field(
        default=None, description="The whole number."
    )
    name_prefix: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    sort: CustomerSort = "-deposit_balance"
    limit: int = Field(default=50, ge=1, le=200)
    cursor: Annotated[str, Field(max_length=2000)] | None = None


class Customer(BaseModel):
    """One customer, personal data masked."""

    customer_id: int = Field(examples=[4711])
    business_date: date
    customer_type: CustomerType
    name: str | None = Field(examples=["王丽"])
    document_type: str | None = Field(examples=["id_card"])
    document_masked: str | None = Field(examples=["350***********1234"])
    document_expires_on: date | None
    phone_masked: str | None = Field(examples=["199****8123"])
    sex: Literal["female", "male"] | None
    birth_year: int | None = Field(examples=[1988])
    occupation: str | None
    education: str | None
    marital_status: str | None
    region: str | None
    industry: str | None
    company_size: str | None
    founded_on: date | None
    risk_profile: str | None = Field(examples=["R2"])
    risk_profile_expires_on: date | None
    status: Literal["active", "invalid"]
    home_branch_id: str = Field(examples=["B0101"])
    customer_since: date
    covering_branch_ids: list[str]


class RevealRequest(BaseModel):
    """Which personal data, and what for. Both are audited."""

    model_config = ConfigDict(extra="forbid")

    fields: list[PersonalField] = Field(min_length=1, max_length=5, examples=[["phone"]])
    purpose: Purpose = Field(examples=["service"])
    note: str | None = Field(default=None, max_length=200)


class Revealed(BaseModel):
    """Personal data in the clear; not to be stored."""

    customer_id: int = Field(examples=[4711])
    fields: dict[PersonalField, str | None] = Field(examples=[{"phone": "19900008123"}])
    remaining_today: int = Field(examples=[49])
