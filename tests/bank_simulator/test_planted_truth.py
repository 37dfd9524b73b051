"""The planted answers are complete and true of the files, by the text of docs/rules.md.

Coverage needs the history of leads; the tests of acrm-batch hold it against the same answers.
"""

import json
from pathlib import Path

import duckdb

from bank_simulator.cases import all_cases
from bank_simulator.parameters import DEFAULTS
from bank_simulator.plan import Plan
from tests.bank_simulator.conftest import rows
from tests.bank_simulator.world import HERE, World

DUE = (HERE / "due_reminders.sql").read_text(encoding="utf-8")

#: Changes against the day or month end before; other tests look at them.
ELSEWHERE = (
    "('R04.BECAME_KEY', 'R04.DORMANT', 'R04.TIER_UP', 'R04.TIER_DOWN', 'R05.NEWLY_ASSIGNED')"
)

OVER_CONTACT = """
    SELECT customer_id, count(*),
        coalesce(list_sort(list_distinct(list(campaign_id) FILTER (campaign_id IS NOT NULL))), [])
    FROM contacts_delivered
    WHERE contact_class = 'marketing'
        AND CAST(contacted_at + INTERVAL 8 HOUR AS DATE) <= $day
        AND CAST(contacted_at + INTERVAL 8 HOUR AS DATE) > $day - {contact.cap_days}
    GROUP BY customer_id HAVING count(*) > {contact.cap}"""


def test_the_files_say_who_is_a_key_customer(world: World) -> None:
    found = world.rows_of("customers.sql", "FROM key_customer")
    assert set(found) == set(
        world.rows("SELECT customer_id, basis FROM planted_key_customers WHERE key")
    )


def test_the_files_say_who_became_a_key_customer(world: World) -> None:
    before = world.rows_of("customers.sql", "SELECT customer_id FROM key_customer", world.eve)
    now = world.rows_of("customers.sql", "SELECT customer_id FROM key_customer")
    planted = world.rows(
        "SELECT customer_id FROM planted_due_reminders WHERE rule_code = 'R04.BECAME_KEY'"
    )
    assert sorted(set(now) - set(before)) == sorted(planted)
    assert planted


def test_the_files_say_which_reminders_are_due(world: World) -> None:
    found = world.rows_of("customers.sql", DUE)
    planted = world.rows(f"""SELECT rule_code, customer_id, subject, "window", due_on, amount,
        branch_id FROM planted_due_reminders WHERE rule_code NOT IN {ELSEWHERE}""")
    assert sorted(map(repr, found)) == sorted(map(repr, planted))
    assert len({row[0] for row in planted}) >= 14


def test_a_reminder_is_planted_once(world: World) -> None:
    assert world.rows("""SELECT rule_code, subject, "window" FROM planted_due_reminders
        GROUP BY ALL HAVING count(*) > 1""") == []  # fmt: skip


def test_the_files_say_who_was_contacted_too_often(world: World) -> None:
    planted = world.rows("SELECT customer_id, contacts, campaign_ids FROM planted_over_contact")
    assert sorted(world.rows(OVER_CONTACT)) == sorted(planted)
    assert [1, 3] in [campaigns for _, _, campaigns in planted]


def test_the_files_say_what_the_stream_must_raise(world: World) -> None:
    found = set()
    for day in (world.eve, world.plan.as_of, world.plan.last):
        raised = world.rows_of("stream_reminders.sql", "FROM found", day)
        found |= {(day, *row) for row in raised}
    planted = world.rows("""SELECT business_date, rule_code, customer_id, subject, "window"
        FROM planted_movements WHERE expected""")  # fmt: skip
    assert found == set(planted)
    assert len(planted) == len(set(planted))
    assert len({(row[0], row[1]) for row in planted}) == 3 * 11


def test_no_refused_movement_is_expected_as_well(landing: duckdb.DuckDBPyConnection) -> None:
    same = 'rule_code, subject, "window"'
    assert rows(landing, f"""SELECT {same} FROM planted_movements WHERE NOT expected
        INTERSECT SELECT {same} FROM planted_movements WHERE expected""") == []  # fmt: skip


def test_every_active_customer_has_one_lead_and_nobody_else_any(
    landing: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(landing, """SELECT customer_id FROM planted_coverage WHERE role = 'lead'
        GROUP BY customer_id HAVING count(*) > 1""") == []  # fmt: skip
    covered = "SELECT DISTINCT customer_id FROM planted_coverage"
    active = "SELECT customer_id FROM customers WHERE status = 'active'"
    assert set(rows(landing, covered)) == set(rows(landing, active))


def test_a_planted_manager_works_at_the_branch_or_is_virtual(
    landing: duckdb.DuckDBPyConnection, plan: Plan
) -> None:
    assert rows(landing, f"""
        SELECT manager_id, branch_id FROM planted_coverage WHERE manager_id NOT LIKE 'V:%'
        EXCEPT SELECT employee_id, home_org_id FROM employees
        WHERE left_on IS NULL OR left_on > DATE '{plan.as_of}'""") == []  # fmt: skip
    assert rows(landing, """FROM planted_coverage
        WHERE manager_id LIKE 'V:%' AND manager_id <> 'V:' || branch_id""") == []  # fmt: skip


def test_every_case_is_planted(landing: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    planned = {case.name for case in all_cases(plan.dates) if case.coverage}
    planted = {name for (name,) in rows(landing, 'SELECT DISTINCT "case" FROM planted_coverage')}
    assert planted == planned | {"ordinary"}


def test_threshold_cases_stand_exactly_on_their_thresholds(world: World) -> None:
    beyond = """SELECT "case", total - {key_customer.min_deposit_average} *
        {coverage.averaging_days} FROM average_days JOIN planted_coverage USING (customer_id)"""
    totals = {case: total for case, total in world.rows_of("customers.sql", beyond)}  # noqa: C416
    assert str(totals["average_exactly_enough"]) == "0.00"
    assert str(totals["average_one_cent_short_on_one_day"]) == "-0.01"


def test_the_parameters_are_those_of_the_rules(bank: Path) -> None:
    written = json.loads((bank / "answers" / "parameters.json").read_text(encoding="utf-8"))
    assert written == DEFAULTS
    docs = Path(__file__).parents[2] / "docs"
    pages = [docs / "rules.md", *sorted((docs / "rules").glob("*.md"))]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    for code, value in DEFAULTS.items():
        assert f"| {code} | {value} |" in text
