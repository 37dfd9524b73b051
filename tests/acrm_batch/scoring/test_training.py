"""Training over a bank: features know nothing of the future, events nothing of the past."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from acrm_batch import batch
from acrm_batch.cli import app
from acrm_batch.runner import Runner
from acrm_batch.scoring.card import load_cards
from acrm_batch.scoring.definition import Definition, Feature, Label, load_definition
from acrm_batch.scoring.lifetime_card import load_lifetime
from acrm_batch.scoring.lifetime_report import lifetime_page
from acrm_batch.scoring.report import GROUPING_NAMES
from acrm_batch.scoring.samples import MART, observe
from acrm_batch.scoring.train import LeakError, learnt_from, train
from crm_shared.business_calendar import month_end_after, month_ends
from crm_shared.errors import ExitCode, NotReadyError, UsageError
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch, batch_over
from tests.acrm_batch.scoring import examples
from tests.databases import PostgresDatabase

JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)
CUSTOMERS = 150

#: Who spends 250 or more in the month after the month end.
SPENDS = """
select booking.customer_id
from stg_transactions as booking
where booking.direction = 'debit' and booking.amount >= 250
group by booking.customer_id
"""


def spenders(**changes: object) -> Definition:
    """Whoever got money this month spends it in the next."""
    return examples.definition("spender").model_copy(update={
        "population": "dep_acct_cnt > 0",
        "columns": {"dep_acct_cnt": "number", "flow_in_amt_30d": "number", "dep_bal": "number"},
        "features": (
            Feature(name="inflow", label=examples.NAMES, expression="flow_in_amt_30d",
                    direction="up"),
            Feature(name="balance", label=examples.NAMES, expression="dep_bal"),
        ),
        "event": Label(sql=SPENDS, text=examples.NAMES),
        **changes,
    })  # fmt: skip


def spending(bank: Bank, until: date) -> Bank:
    """Customers of whom a third gets 300 in a month, and mostly spends it in the next."""
    chance = random.Random(1)
    for customer in range(1, CUSTOMERS + 1):
        bank.customer(customer, sex=chance.choice(["female", "male"]), region="East",
                      birth_date=date(1960 + customer % 40, 1, 1))  # fmt: skip
        bank.account(1000 + customer, customer, "A", 5000)
    rich: set[int] = set()
    for month in (1, 2, 3, 4):
        got = {one for one in range(1, CUSTOMERS + 1) if chance.random() < 0.33}
        for customer in range(1, CUSTOMERS + 1):
            if chance.random() < (0.7 if customer in rich else 0.1):
                bank.move(1000 + customer, date(2026, month, 10), -250)
            if customer in got:
                bank.move(1000 + customer, date(2026, month, 20), 300)
        rich = got
    bank.deliver(until)
    return bank


@pytest.fixture(scope="module")
def made(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Bank, Batch]]:
    """A bank to the end of April with the marts of three month ends; nobody changes it."""
    folder = tmp_path_factory.mktemp("spending")
    bank = spending(Bank(folder / "landing", FIRST), date(2026, 4, 30))
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        for day in (JANUARY, FEBRUARY, MARCH):
            crm.run(day, selectors=(MART,))
        yield bank, crm


@contextmanager
def looking(crm: Batch, until: date = date(2026, 4, 30)) -> Iterator[Runner]:
    """A runner that knows the days up to a date."""
    with batch.looking(crm.settings) as (runner, _):
        runner.accept(None, until, 1)
        yield runner


def test_a_score_is_trained_tested_and_written_by_the_command(
    made: tuple[Bank, Batch], tmp_path: Path
) -> None:
    _, crm = made
    definitions = tmp_path / "catalogue" / "score_definitions"
    definitions.mkdir(parents=True)
    (definitions / "spender.yml").write_text(
        yaml.safe_dump(spenders().model_dump(mode="json"), allow_unicode=True), encoding="utf-8"
    )
    arguments = [
        "train", "spender", "--from", "2026-01-31", "--to", "2026-03-31",
        "--catalogue", str(tmp_path / "catalogue"), "--cards", str(tmp_path / "cards"),
        "--landing", str(crm.settings.landing_dir), "--warehouse", str(crm.settings.warehouse_dir),
    ]  # fmt: skip
    environment = {"ACRM_DATABASE_URL": crm.database.acrm_owner}
    done = CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "2026-03-31: 150 customers" in done.output
    assert "AUC out of sample 0.7" in done.output
    [card] = load_cards(tmp_path / "catalogue" / "scores")
    points = {one.name: [bin_.points for bin_ in one.bins] for one in card.features}
    assert points["inflow"] == sorted(set(points["inflow"]))
    assert card.columns["flow_in_amt_30d"] == "number"
    page = (tmp_path / "cards" / "spender.md").read_text(encoding="utf-8")
    assert "| East |" in page
    assert "| female |" in page
    before = (tmp_path / "catalogue" / "scores" / "spender.yml").read_bytes()
    CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)
    assert (tmp_path / "catalogue" / "scores" / "spender.yml").read_bytes() == before
    asked = CliRunner().invoke(app, [*arguments, "--to", "2026-04-30"], env=environment)
    assert asked.exit_code == ExitCode.NOT_READY


def test_the_lifetime_value_is_fitted_tested_and_written_by_its_command(
    made: tuple[Bank, Batch], tmp_path: Path
) -> None:
    _, crm = made
    crm.run(MARCH, selectors=("int_active_weeks",))
    arguments = [
        "train-lifetime", "--from", "2026-02-28", "--to", "2026-03-31",
        "--catalogue", str(tmp_path), "--cards", str(tmp_path / "cards"),
        "--landing", str(crm.settings.landing_dir), "--warehouse", str(crm.settings.warehouse_dir),
    ]  # fmt: skip
    environment = {"ACRM_DATABASE_URL": crm.database.acrm_owner}
    done = CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "Version 1 of the lifetime value" in done.output
    before = (tmp_path / "lifetime.yml").read_bytes()
    CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)
    assert (tmp_path / "lifetime.yml").read_bytes() == before
    page = (tmp_path / "cards" / "lifetime.md").read_text(encoding="utf-8")
    assert "customers with their bookings up to 2026-02-28" in page
    assert all(f"| {name} | 客户数 · customers |" in page for name in GROUPING_NAMES.values())
    arguments[arguments.index("2026-03-31")] = "2026-04-30"
    assert CliRunner().invoke(app, arguments, env=environment).exit_code == ExitCode.NOT_READY
    arguments[arguments.index("2026-04-30")] = "2026-02-28"
    assert CliRunner().invoke(app, arguments, env=environment).exit_code == ExitCode.USAGE


def test_another_future_changes_the_events_and_not_one_feature(bank: Bank, crm: Batch) -> None:
    spending(bank, FEBRUARY)
    crm.run(JANUARY, selectors=(MART,))
    partition = crm.settings.warehouse_dir / MART / f"as_of={JANUARY}" / "data.parquet"
    bytes_before = partition.read_bytes()
    with looking(crm, FEBRUARY) as runner:
        before = observe(runner, spenders(), JANUARY, 1)
    for customer in range(1, CUSTOMERS + 1):
        bank.move(1000 + customer, date(2026, 2, 11), -260)
    bank.rows["customers"] += [
        (date(2026, 2, 12), {**row, "region": "West"}) for _, row in bank.rows["customers"]
    ]
    bank.deliver(FEBRUARY, since=date(2026, 2, 1))
    partition.unlink()
    crm.run(JANUARY, selectors=(MART,))
    assert partition.read_bytes() == bytes_before
    with looking(crm, FEBRUARY) as runner:
        after = observe(runner, spenders(), JANUARY, 1)
    assert all(np.array_equal(before.values[name], after.values[name]) for name in before.values)
    assert list(after.groups["region"]) == list(before.groups["region"])
    assert 0 < before.events.sum() < CUSTOMERS == after.events.sum()


def test_events_are_those_after_the_month_end_and_within_the_horizon(
    made: tuple[Bank, Batch],
) -> None:
    bank, crm = made
    wanted = {
        row["customer_id"]
        for on, row in bank.rows["transactions"]
        if FEBRUARY < on <= MARCH and row["direction"] == "debit"
    }
    with looking(crm) as runner:
        sample = observe(runner, spenders(), FEBRUARY, 1)
    assert set(sample.customers[sample.events == 1]) == wanted
    assert len(sample) == CUSTOMERS


def test_training_is_told_nothing_of_the_test_s_time() -> None:
    ends = month_ends(date(2025, 6, 30), MARCH)
    for horizon in range(1, 9):
        learnt = learnt_from(spenders(), ends[0], MARCH, horizon)
        assert learnt == ends[: len(learnt)]
        assert month_end_after(learnt[-1], horizon) == FEBRUARY
    with pytest.raises(UsageError, match="no month end whose horizon of 9 months ends before --to"):
        learnt_from(spenders(), ends[0], MARCH, 9)
    with pytest.raises(UsageError, match="or --to is none"):
        learnt_from(spenders(), ends[0], date(2026, 3, 30), 1)
    today = spenders(event=Label(sql=SPENDS, text=examples.NAMES, resemblance=True))
    assert learnt_from(today, JANUARY, MARCH, 6) == [JANUARY, FEBRUARY]


def test_no_card_of_the_package_was_told_of_its_test_s_time() -> None:
    catalogue = Path(str(files("acrm_batch"))) / "catalogue"
    for card in load_cards(catalogue / "scores"):
        window = card.training
        calibrated = date.fromisoformat(window["calibration_month_end"])
        told = month_end_after(calibrated, card.horizon_months)
        assert date.fromisoformat(window["labels_until"]) == told, card.name
        assert told < date.fromisoformat(window["test_month_end"]), card.name


def test_pages_of_the_package_are_of_the_cards_that_it_scores_by() -> None:
    catalogue = Path(str(files("acrm_batch"))) / "catalogue"
    pages = Path(__file__).parents[3] / "docs" / "models"
    cards = {card.name: card for card in load_cards(catalogue / "scores")}
    definitions = {path.stem for path in (catalogue / "score_definitions").glob("*.yml")}
    assert set(cards) == definitions
    for name, card in cards.items():
        page = (pages / f"{name}.md").read_text(encoding="utf-8")
        assert f"(`{card.code}`, version {card.version})" in page
        assert f"Checksum `{card.checksum[:16]}`" in page
        definition = load_definition(catalogue / "score_definitions", name)
        candidates = {one.name: one.expression for one in definition.features}
        assert {one.name: one.expression for one in card.features}.items() <= candidates.items()
        assert (card.population, card.event) == (definition.population, definition.event.text)
    lifetime = load_lifetime(catalogue / "lifetime.yml")
    assert lifetime is not None
    assert (pages / "lifetime.md").read_text(encoding="utf-8") == lifetime_page(lifetime)


def test_a_feature_that_knows_the_event_is_found(made: tuple[Bank, Batch]) -> None:
    _, crm = made
    leaking = spenders(
        event=Label(sql="select customer_id from sample where flow_in_amt_30d >= 300",
                    text=examples.NAMES)
    )  # fmt: skip
    with looking(crm) as runner, pytest.raises(LeakError, match="Feature inflow alone tells"):
        train(runner, leaking, first=JANUARY, last=MARCH, horizon=1, source="",
              say=lambda _: None)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"columns": {"dep_acct_cnt": "number", "gone": "number"}}, UsageError,
         "reads gone, which mart_customers of 2026-01-31 does not have"),
        ({"event": Label(sql="select customer_id from stg_loans", text=examples.NAMES)}, UsageError,
         "0 have the event"),
        ({"event": Label(sql="select customer_id from sample where customer_id % 20 = 0",
                         text=examples.NAMES)},
         UsageError, "have the event and .* 10 of each are needed"),
        ({"event": Label(sql="select customer_id from int_customers", text=examples.NAMES)},
         UsageError, "reads int_customers, which is no staging model"),
        ({"event": Label(sql="select nonsense from sample", text=examples.NAMES)}, Exception,
         "Score spender of 2026-01-31 failed"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_one_sentence(
    made: tuple[Bank, Batch], changes: dict[str, object], error: type[Exception], sentence: str
) -> None:
    _, crm = made
    with looking(crm) as runner, pytest.raises(error, match=sentence):
        train(runner, spenders(**changes), first=JANUARY, last=MARCH, horizon=1,
              source="", say=lambda _: None)  # fmt: skip


def test_a_month_end_that_was_not_made_says_which_command_makes_it(
    made: tuple[Bank, Batch],
) -> None:
    _, crm = made
    april = date(2026, 4, 30)
    today = spenders(event=Label(sql=SPENDS, text=examples.NAMES, resemblance=True))
    with looking(crm) as runner:
        with pytest.raises(NotReadyError, match="acrm run --date 2026-04-30 --no-publish"):
            observe(runner, today, april, 1)
        with pytest.raises(NotReadyError, match="ends on 2026-05-31, but days are delivered up to"):
            observe(runner, spenders(), april, 1)
        with pytest.raises(UsageError, match="2026-04-29 is no month end"):
            observe(runner, spenders(), date(2026, 4, 29), 1)


def test_the_definitions_of_the_package_can_be_read() -> None:
    folder = Path(str(files("acrm_batch"))) / "catalogue" / "score_definitions"
    names = sorted(path.stem for path in folder.glob("*.yml"))
    assert names == ["card", "churn", "credit", "loan", "wealth"]
    for name in names:
        definition = load_definition(folder, name)
        assert definition.name == name
        assert {one.grade for one in definition.grades}
    with pytest.raises(UsageError, match="No score is called 'rain'; defined are card, churn"):
        load_definition(folder, "rain")


def test_a_definition_that_divides_by_what_may_be_0_is_refused(tmp_path: Path) -> None:
    document = spenders().model_dump(mode="json")
    document["features"][0]["expression"] = "dep_bal / flow_in_amt_30d"
    (tmp_path / "spender.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(UsageError, match=r"spender.yml .* nullif"):
        load_definition(tmp_path, "spender")
