"""What commands print for people."""

from datetime import datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from crm_shared import plain


def test_columns_stand_below_each_other_numbers_to_the_right() -> None:
    rows = [("R01.LARGE_INFLOW", 7, None, "long ago"), ("R03", 1_000, 2.5, "")]
    assert list(plain.aligned(("rule", "raised", "share", "when"), rows)) == [
        "rule              raised  share  when",
        "R01.LARGE_INFLOW       7      -  long ago",
        "R03                 1000    2.5  -",
    ]
    assert list(plain.aligned(("rule",), [])) == []


def test_columns_stand_below_each_other_behind_chinese_and_what_is_true_or_not_is_said() -> None:
    rows = [("大额资金流入", True, 1), ("Cafe\u0301", False, 20)]
    assert list(plain.aligned(("规则", "told", "n"), rows)) == [
        "规则          told   n",
        "大额资金流入  yes    1",
        "Cafe\u0301          no    20",
    ]


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 reminders"), (1, "1 reminder"), (1_000, "1,000 reminders")]
)
def test_one_is_not_several(number: int, told: str) -> None:
    assert plain.counted(number, "reminder") == told
    assert plain.counted(number, "reminder", "of them").startswith(f"{number:,} ")


def test_an_instant_is_told_in_utc_wherever_it_was_taken() -> None:
    at = datetime(2026, 7, 1, 10, 0, 0, 999, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert plain.instant(at) == "2026-07-01T02:00:00Z"


def test_a_fault_is_told_without_the_words_of_a_validator() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")
        amount: int
        count: int

    with pytest.raises(ValidationError) as raised:
        Strict.model_validate({"amunt": 1, "count": "x"})
    found = {one["loc"]: plain.fault(one) for one in raised.value.errors()}
    assert found[("amount",)] == "missing"
    assert found[("amunt",)] == "unknown here"
    assert "valid integer" in found[("count",)]


class Raised(BaseModel):
    type: Literal["raised"]
    amount: int

    @field_validator("amount")
    @classmethod
    def _is_positive(cls, amount: int) -> int:
        if amount <= 0:
            raise ValueError("it should be above zero")
        return amount


class Withdrawn(BaseModel):
    type: Literal["withdrawn"]
    reason: str

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        raise ValueError("nothing is withdrawn")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("{", "the message: no JSON in UTF-8, or nests too deeply"),
        ("[]", "the message: it should be an object"),
        ("{}", "type: missing"),
        ('{"type": "4711"}', "type: it should be one of raised, withdrawn"),
        ('{"type": "raised"}', "amount: missing"),
        ('{"type": "raised", "amount": 0}', "amount: it should be above zero"),
        ('{"type": "withdrawn", "reason": ""}', "the message: nothing is withdrawn"),
    ],
)
def test_what_is_wrong_with_a_message_is_told_with_its_field(message: str, told: str) -> None:
    adapter: TypeAdapter[Raised | Withdrawn] = TypeAdapter(
        Annotated[Raised | Withdrawn, Field(discriminator="type")]
    )
    with pytest.raises(ValidationError) as raised:
        adapter.validate_json(message)
    assert plain.faults(raised.value.errors(include_input=False), "the message") == told
