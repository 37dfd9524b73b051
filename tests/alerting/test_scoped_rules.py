"""Parameters by legal entity and tier: drafted by one, approved by another, tried and explained."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import jsonschema
import psycopg
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from alerting import drafts, ledger, parameters, replay, ruleset, scopes
from alerting.cli import app
from alerting.drafts import DraftRefusedError
from alerting.parameters import ParametersRefusedError
from alerting.retention import RetentionTooShortError
from alerting.rules.movements import moves_funds
from alerting.scopes import PublishedUnreadableError, ScopeUnknownError
from alerting.settings import AlertingSettings
from crm_shared.kafka_records import Record
from tests.alerting.batches import TOPIC, run
from tests.alerting.publications import publish
from tests.databases import PostgresDatabase

simulator = pytest.importorskip("bank_simulator.replay")

DAY = date(2026, 7, 1)
INFLOW, OUTFLOW = "R01.LARGE_INFLOW", "R01.LARGE_OUTFLOW"
FREQUENT = "R01.FREQUENT_TRANSFERS_OUT"
LEAST = "movement.individual_min_amount"
HOURS = "frequent_transfers.window_hours"

Say = Callable[..., str]


@pytest.fixture(scope="module")
def branches(landing: Path) -> dict[str, str]:
    """The legal entity of each branch, as delivered."""
    statement = "select org_id, parent_id from read_parquet($files) where org_type = 'branch'"
    return dict(ledger.rows(statement, {"files": f"{landing}/*/org_units.parquet"}))


@pytest.fixture(scope="module")
def bank(
    module_database: PostgresDatabase,
    alerting_url: str,
    landing: Path,
    branches: dict[str, str],
) -> PostgresDatabase:
    """The branches of the delivered bank; customers with even numbers are gold, and those whose
    numbers three divides have no manager."""
    statement = "select distinct customer_id from read_parquet($files)"
    rows = ledger.rows(statement, {"files": f"{landing}/*/customers.parquet"})
    customers = [customer for (customer,) in rows]
    gold = {customer: "gold" for customer in customers if customer % 2 == 0}
    led = {customer: f"E{customer % 3}" for customer in customers if customer % 3}
    publish(module_database, date(2026, 5, 31), branches, gold, led)
    return module_database


@pytest.fixture
def say(alerting_url: str, landing: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Runs a command and returns what it says."""
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    monkeypatch.setenv("CRM_LANDING_DIR", str(landing))

    def run_it(*words: str) -> str:
        done = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return run_it


BY = ("--by", "Lin", "--reason", "another bank")


def test_nothing_is_drafted_for_a_bank_that_nobody_has_published(
    connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    """Runs before anything is published here."""
    with pytest.raises(PublishedUnreadableError, match=r"roles\.sql and run `acrm migrate`"):
        drafts.draft(
            connection, INFLOW, {f"{LEAST}@L1": "1"}, maker="Lin", reason="-", settings=settings
        )


@pytest.mark.parametrize(
    ("code", "change", "error", "what"),
    [(INFLOW, f"{LEAST}@L9=1", ScopeUnknownError, "no legal entity L9; acrm-batch has published L"),
     (INFLOW, f"{LEAST}@/platinum=1", ScopeUnknownError, "no tier platinum.* general_grow, gold,"),
     (INFLOW, f"{LEAST}@=1", ParametersRefusedError, "names nobody: write"),
     (INFLOW, f"{LEAST}@/=1", ParametersRefusedError, "names nobody: write"),
     (INFLOW, f"{LEAST}@/gold=0", ParametersRefusedError, "individual_min_amount@/gold: "),
     (INFLOW, f"{LEAST}@L1/gold=x", ParametersRefusedError, "individual_min_amount@L1/gold: "),
     (INFLOW, f"{LEAST}@a/b/c=5", ParametersRefusedError, "overrides.0.tier"),
     (INFLOW, f"{LEAST}@/gold=", ParametersRefusedError, "nothing to take away"),
     (INFLOW, "movement.currency@/gold=USD", ParametersRefusedError, "the same for everybody"),
     (INFLOW, "storm.max_per_hour@/gold=5", ParametersRefusedError, "the same for everybody"),
     (INFLOW, "overrides=[]", ParametersRefusedError, "valid list"),
     ("R01.ACCOUNT_CLOSED", f"{LEAST}@/gold=5", ParametersRefusedError, "unknown here"),
     (FREQUENT, f"{HOURS}@/gold=48", ParametersRefusedError, rf"tier; .*\({HOURS}@ENTITY\)"),
     (FREQUENT, f"{HOURS}@L1/gold=48", ParametersRefusedError, "everybody or to a legal entity"),
     (FREQUENT, f"{HOURS}@L1=900", RetentionTooShortError, "RETENTION")],
)  # fmt: skip
@pytest.mark.usefixtures("bank")
def test_what_cannot_be_says_why(
    say: Say, code: str, change: str, error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        say("rules", "draft", code, change, *BY)


@pytest.mark.usefixtures("bank")
def test_the_commands_lead_from_a_draft_of_a_scope_to_a_version_and_back(
    say: Say, branches: dict[str, str], connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    entity = min(branches.values())
    changes = [f"{LEAST}@{entity}=200000.00", f"{LEAST}@{entity}/gold=1000000.00"]
    number = say("rules", "draft", OUTFLOW, *changes, *BY).split()[1]
    assert f"{LEAST}@{entity}/gold: - -> 1000000.00" in say("rules", "drafts")
    days = ["--from", str(DAY), "--to", str(DAY)]
    tried = say("backtest", OUTFLOW, "--draft", number, *days)
    with pytest.raises(DraftRefusedError, match="ask a colleague"):
        say("rules", "approve", number, "--by", "Lin")
    say("rules", "approve", number, "--by", "Chen")
    assert f"{LEAST}@{entity} = 200000.00, {LEAST}@{entity}/gold = 1000000.00" in say(
        "rules", "show", OUTFLOW
    )
    in_force = json.loads(say("rules", "--json"))
    assert in_force[f"{LEAST}@{entity}/gold"] == "1000000.00"
    stored = json.loads(say("rules", "show", OUTFLOW, "--json"))[-1]["parameters"]
    assert stored["overrides"][1] == {
        "legal_entity": entity, "tier": "gold", "parameters": {LEAST: "1000000.00"},
    }  # fmt: skip
    jsonschema.validate(stored, parameters.schema(OUTFLOW))
    proposed = json.loads(say("backtest", OUTFLOW, changes[0][:-3], *days, "--json"))["proposed"]
    assert f"{proposed} as in force" in say("backtest", OUTFLOW, f"{LEAST}@/gold=1", *days)
    assert f"{proposed} reminders as proposed" in tried
    # Taken away again, the rest stays.
    number = say("rules", "draft", OUTFLOW, f"{LEAST}@{entity}/gold=", *BY).split()[1]
    assert f"{LEAST}@{entity}/gold: 1000000.00 -> -" in say("rules", "drafts")
    say("rules", "approve", number, "--by", "Chen", "--untested")
    assert drafts.versions(connection, OUTFLOW)[-1].parameters["overrides"] == [
        {"legal_entity": entity, "parameters": {LEAST: "200000.00"}}
    ]
    number = say("rules", "draft", OUTFLOW, f"{LEAST}@{entity}=", *BY).split()[1]
    say("rules", "approve", number, "--by", "Chen", "--untested")
    assert "overrides" not in drafts.versions(connection, OUTFLOW)[-1].parameters


@pytest.mark.usefixtures("bank")
def test_a_backtest_says_what_each_manager_would_receive(say: Say, landing: Path) -> None:
    days = ("--from", str(DAY), "--to", str(DAY))
    found = json.loads(say("backtest", OUTFLOW, f"{LEAST}=1", *days, "--json"))
    expected: Counter[str] = Counter()
    booked = list(ledger.bookings(landing, DAY, DAY))
    reversed_ones = {one.reverses_txn_id for one in booked}
    for one in booked:
        if one.txn_id in reversed_ones:
            continue
        threshold = 1 if one.customer_type == "individual" else 5_000_000
        if one.direction == "debit" and moves_funds(one) and one.amount >= threshold:
            number = one.customer_id % 3
            expected[f"E{number}" if number else f"V:{one.branch_id}"] += 1
    assert found["by_manager"] == dict(sorted(expected.items()))
    assert found["by_manager"].keys() > found["by_manager_in_force"].keys()
    assert sum(found["by_manager_in_force"].values()) == found["in_force"]
    most, number = min(expected.items(), key=lambda one: (-one[1], one[0]))
    told = say("backtest", OUTFLOW, f"{LEAST}=1", *days)
    assert f"most by manager: {most} {number}, " in told


@pytest.fixture(scope="module")
def worked(bank: PostgresDatabase, landing: Path, branches: dict[str, str]) -> None:
    """The database has worked on the day and the one before by rules that differ by scope."""
    first, last = min(branches.values()), max(branches.values())
    inflow = {
        LEAST: "5000.00", "movement.business_min_amount": "50000.00",
        "overrides": [
            {"legal_entity": first, "parameters": {LEAST: "1000.00"}},
            {"legal_entity": last, "tier": "gold", "parameters": {LEAST: "20000.00"}},
        ],
    }  # fmt: skip
    frequent = {
        "frequent_transfers.min_count": "5", HOURS: "24",
        "overrides": [{"tier": "gold", "parameters": {"frequent_transfers.min_count": "2"}}],
    }  # fmt: skip
    bodies = [
        one for day in (DAY - timedelta(days=1), DAY) for one in simulator.messages(landing, day)
    ]
    told = [
        Record(TOPIC, 0, number, one.key.encode(), one.body.encode())
        for number, one in enumerate(bodies)
    ]
    with psycopg.connect(bank.alerting_owner) as connection:
        for code, values in ((INFLOW, inflow), (FREQUENT, frequent)):
            connection.execute(
                "insert into alerting.rules (code, version, parameters, effective_from)"
                " values (%s, 7, %s, '2000-01-01')",
                (code, Jsonb(values)),
            )
        for start in range(0, len(told), 500):
            run(connection, told[start : start + 500])


@pytest.mark.usefixtures("worked")
def test_a_replay_says_what_the_stream_said(
    connection: psycopg.Connection, landing: Path, say: Say, branches: dict[str, str]
) -> None:
    by_scope: dict[tuple[str, str], int] = {
        (row[0], row[1]): row[2]
        for row in connection.execute(
            "select rule_code, scope, count(*) from alerting.evidence"
            " where rule_code = any (%s) group by 1, 2",
            ([INFLOW, FREQUENT],),
        )
    }
    first, last = min(branches.values()), max(branches.values())
    assert by_scope.keys() == {
        (INFLOW, ""), (INFLOW, first), (INFLOW, f"{last}/gold"), (FREQUENT, ""), (FREQUENT, "/gold")
    }  # fmt: skip
    find = partial(scopes.find, connection)
    replayed = replay.judge(ruleset.load(connection), landing, DAY, DAY, find)
    found = replay.compare(connection, replayed)
    assert {one.outcome for one in found} == {"same"}
    assert {one.rule_code for one in found} > {INFLOW, FREQUENT}
    connection.commit()
    days = ("--from", str(DAY), "--to", str(DAY))
    rules = json.loads(say("replay", *days, "--dry-run", "--json"))["rules"]
    assert all(one["new"] == one["withdrawn"] == 0 for one in rules.values())


@pytest.mark.parametrize("scope", ["", "first", "last"])
@pytest.mark.usefixtures("worked")
def test_why_says_whose_threshold_it_was(
    connection: psycopg.Connection, say: Say, branches: dict[str, str], scope: str
) -> None:
    first, last = min(branches.values()), max(branches.values())
    written = {"": "", "first": first, "last": f"{last}/gold"}[scope]
    threshold, whose = {
        "": ("5000.00", "everybody"),
        "first": ("1000.00", f"legal entity {first}"),
        "last": ("20000.00", f"tier gold at legal entity {last}"),
    }[scope]
    row = connection.execute(
        "select e.customer_id from alerting.evidence e join alerting.outbox o using (reminder_id)"
        " where e.rule_code = %s and e.scope = %s and o.business_date = %s limit 1",
        (INFLOW, written, DAY),
    ).fetchone()
    assert row is not None
    connection.commit()
    asked = ["why", INFLOW, str(row[0]), "--on", str(DAY), "--by", "Lin", "--purpose", "service"]
    told = say(*asked)
    unknown = " (tier not known)" if row[0] % 2 else ""
    assert f"version 7, parameters of {whose}{unknown}; raised: reminder" in told
    assert f"threshold {threshold}" in told or "threshold 50000.00" in told
    assert "MISSING" not in told
    assert ("version 7 for " + written in told) == bool(written)
    judged = json.loads(say(*asked, "--json"))["judged"]
    assert {one["parameters_of"] for one in judged} >= {whose}
    assert all(one["unknown"] == (["tier"] if row[0] % 2 else []) for one in judged)
