"""The score of a reminder: what is worth doing first. docs/rules/day-list.md is the formula.

Four components of 0 to 100, each times its weight; the score is the weighted mean of those that a
reminder has, so it is of 0 to 100 too, and the points of its components add up to it exactly.
"""

from dataclasses import dataclass
from typing import Literal

from ocrm_api.languages import Text
from ocrm_api.parameters import Parameter
from ocrm_api.reminders.inhibition import INHIBITION, LOUD, MUTES, QUIET
from ocrm_api.reminders.transitions import LIVE, OPEN, sql
from ocrm_api.reminders.usefulness import USEFULNESS

ComponentCode = Literal["urgency", "amount", "customer_value", "usefulness"]

_POINTS = Text("权重", "weight")


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the score: its name, the expression of its value, and its weight."""

    code: ComponentCode
    name: Text
    value: str
    weight: Parameter


def _weight(code: str, name: Text, default: int) -> Parameter:
    return Parameter(
        f"day_list.weight_{code}", name, _POINTS, lambda _: default, most=100, per_rule=False
    )


#: A sum of 1,000 or less is 0, of 10 million or more 100, and ten times as much 25 more.
def _strength(amount: str) -> str:
    thousands = f"(greatest({amount}, 1) / 1000)::float8"
    strength = f"least(100, greatest(0, round(25 * log({thousands}))))::integer"
    return f"case when {amount} is not null then {strength} end"


#: What is overdue, and what went to the head, cannot wait. What falls due counts the days until
#: then, 30 days ahead being 0; other news loses a tenth with each day.
_PRESSING = """case
    when o.escalated_at is not null or o.rule_code like 'R03.%' then 100
    when o.due_on is not null
         and (o.rule_code like 'R02.%' or o.rule_code in ('R04.BIRTHDAY', 'R04.FESTIVAL'))
    then least(100, greatest(0, 100 - (o.due_on - cast(:today as date)) * 100 / 30))
    else least(100, greatest(0, 100 - (cast(:today as date) - o.business_date) * 10))
end"""

COMPONENTS = (
    Component(
        "urgency",
        Text("紧急程度", "Urgency"),
        f"((25 * (5 - o.priority) + {_PRESSING}) / 2)::integer",
        _weight("urgency", Text("紧急程度的权重", "Weight of urgency"), 40),
    ),
    Component(
        "amount",
        Text("金额", "Amount"),
        _strength("o.amount"),
        _weight("amount", Text("金额的权重", "Weight of the amount"), 25),
    ),
    Component(
        "customer_value",
        Text("客户价值", "Value of the customer"),
        "case when cover.is_key_customer then 100 else " + _strength("cover.balance") + " end",
        _weight("customer_value", Text("客户价值的权重", "Weight of the customer's value"), 20),
    ),
    Component(
        "usefulness",
        Text("规则有用率", "Usefulness of the rule"),
        "coalesce(rule.usefulness, 50)",
        _weight("usefulness", Text("规则有用率的权重", "Weight of the rule's usefulness"), 15),
    ),
)

DAILY_BUDGET = Parameter(
    "day_list.budget",
    Text("每日处理客户数", "Customers a manager can see to in a day"),
    Text("户", "customers"),
    lambda _: 20,
    most=1000,
    per_rule=False,
)
#: Every parameter of the day list by its code.
PARAMETERS = {one.code: one for one in (DAILY_BUDGET, *(one.weight for one in COMPONENTS))}

_VALUES = ",\n".join(f"{one.value} as {one.code}" for one in COMPONENTS)
_OF_EACH = ",\n".join(
    f"coalesce(round(:weight_{one.code} * {one.code}::numeric / known, 2), 0) as {one.code}_points"
    for one in COMPONENTS
)
#: The weights of what is known; 1 where all of them are 0.
_KNOWN = " + ".join(
    f"case when {one.code} is null then 0 else :weight_{one.code} end" for one in COMPONENTS
)
_SUM = " + ".join(f"{one.code}_points" for one in COMPONENTS)

#: Every open reminder of `:owner` in `:branches`, with its score and what mutes it. The list is
#: joined neither with itself nor at once with all customers: PostgreSQL cannot know how long it is,
#: and a plan for a short one takes seconds for 10,000.
SCORED = f"""
with mine as materialized (
    select r.reminder_id, r.rule_code, r.customer_id, r.lead_branch_id, r.subject, r.status,
           r.priority, r.business_date, r.due_on, r.amount, r.escalated_at,
           jsonb_agg(jsonb_build_object(
               'reminder_id', r.reminder_id, 'rule_code', r.rule_code, 'subject', r.subject,
               'business_date', r.business_date
           )) filter (where r.rule_code {LOUD}) over (partition by r.customer_id) as loud
    from ocrm.reminders r
    where r.owner_id = :owner and r.status {sql(LIVE)}
      and r.lead_branch_id = any (cast(:branches as text[]))
), judged as (
    select o.reminder_id, o.customer_id, o.priority,
           case when o.loud is not null and o.rule_code {QUIET} then (
               select min(loud.reminder_id::text)::uuid
               from jsonb_to_recordset(o.loud) as loud
                        (reminder_id uuid, rule_code text, subject text, business_date date)
               join {INHIBITION}
                 on {MUTES}
           ) end as muted_by,
           cover.is_key_customer, cover.balance,
           {_VALUES}
    from mine o
    left join lateral (
        select lead.is_key_customer, lead.deposit_balance + lead.loan_balance as balance
        from acrm.coverage lead
        where lead.business_date = cast(:published as date) and lead.branch_id = o.lead_branch_id
          and lead.customer_id = o.customer_id and lead.role = 'lead'
        limit 1
    ) cover on true
    left join ({USEFULNESS}) rule on rule.rule_code = o.rule_code
    where o.status {sql(OPEN)}
), weighed as (
    select judged.*, {_OF_EACH}
    from judged cross join lateral (select greatest(1, {_KNOWN}) as known) weights
)
select weighed.*, least(100, {_SUM}) as score from weighed
"""
