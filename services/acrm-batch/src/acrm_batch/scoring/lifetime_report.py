"""The model card of the customer lifetime value."""

from typing import Any

from acrm_batch.scoring.lifetime_card import LifetimeCard
from acrm_batch.scoring.report import GROUPING_NAMES

#: A mean probability of being alive above this: the fit found no leaving.
_NOBODY_LEAVES = 0.995


def lifetime_page(card: LifetimeCard) -> str:
    """The page, in Markdown."""
    metrics, training = card.metrics, card.training
    parameters = ", ".join(
        f"{name} = {value:.4g}" for name, value in {**card.bg_nbd, **card.gamma_gamma}.items()
    )
    rows = "\n".join(
        f"| {one['repeats_from']:.0f} to {one['repeats_to']:.0f} | {one['customers']:,} "
        f"| {one['expected']} | {one['observed']} |"
        for one in metrics["groups"]
    )
    head = (
        f"# 客户终身价值 · Customer lifetime value (`CLV_12M`, `CLV_ALIVE`, version {card.version})"
    )
    return f"""{head}

Written by `acrm train-lifetime`. Checksum `{card.content_checksum()[:16]}`. Owner: {card.owner}.

**测试期内预计有动账的周数为{metrics["expected"]:,.0f}，实际为{metrics["observed"]:,}。**

**Weeks with bookings in the test: {metrics["expected"]:,.0f} expected,
{metrics["observed"]:,} observed.**

A coming is a week in which something is booked on the customer's accounts, by him or by others,
but not by the bank (interest, fees). How often he will still come is BG/NBD, what a coming turns
over is Gamma-Gamma (Fader, Hardie, Lee 2005). A year of it, discounted
at {card.discount:.1%}, times a margin of {card.margin:.2%} of the turnover, is the value.

以账户有动账（本人或他人发起，银行结息收费除外）的周为一次“到访”：BG/NBD预测到访次数，Gamma-Gamma预测每次金额，
按年{card.discount:.1%}折现并乘以{card.margin:.2%}的收益率即为价值。

Parameters · 参数: {parameters}.

## 测试 · Test

Fitted on {training["customers"]:,} customers with their bookings up to {training["month_end"]},
tested on the {metrics["weeks"]} weeks up to {training["test_month_end"]}.

| | |
|---|---|
| mean absolute error, weeks | {metrics["mean_error"]} |
| the same where everybody comes at the average rate | {metrics["mean_error_of_the_average"]} |
| rank correlation of expected and observed weeks | {metrics["rank_correlation"]} |
| mean probability of being alive | {metrics["mean_alive"]} |
| share that came at least once | {metrics["share_active"]} |
| mean turnover of an active week, observed | {metrics["mean_value"]:,.2f} |
| mean turnover of an active week, expected | {metrics["mean_expected_value"]:,.2f} |
| rank correlation of rate and value (Gamma-Gamma: 0) | {metrics["correlation_of_rate_and_value"]} |

{_leaving(metrics)}

| repeated weeks so far | customers | expected | observed |
|---|---|---|---|
{rows}

## 公平性 · Fairness

Sex, age and place are no inputs. Weeks with bookings in the test by group, as means: what was
expected against what happened. `none` are businesses and groups, or not known; small groups
together are `others`.

性别、年龄、地区均不参与计算。下表按组比较测试期内有动账周数的预计均值与实际均值。

{_fairness(metrics)}

## 局限 · Limits

* 只含支付与结算带来的价值；存贷款利差见贡献度指标。
* It is the value of payments and settlement; what balances earn by their margin is not in it.
* 一周最多计一次，几乎每周都来的客户其到访不符合泊松假设。
* A week counts once: whoever comes nearly every week comes more regularly than the model assumes.
* 截至上月末；年龄从首次交付的动账起算。
* It is as of the last month end; age is counted from the first booking that was delivered.
"""


def _fairness(metrics: dict[str, Any]) -> str:
    """A table per grouping."""
    tables = []
    for name, groups in metrics["fairness"].items():
        lines = [f"| {GROUPING_NAMES[name]} | 客户数 · customers | 预计 · expected"
                 " | 实际 · observed | 平均 · mean `CLV_ALIVE` |",
                 "|---|---|---|---|---|"]  # fmt: skip
        lines += [
            f"| {one['group']} | {one['customers']:,} | {one['expected']} | {one['observed']}"
            f" | {one['alive']} |"
            for one in groups
        ]
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def _leaving(metrics: dict[str, Any]) -> str:
    """What the data say of customers who leave for good."""
    if metrics["mean_alive"] > _NOBODY_LEAVES:
        return (
            "In these data nobody stops for good, so `CLV_ALIVE` tells nobody apart."
            " 数据中没有客户彻底停止动账，因此`CLV_ALIVE`没有区分力。"
        )
    return "`CLV_ALIVE` is below 1 for whoever has been away for longer than he used to be."
