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


def overlapping(trained: Trained) -> Names:
    """Which horizons of training lie in the weeks of the test's, and what that is worth."""
    test, overlap = trained.window["test_month_end"], trained.overlap
    if trained.definition.event.resemblance:
        return Names(
            zh="事件是观察日的状态，没有观察期，不存在重叠。",
            en="The event is a state of the day: there is no horizon that could overlap.",
        )
    if not overlap.month_ends:
        return Names(
            zh=f"训练的观察期均在{test}或之前结束，与测试的观察期不重叠。",
            en=f"Every horizon of training ends by {test}, so none overlaps the test's.",
        )
    first, last, count = overlap.month_ends[0], overlap.month_ends[-1], len(overlap.month_ends)
    said = Names(
        zh=f"训练月末{first}至{last}（共{count}个）的观察期越过{test}，与测试的观察期重叠："
        "事件本身不重复，但同一时期影响所有客户的变化两边都看得到。",
        en=f"The horizons of {count} month ends of training ({first} to {last}) reach past {test}"
        " into the test's: no event stands on both sides, but what those weeks did to everybody"
        " does.",
    )
    if overlap.without is None:
        return Names(
            zh=f"{said.zh}去掉这些月末就没有可训练的数据，因此没有不重叠的检验。",
            en=f"{said.en} Without them nothing is left to train on, so there is no test without"
            " overlap.",
        )
    first, last = overlap.others[0], overlap.others[-1]
    return Names(
        zh=f"{said.zh}“不重叠”一行只用{first}至{last}训练。",
        en=f"{said.en} The row “without overlap” is trained on {first} to {last} alone.",
    )


def graded(trained: Trained, card: Card) -> list[tuple[CardGrade, int, float | None]]:
    """Every grade, the highest first: its test rows and their observed rate."""
    totals = trained.fit.total(trained.test.values, len(trained.test))
    before, found = 10**9, []
    for grade in card.grades:
        inside = (totals >= grade.from_points) & (totals < before)
        before = grade.from_points
        rate = float(trained.test.events[inside].mean()) if inside.any() else None
        found.append((grade, int(inside.sum()), rate))
    return found


def findings(trained: Trained, card: Card) -> Iterator[Names]:
    """Every such thing, as a sentence."""
    yield from _overlap(trained)
    yield from _calibration(trained)
    yield from _grades(graded(trained, card))


def _overlap(trained: Trained) -> Iterator[Names]:
    if trained.overlap.month_ends and trained.overlap.without is None:
        yield Names(
            zh="训练与测试的观察期在时间上重叠，因此本测试是换客户的检验，不是跨时间的检验",
            en="Horizons of training and test lie in the same weeks: the test is of other"
            " customers, not of another time.",
        )


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


def _grades(found: list[tuple[CardGrade, int, float | None]]) -> Iterator[Names]:
    empty = [grade.grade for grade, rows, _ in found if not rows]
    if empty:
        names = ", ".join(empty)
        yield Names(
            zh=f"测试样本中没有客户属于{'、'.join(empty)}级，该级别未经检验",
            en=f"No test row has grade {names}: what it would mean is not tested.",
        )
    for place, (grade, rows, rate) in enumerate(found):
        more = [
            (other.grade, of)
            for other, _, of in found[place + 1 :]
            if rate is not None and of is not None and of > rate
        ]
        if more and rate is not None:
            yield Names(
                zh=f"{grade.grade}级（{rows:,}行）实际发生率{rate:.4f}，低于较低风险或倾向的"
                + "、".join(f"{name}级（{of:.4f}）" for name, of in more)
                + "：测试未证明该级别更高",
                en=f"Grade {grade.grade} was observed at {rate:.4f} ({rows:,} rows), below "
                + " and ".join(f"{name} ({of:.4f})" for name, of in more)
                + ", which should be lower: the test does not show this order.",
            )
