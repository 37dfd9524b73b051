"""What a test shows of a score that whoever uses it must know: probabilities that are off, grades
that nobody gets, grades in an order that did not show."""

import math
from collections.abc import Iterator

from acrm_batch.scoring.card import Card, CardGrade
from acrm_batch.scoring.definition import Names
from acrm_batch.scoring.metrics import tenths
from acrm_batch.scoring.train import Trained

#: Standard errors beyond which a share is not what was predicted (95 %).
_SURE = 1.96


def embargo(trained: Trained) -> Names:
    """When what training was told ends, and when the test begins."""
    window = trained.window
    test = window["test_month_end"]
    if trained.definition.event.resemblance:
        return Names(
            zh=f"事件是观察日的状态，没有观察期；训练最晚的观察日{window['labels_until']}早于测试日{test}。",
            en="The event is a state of the day, so there is no horizon; the last day of training,"
            f" {window['labels_until']}, is before that of the test, {test}.",
        )
    return Names(
        zh=f"时间隔离：训练和校准用到的事件最晚到{window['labels_until']}，早于测试日{test}；"
        f"观察期越过测试日的月末一律不用于训练。测试是跨时间的检验。",
        en=f"Embargo: training and calibration were told events up to {window['labels_until']},"
        f" which is before the test's month end {test}; month ends whose horizon reaches it are"
        " not used. So the test is out of time.",
    )


def graded(trained: Trained, card: Card) -> list[tuple[CardGrade, int, int]]:
    """Every grade, the highest first: its test rows and how many of them had the event."""
    totals = trained.fit.total(trained.test.values, len(trained.test))
    before, found = 10**9, []
    for grade in card.grades:
        inside = (totals >= grade.from_points) & (totals < before)
        before = grade.from_points
        found.append((grade, int(inside.sum()), int(trained.test.events[inside].sum())))
    return found


def findings(trained: Trained, card: Card) -> Iterator[Names]:
    """Every such thing, as a sentence."""
    yield from _calibration(trained)
    yield from _not_given(trained, card)
    yield from _grades(graded(trained, card))


def _calibration(trained: Trained) -> Iterator[Names]:
    top = tenths(trained.test.events, trained.probability)[0]
    predicted, observed = float(top["probability"]), float(top["observed"])
    error = math.sqrt(predicted * (1 - predicted) / top["rows"])
    if abs(observed - predicted) > _SURE * error:
        is_high = predicted > observed
        yield Names(
            zh=f"概率最高的十分之一客户预测{predicted:.3f}，实际{observed:.3f}："
            f"{'高估' if is_high else '低估'}，可用于排序，不宜直接引用概率",
            en=f"The tenth with the highest probability was predicted {predicted:.3f} and observed"
            f" {observed:.3f}: the score {'over' if is_high else 'under'}states there; rank by it,"
            " and do not plan with its probability.",
        )


def _not_given(trained: Trained, card: Card) -> Iterator[Names]:
    given = {grade.grade for grade in card.grades}
    if gone := [grade.grade for grade in trained.definition.grades if grade.grade not in given]:
        yield Names(
            zh=f"校准月末的数据不足以把{'、'.join(gone)}级与相邻等级区分开，因此不评定该级",
            en=f"Grade {', '.join(gone)} is not given: the month end of calibration has too few"
            " events there, or cannot tell it from its neighbour.",
        )


def _grades(found: list[tuple[CardGrade, int, int]]) -> Iterator[Names]:
    empty = [grade.grade for grade, rows, _ in found if not rows]
    if empty:
        names = ", ".join(empty)
        yield Names(
            zh=f"测试样本中没有客户属于{'、'.join(empty)}级，该级别未经检验",
            en=f"No test row has grade {names}: what it would mean is not tested.",
        )
    rated = [(grade.grade, rows, events / rows) for grade, rows, events in found if rows]
    for place, (grade, rows, rate) in enumerate(rated):
        more = [(other, of) for other, _, of in rated[place + 1 :] if of > rate]
        if more:
            yield Names(
                zh=f"{grade}级（{rows:,}行）实际发生率{rate:.4f}，低于较低风险或倾向的"
                + "、".join(f"{name}级（{of:.4f}）" for name, of in more)
                + "：测试未证明该级别更高",
                en=f"Grade {grade} was observed at {rate:.4f} ({rows:,} rows), below "
                + " and ".join(f"{name} ({of:.4f})" for name, of in more)
                + ", which should be lower: the test does not show this order.",
            )
