"""The batch against the planted answers of simulated banks: other seeds, periods and parameters."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from acrm_batch import batch
from bank_simulator import parameters as parameter_sets
from bank_simulator.generate import generate
from bank_simulator.parameters import Parameters
from bank_simulator.plan import Plan
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch, batch_over
from tests.bank_simulator.world import HERE, open_world
from tests.databases import fresh_database

CONTRIBUTION = (HERE / "contribution.sql").read_text(encoding="utf-8")

LEVEL = """
    SELECT customer_id, CASE
        WHEN aum >= {tier.private} THEN 'private' WHEN aum >= {tier.wealth} THEN 'wealth'
        WHEN aum >= {tier.affluent} THEN 'affluent' WHEN aum > 0 THEN 'mass' END
    FROM worth
"""

SECOND = HERE / "second_parameters.yml"

PLANS = {
    "first": Plan(customers=800, first=date(2026, 2, 27), last=date(2026, 7, 1), seed=42),
    "second parameters": Plan(
        customers=800, first=date(2025, 8, 20), last=date(2026, 1, 26), seed=7,
        parameters=parameter_sets.load(SECOND),
    ),
    "leap year": Plan(customers=800, first=date(2027, 9, 25), last=date(2028, 2, 28), seed=2028),
}  # fmt: skip

if os.environ.get("ACRM_TEST_EVERY_SET"):
    # Every seed with both sets; `make test` has each seed and each set once.
    _OTHER = {True: Parameters(), False: parameter_sets.load(SECOND)}
    PLANS |= {
        f"{name}, the other set": replace(plan, parameters=_OTHER[plan.parameters != Parameters()])
        for name, plan in PLANS.items()
    }

#: Rules whose answers speak of the customers that another answer lists.
SCOPES = {"R04.TIER_UP": "tiers", "R04.TIER_DOWN": "tiers", "R04.DORMANT": "lifecycle"}

MODELS = ("tag_customers", "int_coverage", "int_over_contact", "pub_potential_customers",
          "ind_value", "int_due_reminders", "int_campaign_results",
          "ind_campaigns_orgs", "int_private_managers", "ind_reminders_orgs", "ind_structure_orgs",
          "chk_orphans", "chk_amounts", "chk_freshness", "chk_loans")  # fmt: skip


@dataclass
class Truth:
    """A simulated bank, made by the batch on the day that its answers speak of."""

    crm: Batch
    folder: Path
    plan: Plan

    @property
    def day(self) -> date:
        """The day of the answers."""
        return self.plan.as_of

    def answers(self, name: str, columns: str) -> set[tuple[object, ...]]:
        """Columns of the planted answers."""
        file = self.folder / "bank" / "answers" / f"{name}.parquet"
        return set(duckdb.execute(f"select {columns} from '{file}'").fetchall())


def give_parameters(crm: Batch, file: Path) -> None:
    """The second set of parameters, as the bank's own; what no answer speaks of is one more."""
    project = batch.project_of(crm.settings)
    wanted = {one.code: one.value + 1 for one in project.catalogue.parameters
              if one.code not in parameter_sets.DEFAULTS}  # fmt: skip
    second = yaml.safe_load(SECOND.read_text())
    wanted |= {code: value for code, value in second.items() if code in crm.known_parameters()}
    entries = [{"code": code, "values": [{"value": str(v)}]} for code, v in wanted.items()]
    file.write_text(yaml.safe_dump(entries))
    crm.settings.parameters_file = file


@pytest.fixture(scope="module", params=PLANS)
def truth(
    request: pytest.FixtureRequest,
    environment: dict[str, str],
    postgres_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Truth]:
    """Each bank in turn."""
    plan = PLANS[request.param]
    folder = tmp_path_factory.mktemp("planted")
    generate(plan, folder / "bank")
    with (
        fresh_database(environment, postgres_template) as database,
        pytest.MonkeyPatch.context() as patch,
    ):
        crm = batch_over(Bank(folder / "bank", plan.first), database, folder, patch)
        crm.settings.threads = 2
        if plan.parameters != Parameters():
            give_parameters(crm, folder / "parameters.yml")
        crm.run(plan.as_of, selectors=MODELS)
        yield Truth(crm, folder, plan)


@pytest.mark.slow
def test_tags_of_potential_customers_hold_where_they_were_planted(truth: Truth) -> None:
    planted = truth.answers("potential_tags", 'path, customer_id, expected, "case"')
    columns = {path: "tag_" + str(path).lower().replace("/", "_") for path, *_ in planted}
    found = {
        path: dict(truth.crm.rows("tag_customers", truth.day, f"customer_id, {column}"))
        for path, column in columns.items()
    }
    wrong = [
        (path, case, f"should be {expected}")
        for path, customer, expected, case in sorted(planted, key=str)
        if found[path].get(customer) is not expected
    ]
    assert wrong == []


@pytest.mark.slow
def test_tags_of_potential_customers_hold_of_nobody_else(truth: Truth) -> None:
    world = open_world(truth.folder / "bank", truth.plan)
    told = world.potential_tags()
    world.connection.close()
    found = set(truth.crm.rows("pub_potential_customers", truth.day, "customer_id, path"))
    assert {path for _, path in told} == {path for _, path in found}
    assert found ^ told == set()


@pytest.mark.slow
def test_potential_customers_are_as_strong_and_valid_as_planted(truth: Truth) -> None:
    planted = truth.answers("potential_tags", 'customer_id, path, strength, "case"')
    rows = truth.crm.rows("pub_potential_customers", truth.day, "customer_id, path, strength")
    found = {(customer, path): strength for customer, path, strength in rows}
    wrong = [
        (case, found[customer, path], f"should be {strength}")
        for customer, path, strength, case in sorted(planted, key=str)
        if strength is not None and found[customer, path] != strength
    ]
    assert wrong == []
    days = int(truth.plan.parameters.values["potential.valid_days"])
    until = truth.day + timedelta(days=days)
    valid = truth.crm.rows("pub_potential_customers", truth.day, "distinct valid_until")
    assert valid == [until]


@pytest.mark.slow
def test_everybody_is_covered_as_planted(truth: Truth) -> None:
    columns = "customer_id, role, branch_id, manager_id"
    assert set(truth.crm.rows("int_coverage", truth.day, columns)) == truth.answers(
        "coverage", columns
    )


@pytest.mark.slow
def test_key_customers_and_over_contact_are_as_planted(truth: Truth) -> None:
    keys = truth.crm.rows("int_key_customers", truth.day, "customer_id")
    assert {(customer,) for customer in keys} == truth.answers("key_customers", "customer_id")
    over = truth.crm.rows("int_over_contact", truth.day, "customer_id, contacts")
    assert set(over) == truth.answers("over_contact", "customer_id, contacts")
    columns = "customer_id, tag_marketing_contact_over_cap"
    tagged = dict(truth.crm.rows("tag_customers", truth.day, columns))
    assert {one for one, is_over in tagged.items() if is_over} == {one for one, _ in over}


@pytest.mark.slow
def test_private_managers_are_as_planted(truth: Truth) -> None:
    planted = truth.answers("private_managers", "customer_id, manager_id")
    columns = "customer_id, manager_id"
    assert set(truth.crm.rows("int_private_managers", truth.day, columns)) == planted
    columns = "grain, cust_key_private_cnt"
    sums = truth.crm.rows("ind_structure_orgs", truth.day, columns)
    assert [count for grain, count in sums if grain == "union"] == [len(planted)]


@pytest.mark.slow
def test_reminders_are_handled_as_planted(truth: Truth) -> None:
    counts = "rem_ended_m, rem_done_m, rem_ended_30d, rem_done_30d"
    found = truth.crm.rows("ind_reminders_orgs", truth.day, f"grain, org_id, manager_id, {counts}")
    planted = truth.answers("reminder_handling",
                            f"branch_id, manager_id, {counts.replace('rem_', '')}")  # fmt: skip
    assert {row[1:] for row in found if row[0] == "manager"} == planted
    [union] = [row[3:] for row in found if row[0] == "union"]
    [told] = truth.answers("reminder_handling",
                           "sum(ended_m), sum(done_m), sum(ended_30d), sum(done_30d)")  # fmt: skip
    assert union == told


@pytest.mark.slow
def test_what_is_planted_is_reminded_of_and_nothing_else(truth: Truth) -> None:
    columns = "rule_code, customer_id, subject, {}, due_on, amount, branch_id"
    planted = truth.answers("due_reminders", columns.format('"window"'))
    found = truth.crm.rows("int_due_reminders", truth.day, columns.format("reminder_window"))
    listed = {rule: {one for (one,) in truth.answers(answers, "customer_id")}
              for rule, answers in SCOPES.items()}  # fmt: skip
    assert {row for row in found if row[1] in listed.get(row[0], {row[1]})} == planted
    assert len({rule for rule, *_ in planted}) >= 16


@pytest.mark.slow
def test_campaigns_come_out_as_planted(truth: Truth) -> None:
    counts = (
        "campaign_id, listed, control, contacted, reached, interested, responded, converted,"
        " control_converted, amount, contacts, cost"
    )
    rates = (
        "response_rate, conversion, conversion_low, conversion_high, control_conversion, uplift,"
        " uplift_low, uplift_high"
    )
    columns = ", ".join(
        [counts, *(f"cast({one.strip()} as decimal(9,6)) as r" for one in rates.split(","))]
    )
    found = truth.crm.rows("int_campaign_results", truth.day, f"grain, {columns}")
    assert {row[1:] for row in found if row[0] == "all"} == truth.answers("campaigns", columns)
    names = ("listed", "control", "contacted", "reached", "interested", "converted", "amount")
    [told] = truth.answers("campaigns", ", ".join(f"sum({name})" for name in (*names, "cost")))
    columns = ", ".join(
        f"campaign_{one}"
        for one in ("listed_cnt", "control_cnt", "contacted_cnt", "reached_cnt", "interested_cnt",
                    "sold_cnt", "sold_amt", "cost")
    )  # fmt: skip
    sums = truth.crm.rows("ind_campaigns_orgs", truth.day, f"grain, {columns}")
    assert [row[1:] for row in sums if row[0] == "union"] == [told]


@pytest.mark.slow
@pytest.mark.parametrize(("answers", "column"), [("tiers", "tier"), ("lifecycle", "lifecycle")])
def test_tiers_and_stages_are_as_planted(truth: Truth, answers: str, column: str) -> None:
    found = dict(truth.crm.rows("ind_value", truth.day, f"customer_id, {column}"))
    planted = truth.answers(answers, f'"case", customer_id, {column}')
    wrong = [(case, found[one], told) for case, one, told in planted if found[one] != told]
    assert wrong == []


@pytest.mark.slow
def test_everybody_is_worth_what_the_files_say(truth: Truth) -> None:
    world = open_world(truth.folder / "bank", truth.plan)
    told = {day: set(world.rows_of("customers.sql", CONTRIBUTION, day))
            for day in (truth.day, *truth.plan.dates.month_ends[-2:])}  # fmt: skip
    world.connection.close()
    for day, values in told.items():
        columns = "customer_id, aum, contrib"
        assert set(truth.crm.rows("int_natural_tiers", day, columns)) == values


@pytest.mark.slow
def test_levels_of_assets_are_those_of_the_files(truth: Truth) -> None:
    world = open_world(truth.folder / "bank", truth.plan)
    told = {(customer, level) for customer, level in world.rows_of("customers.sql", LEVEL) if level}
    world.connection.close()
    found = {
        (customer, level)
        for level in ("private", "wealth", "affluent", "mass")
        for customer, holds in truth.crm.rows(
            "tag_customers", truth.day, f"customer_id, tag_value_aum_{level}"
        )
        if holds
    }
    assert found == told


@pytest.mark.slow
def test_a_day_like_any_other_gives_nothing_to_warn_of(truth: Truth) -> None:
    assert (
        truth.crm.query(
            "select model, audit, sentence from acrm.audits where failed_rows > 0 and as_of = %s",
            truth.day,
        )
        == []
    )
