"""Customer lifetime value: published figures, known parameters, and SQL that says the same."""

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
import sqlglot
import yaml

from acrm_batch.scoring.lifetime import BgNbd, Floats, GammaGamma, fit_bg_nbd, fit_gamma_gamma
from acrm_batch.scoring.lifetime_card import (
    WEEKS,
    LifetimeCard,
    discount_shares,
    lifetime_sql,
    load_lifetime,
)
from acrm_batch.scoring.lifetime_report import lifetime_page
from crm_shared.errors import UsageError
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch

#: The estimates for the CDNOW customers in Fader, Hardie and Lee (2005), table 2.
CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)


def lifetime_card(coming: BgNbd, worth: GammaGamma) -> LifetimeCard:
    """A card of known parameters."""
    return LifetimeCard(
        version=1, owner="retail-data", bg_nbd=coming.__dict__, gamma_gamma=worth.__dict__,
        nodes=tuple(zip(*(map(float, one) for one in coming.nodes()), strict=True)),
        margin=0.01, discount=0.1, training={}, metrics={},
    )  # fmt: skip


def simulated(truth: BgNbd, customers: int) -> tuple[Floats, Floats, Floats]:
    """Repeats, time of the last and age of customers who come and leave as the model says."""
    random = np.random.default_rng(4)
    age = random.integers(20, 78, customers).astype(float)
    rate = random.gamma(truth.r, 1 / truth.alpha, customers)
    leaving = random.beta(truth.a, truth.b, customers)
    repeats, last = np.zeros(customers), np.zeros(customers)
    for one in range(customers):
        at = random.exponential(1 / rate[one])
        while at <= age[one]:
            repeats[one], last[one] = repeats[one] + 1, at
            if random.random() < leaving[one]:
                break
            at += random.exponential(1 / rate[one])
    return repeats, last, age


def test_a_cdnow_customer_is_expected_as_published() -> None:
    # The worked example of Fader and Hardie, Implementing the BG/NBD Model in Excel (2005):
    # two repeat purchases, the last in week 30.43, age 38.86 weeks: 1.226 within 39 weeks.
    expected = CDNOW.expected(np.array([2.0]), np.array([30.43]), np.array([38.86]), 39.0)
    assert expected == pytest.approx([1.226], abs=5e-4)
    assert CDNOW.alive(np.array([0.0]), np.array([0.0]), np.array([38.86])) == [1.0]


def test_known_parameters_are_found_again() -> None:
    truth = BgNbd(r=0.8, alpha=6.0, a=0.8, b=2.5)
    found = fit_bg_nbd(*simulated(truth, 4_000))
    assert found.r == pytest.approx(truth.r, rel=0.15)
    assert found.alpha == pytest.approx(truth.alpha, rel=0.2)
    assert found.a / (found.a + found.b) == pytest.approx(0.8 / 3.3, rel=0.15)


def test_known_values_are_found_again() -> None:
    random = np.random.default_rng(6)
    own_scale = random.gamma(4.0, 1 / 3000.0, 20_000)
    count = random.integers(1, 30, 20_000).astype(float)
    mean = random.gamma(2.0 * count) / (own_scale * count)
    found = fit_gamma_gamma(count, mean)
    assert found.p == pytest.approx(2.0, rel=0.1)
    assert found.q == pytest.approx(4.0, rel=0.1)
    assert found.expected(count, mean).mean() == pytest.approx(mean.mean(), rel=0.02)
    alone, often = found.expected(np.array([1.0, 100.0]), np.array([9000.0, 9000.0]))
    assert 9000 * 0.95 < often < 9000
    assert alone < often


@pytest.mark.parametrize(
    "coming", [CDNOW, BgNbd(12.7, 17.9, 0.0025, 403.0), BgNbd(0.2, 4.0, 50.0, 400.0)]
)
def test_sql_sums_what_the_hypergeometric_function_integrates(coming: BgNbd) -> None:
    worth = GammaGamma(p=2.0, q=4.0, v=3000.0)
    random = np.random.default_rng(2)
    age = random.integers(0, 60, 300).astype(float)
    repeats = np.floor(age * random.random(300))
    last = np.where(repeats > 0, np.maximum(repeats, np.floor(age * 0.8)), 0.0)
    value = random.gamma(2.0, 500.0, 300)
    connection = duckdb.connect()
    connection.execute(
        "create table rows (customer_id bigint, repeats double, last double, age double,"
        " value double)"
    )
    rows = [
        [i, *map(float, row)] for i, row in enumerate(zip(repeats, last, age, value, strict=True))
    ]
    connection.executemany("insert into rows values (?, ?, ?, ?, ?)", rows)
    query = lifetime_sql(lifetime_card(coming, worth), "select * from rows")
    found = connection.execute(f"{query} order by customer_id").fetchall()
    cumulated = sum(
        share * coming.expected(repeats, last, age, WEEKS * month)
        for month, share in enumerate(discount_shares(0.1), 1)
    )
    wanted = cumulated * worth.expected(repeats + 1, value) * 0.01
    assert [float(row[2]) for row in found] == pytest.approx(list(np.asarray(wanted)), abs=0.006)
    alive = coming.alive(repeats, last, age)
    assert [float(row[1]) for row in found] == pytest.approx(list(alive), abs=5.1e-5)
    sqlglot.transpile(query, read="duckdb", write="spark",
                      unsupported_level=sqlglot.ErrorLevel.RAISE)  # fmt: skip


def test_twelve_equal_months_are_worth_what_they_are_discounted_to() -> None:
    each = sum(1.1 ** (-(month - 0.5) / 12) for month in range(1, 13))
    cumulated = sum(share * month for month, share in enumerate(discount_shares(0.1), 1))
    assert cumulated == pytest.approx(each)
    assert sum(share * month for month, share in enumerate(discount_shares(0.0), 1)) == 12


def test_the_card_is_read_back_and_refused_once_changed(tmp_path: Path) -> None:
    path = tmp_path / "lifetime.yml"
    assert load_lifetime(path) is None
    lifetime_card(CDNOW, GammaGamma(2.0, 4.0, 3000.0)).write(path)
    loaded = load_lifetime(path)
    assert loaded is not None
    assert loaded.bg_nbd["alpha"] == 4.414
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["margin"] = 0.5
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(UsageError, match=r"changed by hand.*acrm train-lifetime"):
        load_lifetime(path)
    with pytest.raises(UsageError, match=r"lifetime.yml is missing"):
        lifetime_sql(None, "select 1")


def test_the_page_says_where_nobody_leaves() -> None:
    tested = {
        "weeks": 4.0, "expected": 10.0, "observed": 11, "mean_error": 0.1, "share_active": 1.0,
        "mean_error_of_the_average": 0.2, "rank_correlation": 0.9, "mean_alive": 1.0,
        "correlation_of_rate_and_value": 0.0, "mean_value": 5.0, "mean_expected_value": 5.0,
        "groups": [{"repeats_from": 0.0, "repeats_to": 2.0, "customers": 5, "expected": 1.0,
                    "observed": 1.0}],
        "fairness": {"sex": [{"group": "female", "customers": 5, "expected": 1.5, "observed": 1.25,
                              "alive": 1.0}]},
    }  # fmt: skip
    card = lifetime_card(CDNOW, GammaGamma(2.0, 4.0, 3000.0)).model_copy(update={
        "metrics": tested,
        "training": {"customers": 5, "month_end": "2026-01-31", "test_month_end": "2026-02-28"},
    })  # fmt: skip
    assert "nobody stops for good" in lifetime_page(card)
    assert "| female | 5 | 1.5 | 1.25 | 1.0 |" in lifetime_page(card)
    some_left = card.model_copy(update={"metrics": tested | {"mean_alive": 0.8}})
    assert "nobody stops for good" not in lifetime_page(some_left)


def test_active_weeks_are_counted_once_across_month_ends(bank: Bank, crm: Batch) -> None:
    for customer in (1, 2):
        bank.customer(customer)
        bank.account(10 + customer, customer, "A", 1000)
    # 26 January 2026 is a Monday: its week reaches into February.
    for day in (date(2026, 1, 6), date(2026, 1, 30), date(2026, 2, 1), date(2026, 2, 2)):
        bank.move(11, day, 50)
    bank.move(12, date(2026, 1, 7), 10, txn_type="interest", channel="system")
    bank.deliver(date(2026, 2, 28))
    crm.run(date(2026, 2, 28), selectors=("ind_lifetime",))
    columns = "customer_id, last_week - first_week, active_weeks, turnover"
    assert crm.rows("int_active_weeks", date(2026, 1, 31), columns) == [(1, 3, 2, 100)]
    assert crm.rows("int_active_weeks", date(2026, 2, 28), columns) == [(1, 4, 3, 200)]
    [(customer, alive, worth)] = crm.rows(
        "ind_lifetime", date(2026, 2, 28), "customer_id, clv_alive, clv_12m"
    )
    assert (customer, alive) == (1, 1)
    assert worth > 0


def test_before_the_first_month_end_nobody_has_a_value(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 1000)
    bank.move(11, date(2026, 1, 6), 50)
    bank.deliver(date(2026, 1, 10))
    crm.run(date(2026, 1, 10), selectors=("ind_lifetime",))
    assert crm.rows("ind_lifetime", date(2026, 1, 10), "customer_id") == []
