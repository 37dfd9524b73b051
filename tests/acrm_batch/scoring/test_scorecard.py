"""A scorecard: what is fitted is what SQL says, and it is what it claims to be."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
import sqlglot
import yaml
from sklearn.metrics import roc_auc_score

from acrm_batch.scoring.card import Calibration, Card, load_card, load_cards
from acrm_batch.scoring.findings import findings
from acrm_batch.scoring.fit import fit
from acrm_batch.scoring.report import model_card, verdict
from acrm_batch.scoring.sql import score_sql
from acrm_batch.scoring.writing import card_of
from crm_shared.errors import UsageError
from tests.acrm_batch.scoring import examples

DAY = date(2026, 1, 31)


def test_the_card_finds_the_planted_truth_and_leaves_the_noise_out() -> None:
    found = examples.fitted()
    values, events, truth = examples.customers(20_000, seed=3)
    probability = found.probability(values, len(events))
    assert set(found.points) == {"less_money", "silence", "is_vip"}
    assert "chance" in found.dropped
    best = roc_auc_score(events, truth)
    assert roc_auc_score(events, probability) > best - 0.02
    assert probability.mean() == pytest.approx(truth.mean(), rel=0.05)
    assert np.abs(probability - truth).mean() < 0.03


def test_demanded_directions_hold_in_the_points() -> None:
    points = examples.fitted().points
    assert (np.diff(points["less_money"][:-1]) <= 0).all()
    assert (np.diff(points["silence"][:-1]) >= 0).all()


def test_without_signal_everybody_gets_the_base_rate_and_the_card_says_so(tmp_path: Path) -> None:
    values, _, _ = examples.customers(4_000)
    events = (np.random.default_rng(9).random(4_000) < 0.1).astype(np.int64)
    directions = dict.fromkeys(values, "any")
    found = fit(values, directions, events, np.arange(4_000))  # type: ignore[arg-type]
    assert found.points == {}
    assert found.probability(values, 4_000) == pytest.approx(events.mean(), rel=0.01)
    trained = replace(examples.trained(found), fit=found)
    card = card_of(trained, tmp_path)
    assert "ranks nobody" in verdict(trained).en
    assert "看不到信号" in model_card(trained, card)
    connection = duckdb.connect()
    examples.mart(connection, values)
    query = score_sql([card], "select * from mart")
    scored = connection.execute(
        f"select distinct score_leaving, reasons_leaving from ({query})"
    ).fetchall()
    assert len(scored) == 1
    assert float(scored[0][0]) == pytest.approx(events.mean(), abs=1e-3)
    assert scored[0][1] == ""


def _scored(card: Card, rows: int = 3_000) -> list[tuple[object, ...]]:
    connection = duckdb.connect()
    values, _, _ = examples.customers(rows, seed=4)
    examples.mart(connection, values)
    query = score_sql([card], "select * from mart")
    return connection.execute(f"{query} order by customer_id", {"bd": DAY}).fetchall()


def test_sql_gives_the_probabilities_of_the_fit(tmp_path: Path) -> None:
    found = examples.fitted()
    card = card_of(examples.trained(found), tmp_path)
    values, _, _ = examples.customers(3_000, seed=4)
    rows = _scored(card)
    probability = found.probability(values, 3_000)
    assert [float(str(row[1])) for row in rows] == pytest.approx(list(probability), abs=5.1e-5)


def test_reasons_are_the_largest_points_above_neutral(tmp_path: Path) -> None:
    found = examples.fitted()
    card = card_of(examples.trained(found), tmp_path)
    values, _, _ = examples.customers(3_000, seed=4)
    above = {
        one.name: found.points[one.name][found.binned[one.name].place(values[one.name])]
        - one.neutral
        for one in card.features
    }
    for number, row in enumerate(_scored(card)):
        wanted = sorted(
            ((name, int(column[number])) for name, column in above.items() if column[number] > 0),
            key=lambda pair: -pair[1],
        )
        text = str(row[3])
        given = [one.split(":") for one in text.split(",")] if text else []
        assert [int(points) for _, points in given] == [points for _, points in wanted[:3]]
        assert {name for name, _ in given} <= {name for name, _ in wanted}


def test_grades_follow_the_points(tmp_path: Path) -> None:
    rows = _scored(examples.card(tmp_path))
    lowest = {
        grade: min(float(str(row[1])) for row in rows if row[2] == grade)
        for grade in ("HIGH", "SOME", "LOW")
    }
    assert lowest["HIGH"] > lowest["SOME"] >= 0.05 > lowest["LOW"]
    assert 0.05 < sum(row[2] == "HIGH" for row in rows) / len(rows) <= 0.12


def test_whoever_is_not_in_the_population_has_no_score(tmp_path: Path) -> None:
    card = examples.card(tmp_path)
    connection = duckdb.connect()
    connection.execute(
        "create table mart as select 1 as customer_id, -5.00::decimal(18,2) as balance,"
        " null::date as last_on, true as vip, 0 as noise"
    )
    query = score_sql([card], "select * from mart")
    assert connection.execute(query, {"bd": DAY}).fetchall() == [(1, None, None, None)]


def test_the_query_is_portable(tmp_path: Path) -> None:
    query = score_sql([examples.card(tmp_path)], "select * from mart").replace(
        "$bd", "current_date"
    )
    spark = sqlglot.transpile(
        query, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE
    )[0]
    called = {
        node.sql_name().lower()
        for node in sqlglot.parse_one(spark, read="spark").find_all(sqlglot.exp.Func)
    }
    assert called <= {"case", "if", "cast", "coalesce", "greatest", "exp", "round", "date_diff",
                      "datediff", "concat", "dpipe", "nullif", "and", "or", "current_date",
                      "ts_or_ds_to_date", "try_cast"}  # fmt: skip


def test_a_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    card = examples.card(tmp_path)
    card.write(tmp_path / "leaving.yml")
    [loaded] = load_cards(tmp_path)
    assert loaded.model_copy(update={"checksum": ""}) == card
    again = examples.card(tmp_path)
    assert again.version == 1
    again.write(tmp_path / "again.yml")
    assert (tmp_path / "again.yml").read_bytes() == (tmp_path / "leaving.yml").read_bytes()


def test_another_fit_is_another_version(tmp_path: Path) -> None:
    examples.card(tmp_path).write(tmp_path / "leaving.yml")
    other = card_of(examples.trained(examples.fitted(seed=5)), tmp_path)
    assert other.version == 2


def test_a_card_that_was_changed_by_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "leaving.yml"
    examples.card(tmp_path).write(path)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["features"][0]["bins"][0]["points"] += 50
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(UsageError, match=r"changed by hand.*acrm train leaving"):
        load_card(path)


def test_two_cards_must_read_a_column_alike(tmp_path: Path) -> None:
    card = examples.card(tmp_path)
    other = card.model_copy(update={"name": "other", "columns": {"last_on": "days_until"}})
    with pytest.raises(UsageError, match="last_on is read as days_since by score leaving"):
        score_sql([card, other], "select * from mart")


@pytest.mark.parametrize("probability", [0.001, 0.05, 0.3, 0.9])
def test_points_of_a_probability_are_the_lowest_that_reach_it(probability: float) -> None:
    calibration = Calibration(intercept=-3.1, slope=0.0345)
    points = calibration.points_at(probability)
    assert calibration.probability(points) >= probability - 1e-9
    assert calibration.probability(points - 1) < probability


def test_the_model_card_shows_groups_reasons_and_the_challenger(tmp_path: Path) -> None:
    trained = examples.trained(examples.fitted())
    text = model_card(trained, card_of(trained, tmp_path))
    for expected in ("公平性 · Fairness", "挑战者 · challenger", "less_money", "Brier", "| HIGH |",
                     "does not hold for customers", "SCORE_LEAVING"):  # fmt: skip
        assert expected in text or "information value" in text


def test_the_model_card_says_what_a_validator_asks(tmp_path: Path) -> None:
    trained = examples.trained(examples.fitted())
    card = card_of(trained, tmp_path)
    page = model_card(trained, card)
    assert "Data: invented customers. Embargo: training and calibration were told events" in page
    assert "up to 2025-12-31, which is before the test's month end 2026-01-31" in page
    assert "时间隔离：训练和校准用到的事件最晚到2025-12-31，早于测试日2026-01-31" in page
    assert f"expected calibration error {trained.of_test.calibration_error:.4f}" in page
    assert "slope * points" in page.replace(str(card.calibration.slope), "slope").replace(
        " x points", " * points"
    )
    assert "| grade HIGH |" in page
    today = trained.definition.event.model_copy(update={"resemblance": True})
    trained = replace(
        trained, definition=trained.definition.model_copy(update={"event": today}),
        window=trained.window | {"source": ""},
    )  # fmt: skip
    page = model_card(trained, card)
    assert "Data: not said. The event is a state of the day" in page


def test_the_model_card_says_what_the_test_did_not_show(tmp_path: Path) -> None:
    trained = examples.trained(examples.fitted())
    card = card_of(trained, tmp_path)
    assert list(findings(trained, card)) == []
    turned = replace(trained.test, events=1 - trained.test.events)
    nobody = card.grades[0].model_copy(update={"from_points": 10**6})
    said = [
        one.en
        for one in findings(
            replace(trained, test=turned, probability=trained.probability / 2),
            card.model_copy(update={"grades": (nobody, *card.grades[1:])}),
        )
    ]
    assert "the score understates there; rank by it" in said[0]
    assert said[1] == "No test row has grade HIGH: what it would mean is not tested."
    assert said[2].startswith("Grade SOME was observed at 0.") and "below LOW (0." in said[2]
