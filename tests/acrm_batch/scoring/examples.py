"""A definition, invented data with a known truth, and its card."""

from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from acrm_batch.scoring.card import Card
from acrm_batch.scoring.definition import Definition, Feature, Grade, Label, Names
from acrm_batch.scoring.fit import Fit, Floats, Ints, fit
from acrm_batch.scoring.metrics import quality
from acrm_batch.scoring.samples import GROUPINGS, Sample
from acrm_batch.scoring.train import Trained
from acrm_batch.scoring.writing import card_of

NAMES = Names(zh="名", en="name")


def definition(name: str = "leaving") -> Definition:
    """Two features that tell something and one that does not."""
    return Definition(
        name=name, label=NAMES, owner="retail-data", purpose=NAMES, horizon_months=1,
        population="balance >= 0", population_text=NAMES,
        event=Label(sql="select customer_id from sample", text=NAMES),
        columns={"balance": "number", "last_on": "days_since", "vip": "flag", "noise": "number"},
        features=(
            Feature(name="less_money", label=NAMES, expression="balance / nullif(100, 0)",
                    direction="down"),
            Feature(name="silence", label=NAMES, expression="last_on", direction="up"),
            Feature(name="is_vip", label=NAMES, expression="vip"),
            Feature(name="chance", label=NAMES, expression="noise"),
        ),
        grades=(
            Grade(grade="HIGH", label=NAMES, top_share=0.1),
            Grade(grade="SOME", label=NAMES, from_probability=0.05),
            Grade(grade="LOW", label=NAMES, from_probability=0),
        ),
    )  # fmt: skip


def customers(rows: int, seed: int = 1) -> tuple[dict[str, Floats], Ints, Floats]:
    """Features of invented customers, who had the event, and the true probability."""
    random = np.random.default_rng(seed)
    money = random.gamma(2, 1, rows)
    silence = np.floor(random.exponential(20, rows))
    silence[random.random(rows) < 0.2] = np.nan
    vip = (random.random(rows) < 0.3).astype(float)
    logit = -2.5 - 1.2 * (money - 2) + 0.04 * (np.nan_to_num(silence, nan=10) - 20) - 0.8 * vip
    truth = 1 / (1 + np.exp(-logit))
    values = {"less_money": money, "silence": silence, "is_vip": vip,
              "chance": random.normal(size=rows)}  # fmt: skip
    return values, (random.random(rows) < truth).astype(np.int64), truth


@cache
def fitted(rows: int = 8_000, seed: int = 1) -> Fit:
    """A fit to invented customers."""
    values, events, _ = customers(rows, seed)
    directions = {feature.name: feature.direction for feature in definition().features}
    return fit(values, directions, events, np.arange(rows))


def trained(fit_: Fit, rows: int = 5_000) -> Trained:
    """A fit as training leaves it, tested on other invented customers."""
    values, events, _ = customers(rows, seed=2)
    sample = Sample(
        np.full(rows, np.datetime64("2026-01-31")), np.arange(rows), events, values,
        {name: np.array(["a", "b"] * (rows // 2)) for name in GROUPINGS},
    )  # fmt: skip
    probability = fit_.probability(values, rows)
    measured = quality(events, probability)
    return Trained(
        definition(), fit_, sample, sample, probability, measured, measured, measured,
        {"horizon_months": 1, "first_month_end": "2025-10-31",
         "calibration_month_end": "2025-11-30", "labels_until": "2025-12-31",
         "test_month_end": "2026-01-31", "events_until": "2026-02-28", "customers": rows,
         "source": "invented customers", "scikit_learn": "1"},
    )  # fmt: skip


def card(folder: Path) -> Card:
    """The card of a fit to invented customers."""
    return card_of(trained(fitted()), folder)


def mart(connection: duckdb.DuckDBPyConnection, values: dict[str, Floats]) -> None:
    """The table `mart`, with the columns from which the definition computes these features; dates
    are days before 2026-01-31."""
    rows = len(values["chance"])
    silence = [None if np.isnan(one) else int(one) for one in values["silence"]]
    table = pa.table({
        "customer_id": np.arange(rows), "balance": values["less_money"] * 100,
        "silence": pa.array(silence, pa.int32()), "vip": values["is_vip"] == 1,
        "noise": values["chance"],
    })  # fmt: skip
    connection.register("arrived", table)
    connection.execute(
        "create table mart as select * exclude (silence), date '2026-01-31' - silence as last_on"
        " from arrived"
    )
