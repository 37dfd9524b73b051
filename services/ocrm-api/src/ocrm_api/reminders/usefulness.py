"""How useful each rule has been: outcomes of each day, counted once, the morning after.

A rule is as useful as the outcomes of the last `DAYS` days say, drawn towards one half by
`PRIOR` outcomes that nobody gave, so that a new rule is neither best nor worst (Laplace's rule
of succession).
"""

from datetime import date, datetime, time, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared.clock import BANK_ZONE
from crm_shared.reminder_rules import RULES
from ocrm_api.reminders.outcomes import OUTCOMES

#: How far back outcomes count.
DAYS = 90
#: Outcomes added to those that were given, half of them useful.
PRIOR = 10

#: By rule, out of 100. `today` is a parameter.
USEFULNESS = f"""
select rule_code,
       round(100.0 * (sum(useful) + {PRIOR} / 2) / (sum(useful) + sum(useless) + {PRIOR}))::integer
           as usefulness
from ocrm.rule_outcomes where counted_on >= cast(:today as date) - {DAYS}
group by rule_code
"""

_MISSING = text(
    "select max(day)::date from generate_series(cast(:first as date), cast(:last as date),"
    " interval '1 day') as day"
    " where not exists (select from ocrm.rule_outcomes where counted_on = day::date)"
)
_COUNT = text("""
insert into ocrm.rule_outcomes (counted_on, rule_code, useful, useless)
select cast(:day as date), rule, count(r.reminder_id) filter (where outcome_code = any (:useful)),
       count(r.reminder_id) filter (where outcome_code = any (:useless))
from unnest(cast(:rules as text[])) as rule
left join ocrm.reminders r
  on r.rule_code = rule and r.status = 'done' and r.done_at >= :begins and r.done_at < :ends
group by rule
on conflict do nothing
""")


async def count_a_day(session: AsyncSession, today: date) -> date | None:
    """Count the outcomes of the newest day that is over and not counted; which day that was.

    The session sees every branch.
    """
    days = {"first": today - timedelta(days=DAYS), "last": today - timedelta(days=1)}
    day: date | None = (await session.execute(_MISSING, days)).scalar_one()
    if day is not None:
        await session.execute(
            _COUNT,
            {
                "day": day,
                "rules": list(RULES),
                "begins": datetime.combine(day, time(0), BANK_ZONE),
                "ends": datetime.combine(day + timedelta(days=1), time(0), BANK_ZONE),
                "useful": [code for code, one in OUTCOMES.items() if one.useful],
                "useless": [code for code, one in OUTCOMES.items() if one.useful is False],
            },
        )
    return day
