"""The model card of a trained score: one Markdown page that says what it is, how good, and for
whom not (after Mitchell and others, Model Cards for Model Reporting, FAT* 2019)."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from acrm_batch.scoring.card import Card, CardFeature
from acrm_batch.scoring.definition import Names
from acrm_batch.scoring.findings import embargo, findings, graded
from acrm_batch.scoring.metrics import (
    MOST_GROUPS,
    Quality,
    by_group,
    largest_groups,
    rate_interval,
    tenths,
)
from acrm_batch.scoring.samples import GROUPINGS
from acrm_batch.scoring.sql import REASONS
from acrm_batch.scoring.train import Trained

GROUPING_NAMES = {"sex": "性别 · sex", "age": "年龄 · age", "region": "地区 · region"}
#: Groups with fewer events than this are shown without an AUC: it would be chance.
_LEAST_EVENTS = 10


def model_card(trained: Trained, card: Card) -> str:
    """The page, ending with a newline."""
    parts = (_head, _data, _quality, _calibration, _features, _reasons, _fairness, _limits)
    return "\n".join(line for part in parts for line in part(trained, card)) + "\n"


def verdict(trained: Trained) -> Names:
    """What the test says of the score, in a sentence."""
    test = trained.of_test
    if not trained.fit.points:
        return Names(
            zh="没有任何特征对未见过的客户成立：数据中看不到信号，所有客户都得到平均概率，不宜用于排序。",
            en="No feature holds for customers whom training has not seen: the data show no signal,"
            " everybody gets the average probability, and the score ranks nobody.",
        )
    if test.auc_low is not None and test.auc_low <= 0.5:
        return Names(
            zh="样本外AUC的95%区间包含0.5：无法证明评分优于随机，不宜用于排序。",
            en="The 95% interval of the AUC out of sample includes 0.5: the score is not proven to"
            " rank better than chance; do not rank by it.",
        )
    return Names(
        zh=f"样本外AUC为{_number(test.auc)}（95%区间{_number(test.auc_low)}至{_number(test.auc_high)}），"
        f"预计校准误差{test.calibration_error:.4f}。",
        en=f"AUC out of sample {_number(test.auc)} (95% interval {_number(test.auc_low)} to"
        f" {_number(test.auc_high)}), expected calibration error {test.calibration_error:.4f}.",
    )


def _head(trained: Trained, card: Card) -> Iterator[str]:
    says = verdict(trained)
    yield f"# {card.label.zh} · {card.label.en} (`{card.code}`, version {card.version})"
    yield ""
    yield f"Written by `acrm train {card.name}`. Checksum `{card.content_checksum()[:16]}`."
    yield ""
    yield f"**{says.zh}**"
    yield ""
    yield f"**{says.en}**"
    yield ""
    yield from _table(
        ["", "中文", "English"],
        [
            ["用途 · purpose", card.purpose.zh, card.purpose.en],
            ["对象 · population", *_both(trained.definition.population_text)],
            ["事件 · event", *_both(trained.definition.event.text)],
            ["期限 · horizon", *_horizon(card)],
            ["负责人 · owner", card.owner, card.owner],
        ],
    )


def _data(trained: Trained, card: Card) -> Iterator[str]:
    window, fitted = trained.window, trained.fit
    yield from _section("数据 · Data")
    whole, calibrated = trained.of_training, (len(fitted.unseen), int(fitted.unseen_events.sum()))
    slices = [["训练 · training", f"{window['first_month_end']} to"
               f" {window['calibration_month_end']}", *_counts(whole.rows, whole.events)],
              ["其中校准 · of it calibration", window["calibration_month_end"],
               *_counts(*calibrated)],
              ["测试 · test", window["test_month_end"],
               *_counts(trained.of_test.rows, trained.of_test.events)]]  # fmt: skip
    yield from _table(["", "month ends", "rows", "events", "rate"], slices)
    yield ""
    said = embargo(trained)
    yield (
        f"Data: {window['source'] or 'not said'}. {said.en} It is of other customers, too: none of"
        " them stands in the training rows. Events of the test are those up to"
        f" {window['events_until']}. A customer stands in training once per month end"
        f" ({window['customers']:,} customers). Where training has several month ends, the last one"
        " calibrates and cuts the grades, on points of fits that have not seen the customer, and"
        " bins and weights are of the others."
    )
    yield ""
    yield (
        f"{said.zh}测试客户（30%）从未出现在训练中；测试事件观察至{window['events_until']}。训练有多个月末时，"
        "最后一个月末只用于校准和划分等级（所用得分来自未见过该客户的模型），其余月末用于分箱和权重。"
    )


def _quality(trained: Trained, card: Card) -> Iterator[str]:
    yield from _section("质量 · Quality")
    yield from _table(
        ["", "AUC", "95%", "PR-AUC", "event rate", "KS", "Brier", "Brier, base rate",
         "calibration error", "mean probability"],
        [
            _measures("测试 · test", trained.of_test),
            _measures("训练 · training", trained.of_training),
            _measures("挑战者 · challenger, test", trained.of_challenger),
        ],
    )  # fmt: skip
    yield ""
    yield (
        "The challenger is gradient boosting on all candidate features under the same monotone"
        f" constraints (scikit-learn {trained.window['scikit_learn']},"
        " HistGradientBoostingClassifier). It is reported to show what the transparent card costs,"
        " and never used. A PR-AUC is compared with the event rate, a Brier score with that of the"
        " base rate. The calibration error is the mean distance of mean probability and observed"
        " rate over the ten groups below."
    )


def _calibration(trained: Trained, card: Card) -> Iterator[str]:
    yield from _section("校准与提升度 · Calibration and lift")
    shape = card.calibration
    yield (
        f"Probability = 1 / (1 + exp(-({shape.intercept} + {shape.slope} x points))), Platt's"
        " method. Test rows in ten groups, highest probability first; the interval is Wilson's for"
        " the observed rate."
    )
    yield ""
    groups = tenths(trained.test.events, trained.probability)
    yield from _table(
        ["group", "rows", "events", "mean probability", "observed rate", "lift", "95%"],
        [[*(str(value) for value in group.values()),
          _interval(int(group["events"]), int(group["rows"]))] for group in groups],
    )  # fmt: skip
    yield ""
    yield (
        "Grades hold from their points on. Limits are cut on the calibration rows; the test was not"
        " looked at for them. 等级界限只由校准数据划定，未参考测试数据。"
    )
    yield ""
    rows = []
    for grade, number, happened in graded(trained, card):
        rate = f"{happened / number:.4f}" if number else ""
        interval = _interval(happened, number) if number else ""
        rows.append([grade.grade, grade.label.zh, grade.label.en, str(grade.from_points),
                     *_counts(grade.rows, grade.events), f"{number:,}", f"{happened:,}", rate,
                     interval])  # fmt: skip
    rows[-1][3] = ""
    yield from _table(["grade", "中文", "English", "from points", "calibration rows", "events",
                       "rate", "test rows", "events", "observed rate", "95%"], rows)  # fmt: skip


def _features(trained: Trained, card: Card) -> Iterator[str]:
    yield from _section("特征 · Features")
    for feature in card.features:
        yield f"**`{feature.name}`** {feature.label.zh} · {feature.label.en}"
        yield ""
        yield (
            f"`{feature.expression}`; direction {feature.direction}; information value"
            f" {feature.information_value}; neutral {feature.neutral} points."
        )
        yield ""
        yield from _table(["from", "below", "points", "rows", "events", "rate"], _bins(feature))
        yield ""
    if trained.fit.dropped:
        labels = {feature.name: feature.label for feature in trained.definition.features}
        yield "Candidates that were left out · 未入选："
        yield ""
        yield from _table(
            ["candidate", "中文", "why"],
            [[f"`{name}`", labels[name].zh, why] for name, why in trained.fit.dropped.items()],
        )


def _bins(feature: CardFeature) -> Iterator[list[str]]:
    start = ""
    for one in feature.bins:
        end = "" if one.below is None else f"{one.below:g}"
        yield [start, end, str(one.points), f"{one.rows:,}", f"{one.events:,}",
               f"{one.events / max(one.rows, 1):.4f}"]  # fmt: skip
        start = end
    empty = feature.missing
    if empty.rows:
        yield ["empty", "", str(empty.points), f"{empty.rows:,}", f"{empty.events:,}",
               f"{empty.events / empty.rows:.4f}"]  # fmt: skip


def _reasons(trained: Trained, card: Card) -> Iterator[str]:
    yield from _section("原因 · Reasons")
    yield (
        f"A customer's reasons are the up to {REASONS} features with the most points above neutral"
        " (the average of the training population). How often each is the first among the tenth of"
        " the test rows with the highest probability:"
    )
    yield ""
    if not card.features:
        yield "No feature, no reason."
        return
    top = np.argsort(-trained.probability, kind="stable")[: max(len(trained.test) // 10, 1)]
    above = np.column_stack([
        trained.fit.points[one.name][
            trained.fit.binned[one.name].place(trained.test.values[one.name][top])
        ] - one.neutral
        for one in card.features
    ])  # fmt: skip
    first = np.where(above.max(axis=1) > 0, above.argmax(axis=1), -1)
    yield from _table(
        ["feature", "中文", "first reason of"],
        [[f"`{one.name}`", one.label.zh, f"{np.mean(first == place):.0%}"]
         for place, one in enumerate(card.features)],
    )  # fmt: skip


def _fairness(trained: Trained, card: Card) -> Iterator[str]:
    yield from _section("公平性 · Fairness")
    yield (
        "Sex, age and place are no features. Test rows by group: mean probability against observed"
        f" rate, AUC where a group has at least {_LEAST_EVENTS} events, and the share with the"
        f" highest grade ({card.grades[0].grade}). `none` are businesses and groups, or not known;"
        " small groups together are `others`."
    )
    is_highest = (
        trained.fit.total(trained.test.values, len(trained.test)) >= card.grades[0].from_points
    )
    for grouping in GROUPINGS:
        yield ""
        groups = largest_groups(trained.test.groups[grouping], MOST_GROUPS)
        rows = by_group(trained.test.events, trained.probability, groups)
        yield from _table(
            [GROUPING_NAMES[grouping], "rows", "events", "mean probability", "observed rate",
             "AUC", f"grade {card.grades[0].grade}"],
            [[name, f"{one.rows:,}", f"{one.events:,}", f"{one.mean_probability:.4f}",
              f"{one.observed_rate:.4f}", _number(one.auc) if one.events >= _LEAST_EVENTS else "",
              f"{is_highest[groups == name].mean():.1%}"]
             for name, one in rows],
        )  # fmt: skip


def _limits(trained: Trained, card: Card) -> Iterator[str]:
    yield from _section("局限 · Limits")
    for limit in (*trained.definition.limits, *findings(trained, card)):
        yield f"* {limit.zh}"
        yield f"* {limit.en}"
    yield "* 只在所述数据窗口内检验过；客户行为或产品变化后须重新训练。"
    yield ("* Tested on the window above alone; train it again when products or behaviour change.")


def _section(title: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _measures(name: str, one: Quality) -> list[str]:
    interval = "" if one.auc_low is None else f"{_number(one.auc_low)}–{_number(one.auc_high)}"
    return [name, _number(one.auc), interval, _number(one.pr_auc), f"{one.observed_rate:.4f}",
            _number(one.ks), f"{one.brier:.5f}", f"{one.brier_of_base_rate:.5f}",
            f"{one.calibration_error:.5f}", f"{one.mean_probability:.4f}"]  # fmt: skip


def _counts(rows: int, events: int) -> list[str]:
    return [f"{rows:,}", f"{events:,}", f"{events / max(rows, 1):.4f}"]


def _interval(events: int, rows: int) -> str:
    low, high = rate_interval(events, rows)
    return f"{low:.4f}–{high:.4f}"


def _horizon(card: Card) -> list[str]:
    months = card.horizon_months
    return [f"{months}个月", f"{months} months"] if months else ["无", "none"]


def _both(names: Names) -> list[str]:
    return [names.zh, names.en]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
