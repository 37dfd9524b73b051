"""Rules are changed by two people: drafted by one, approved by another, never overwritten."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import jsonschema
import psycopg
import pytest
from typer.testing import CliRunner

from alerting import drafts, parameters, ruleset
from alerting.cli_rules import app, changed, instant
from alerting.drafts import DraftRefusedError, Version
from alerting.parameters import ParametersRefusedError
from alerting.retention import RetentionTooShortError
from alerting.rules import RULES
from alerting.settings import AlertingSettings
from crm_shared import clock
from crm_shared.errors import UsageError

INFLOW = "R01.LARGE_INFLOW"
FREQUENT = "R01.FREQUENT_TRANSFERS_OUT"
LOWER = {"movement.individual_min_amount": "300000.00"}


@pytest.fixture(autouse=True)
def no_open_drafts(connection: psycopg.Connection) -> Iterator[None]:
    yield
    for one in drafts.open_drafts(connection):
        drafts.reject(connection, one.draft_id, checker="cleaner", reason="end of the test")
    connection.commit()


def _draft(
    connection: psycopg.Connection, settings: AlertingSettings, code: str, **changes: str
) -> int:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return drafts.draft(
        connection, code, named or LOWER, maker="Lin", reason="too few", settings=settings
    )


def _approve(
    connection: psycopg.Connection,
    settings: AlertingSettings,
    number: int,
    checker: str,
    at: datetime | None = None,
) -> Version:
    return drafts.approve(
        connection, number, checker=checker, at=at, settings=settings, untested=True
    )


def test_a_draft_changes_nothing_until_another_person_approves_it(
    connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    number = _draft(connection, settings, INFLOW)
    assert ruleset.load(connection).parameters()["movement.individual_min_amount"] == "500000.00"
    with pytest.raises(DraftRefusedError, match="ask a colleague"):
        _approve(connection, settings, number, " lin ")
    made = drafts.approve(
        connection, number, checker="Chen", at=None, settings=settings, untested=True
    )
    (rule,) = (one for one in ruleset.load(connection).rules if one.rule.code == INFLOW)
    assert (rule.version, made.version) == (2, 2)
    assert rule.parameters["movement.individual_min_amount"] == Decimal("300000.00")
    assert rule.parameters["movement.business_min_amount"] == Decimal("5000000.00")
    last = drafts.versions(connection, INFLOW)[-1]
    assert (last.maker, last.checker, last.reason) == ("Lin", "Chen", "too few")
    with pytest.raises(DraftRefusedError, match="was approved by Chen"):
        drafts.approve(
            connection, number, checker="Wang", at=None, settings=settings, untested=True
        )


def test_a_version_approved_for_later_waits_for_its_time(
    connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    number = _draft(connection, settings, FREQUENT, frequent_transfers__min_count="7")
    drafts.approve(
        connection, number, checker="Chen", at=tomorrow, settings=settings, untested=True
    )
    assert ruleset.load(connection).parameters()["frequent_transfers.min_count"] == "5"
    sooner = _draft(connection, settings, FREQUENT, frequent_transfers__min_count="8")
    with pytest.raises(DraftRefusedError, match="comes into force at"):
        drafts.approve(
            connection, sooner, checker="Chen", at=None, settings=settings, untested=True
        )


def test_one_draft_of_a_rule_at_a_time(
    connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    _draft(connection, settings, "R01.LARGE_OUTFLOW")
    with pytest.raises(DraftRefusedError, match="waits already"):
        _draft(connection, settings, "R01.LARGE_OUTFLOW")


def test_a_draft_of_an_older_version_is_not_approved(
    connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    code = "R01.LARGE_CARD_SPEND"
    number = _draft(connection, settings, code, card_spend__min_amount="9.00")
    connection.execute(
        "insert into alerting.rules (code, version, parameters, effective_from)"
        " select code, 2, parameters, now() from alerting.rules where code = %s",
        (code,),
    )
    connection.commit()
    with pytest.raises(DraftRefusedError, match="draft anew"):
        drafts.approve(connection, number, checker="Chen", at=None, settings=settings)


def test_a_version_is_never_changed(connection: psycopg.Connection) -> None:
    for statement in ("update alerting.rules set parameters = '{}'", "delete from alerting.rules"):
        with pytest.raises(psycopg.errors.RaiseException, match="draft a new one"):
            connection.execute(statement)
        connection.rollback()


@pytest.mark.parametrize(
    ("code", "changes", "what"),
    [(FREQUENT, {"frequent_transfers.window_hours": "24.0"}, "says already"),
     (INFLOW, {"movement.individual_min": "5"}, "unknown here"),
     (INFLOW, {"movement.individual_min_amount": "1.005"}, "decimal places"),
     (INFLOW, {"movement.currency": "yuan"}, "movement.currency"),
     (FREQUENT, {"frequent_transfers.min_count": "2.5"}, "valid integer"),
     ("R01.ACCOUNT_CLOSED", {"movement.currency": "CNY"}, "unknown here"),
     ("R09.UNKNOWN", {}, "There is no rule R09.UNKNOWN")],
)  # fmt: skip
def test_a_draft_that_the_rule_does_not_take_says_why(
    connection: psycopg.Connection,
    settings: AlertingSettings,
    code: str,
    changes: dict[str, str],
    what: str,
) -> None:
    with pytest.raises((DraftRefusedError, ParametersRefusedError), match=what):
        drafts.draft(connection, code, changes, maker="Lin", reason="why", settings=settings)


def test_a_window_longer_than_the_transfers_are_kept_is_no_draft(
    connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    with pytest.raises(RetentionTooShortError, match="ALERTING_RETENTION_DAYS"):
        _draft(connection, settings, FREQUENT, frequent_transfers__window_hours="900")


@pytest.mark.parametrize("code", RULES)
def test_the_published_schema_and_the_program_take_the_same(
    connection: psycopg.Connection, code: str
) -> None:
    stored = drafts.versions(connection, code)[0].parameters
    schema = parameters.schema(code)
    jsonschema.Draft202012Validator.check_schema(schema)
    as_numbers = {
        name: int(value) if name == "frequent_transfers.min_count" else value
        for name, value in stored.items()
    }
    jsonschema.validate(as_numbers, schema)
    parameters.parse(code, stored)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"unknown": 1}, schema)


def test_the_commands_lead_from_a_draft_to_a_version(
    alerting_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)

    def said(*words: str) -> str:
        done = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    words = ["movement.business_min_amount=4000000.00", "--by", "Lin", "--reason", "more"]
    waiting = said("draft", "R01.LARGE_OUTFLOW", *words).split()[1]
    assert "movement.business_min_amount: 5000000.00 -> 4000000.00" in said("drafts")
    with pytest.raises(DraftRefusedError, match="Nobody has tried draft"):
        said("approve", waiting, "--by", "Chen")
    approving = ["approve", waiting, "--by", "Chen", "--untested"]
    with pytest.raises(DraftRefusedError, match="2026-06-30T16:00:00Z has passed"):
        said(*approving, "--at", "2026-07-01T00:00:00+08:00")
    said(*approving)
    assert re.search("Lin +Chen +more +none ", said("show", "R01.LARGE_OUTFLOW"))
    last = json.loads(said("show", "R01.LARGE_OUTFLOW", "--json"))[-1]
    assert (last["checker"], last["backtest"]) == ("Chen", None)
    assert "4000000.00" in said()
    assert json.loads(said("schema", INFLOW))["additionalProperties"] is False


@pytest.mark.parametrize("said", ["tomorrow", "2026-07-02", "2026-07-02T08:00:00"])
def test_a_time_without_an_offset_is_no_instant(said: str) -> None:
    with pytest.raises(UsageError, match="offset"):
        instant(said)


@pytest.mark.parametrize("said", ["5", "=5"])
def test_a_change_names_its_parameter(said: str) -> None:
    with pytest.raises(UsageError, match="CODE=VALUE"):
        changed([said])
