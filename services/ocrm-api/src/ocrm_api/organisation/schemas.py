"""What the organisation's endpoints answer."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

OrgType = Literal["union", "legal_entity", "branch"]


class OrgUnit(BaseModel):
    """An organisation unit and the units below it."""

    org_id: str = Field(examples=["B0101"])
    parent_id: str | None = Field(examples=["L01"])
    org_type: OrgType
    name_zh: str = Field(examples=["城关支行"])
    name_en: str = Field(examples=["Chengguan Branch"])
    region: str | None = None
    children: list["OrgUnit"] = []


class OrgTree(BaseModel):
    """The whole organisation on the business date."""

    business_date: date
    items: list[OrgUnit] = Field(description="The roots: one union, normally.")


class RoleHeld(BaseModel):
    """A role and where it is held."""

    role: str = Field(examples=["relationship_manager"])
    org_id: str = Field(examples=["B0101"])


class Employee(BaseModel):
    """An employee and the roles in force."""

    employee_id: str = Field(examples=["E000123"])
    name: str = Field(examples=["陈小明"])
    home_org_id: str = Field(examples=["B0101"])
    roles: list[RoleHeld]


class Me(BaseModel):
    """The viewer: who, which roles, which permissions and where they hold."""

    login: str = Field(examples=["manager"])
    employee_id: str = Field(examples=["E000123"])
    name: str | None = Field(examples=["陈小明"])
    business_date: date | None
    roles: list[RoleHeld]
    permissions: dict[str, list[str]] = Field(
        description="Every permission, with the branches in which it holds.",
        examples=[{"customers.read": ["B0101"]}],
    )
