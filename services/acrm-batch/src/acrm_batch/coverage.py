"""Who would move and why, before anybody moves; and why a customer is whose he is.

Both are rehearsed: nothing is recorded or published. What is compared is who leads, branch and
manager; `docs/rules.md` has the rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from acrm_batch.catalogue import Catalogue
from acrm_batch.engines.sql import empty_relation, literal
from acrm_batch.rehearsal import Rehearsal
from acrm_batch.runner import Runner
from crm_shared.errors import NotReadyError, UsageError

#: The model that has every lead, and is made for a rehearsal with all that it reads.
LEADS = "int_lead_customers"

#: What is told of a move, beside why.
MOVE_COLUMNS = ("customer_id", "change", "old_branch_id", "old_manager_id", "old_rule",
                "new_branch_id", "new_manager_id", "new_rule", "manager_from", "deposit_balance",
                "loan_balance")  # fmt: skip

_BASELINE = {"customer_id": "bigint", "rule": "varchar", "branch_id": "varchar",
             "manager_id": "varchar"}  # fmt: skip
_PARAMETERS = ("coverage.averaging_days", "coverage.hysteresis_pct",
               "coverage.hysteresis_month_ends", "coverage.settled_loan_days")  # fmt: skip

#: What needs them, as a sentence about a missing value says it.
_EXPLANATION = "the explanation of coverage"

#: What a rule looks at, by the columns of the decision; the rule matches where there is any of it.
_LOOKED_AT = {
    "locked": {
        "branch_id": "lock_branch_id",
        "manager_id": "lock_manager_id",
        "locked_on": "locked_on",
        "locked_until": "locked_until",
    },
    "loan": {
        "loan_id": "loan_id",
        "branch_id": "loan_branch_id",
        "manager_id": "loan_manager_id",
        "balance": "loan_balance",
        "granted_on": "loan_granted_on",
    },
    "loan_settled": {
        "loan_id": "settled_loan_id",
        "branch_id": "settled_branch_id",
        "manager_id": "settled_manager_id",
        "settled_on": "settled_on",
    },
    "card": {
        "card_id": "card_id",
        "branch_id": "card_branch_id",
        "manager_id": "card_manager_id",
        "credit_limit": "card_credit_limit",
        "issued_on": "card_issued_on",
    },
}

_MOVES = """
create or replace temp table moves as
select
    coalesce(after.customer_id, before.customer_id) as customer_id,
    case
        when before.customer_id is null then 'new'
        when after.customer_id is null then 'gone'
        when before.branch_id <> after.branch_id then 'branch'
        else 'manager'
    end as change,
    before.branch_id as old_branch_id,
    before.manager_id as old_manager_id,
    before.rule as old_rule,
    after.branch_id as new_branch_id,
    after.manager_id as new_manager_id,
    after.rule as new_rule,
    after.manager_from,
    coalesce(after.deposit_balance, 0.00) as deposit_balance,
    coalesce(after.loan_balance, 0.00) as loan_balance
from baseline as before
full join rehearsed as after on after.customer_id = before.customer_id
where
    before.customer_id is null
    or after.customer_id is null
    or before.branch_id <> after.branch_id
    or before.manager_id <> after.manager_id
"""

_SUMMARY = """
with sides as (
    select new_branch_id as branch_id, new_manager_id as manager_id, 1 as gained,
        old_branch_id is distinct from new_branch_id as is_branch, deposit_balance, loan_balance
    from moves
    where new_branch_id is not null
    union all
    select old_branch_id, old_manager_id, 0,
        old_branch_id is distinct from new_branch_id, deposit_balance, loan_balance
    from moves
    where old_branch_id is not null
)

select
    {by},
    count(*) filter (where gained = 1) as customers_gained,
    count(*) filter (where gained = 0) as customers_lost,
    coalesce(sum(deposit_balance) filter (where gained = 1), 0.00) as deposits_gained,
    coalesce(sum(deposit_balance) filter (where gained = 0), 0.00) as deposits_lost,
    coalesce(sum(loan_balance) filter (where gained = 1), 0.00) as loans_gained,
    coalesce(sum(loan_balance) filter (where gained = 0), 0.00) as loans_lost
from sides
where {where}
group by {by}
order by {by}
"""

_INPUTS = """
with averages as (
    select
        customer_id,
        list({{
            'branch_id': branch_id,
            'average': average(balance_days, {days}),
            'sum': balance_days,
            'first_opened_on': first_opened_on
        }} order by balance_days desc, first_opened_on, branch_id) as averages
    from branch_averages
    where customer_id in (select customer_id from wanted)
    group by customer_id
),

month_end as (
    select
        customer_id,
        max(previous_lead_branch_id) as lead_before,
        list({{
            'branch_id': branch_id,
            'average': average(balance_days, {days}),
            'sum': balance_days,
            'month_ends_above': streak,
            'leads': is_lead
        }} order by balance_days desc, branch_id) as branches
    from deposit_leads
    where customer_id in (select customer_id from wanted)
    group by customer_id
)

select decision.*, averages.averages, month_end.lead_before, month_end.branches
from decisions as decision
left join averages on averages.customer_id = decision.customer_id
left join month_end on month_end.customer_id = decision.customer_id
where decision.customer_id in (select customer_id from wanted)
order by decision.customer_id
"""

Row = dict[str, Any]


@dataclass(frozen=True)
class DryRun:
    """What a date would change: every move, and what they come to per branch and manager."""

    business_date: date
    compared_with: str
    parameters: Row
    customers: list[Row]
    branches: list[Row]
    managers: list[Row]


def dry_run(
    rehearsal: Rehearsal,
    business_date: date,
    catalogue: Catalogue,
    *,
    against: date | None = None,
    branch: str | None = None,
) -> DryRun:
    """Rehearse a date and compare it with the newest published date up to it, or with `against`.

    With a branch, only who would come to it, leave it, or change hands there.
    """
    compared = _baseline(rehearsal, business_date, against)
    runner = rehearsal.make("tried", business_date, LEADS, catalogue)
    connection = runner.engine.connection
    runner.engine.partition_view("rehearsed", runner.path(LEADS, business_date))
    connection.execute(_MOVES)
    if branch is not None:
        _check_branch(runner, branch)
        connection.execute(
            "delete from moves where not coalesce(old_branch_id = $branch, false)"
            " and not coalesce(new_branch_id = $branch, false)",
            {"branch": branch},
        )
    moves = _rows(runner, "select * from moves order by customer_id")
    reasons = {row["customer_id"]: row for row in _inputs(runner, business_date, "moves")}
    for move in moves:
        decided = reasons.get(move["customer_id"])
        move["why"] = _why(decided, runner, business_date)["rules"] if decided else []
    return DryRun(
        business_date,
        compared,
        _in_force(runner, business_date),
        moves,
        _rows(runner, _SUMMARY.format(by="branch_id", where="is_branch")),
        _rows(runner, _SUMMARY.format(by="branch_id, manager_id", where="true")),
    )


def why(rehearsal: Rehearsal, business_date: date, customer_id: int, catalogue: Catalogue) -> Row:
    """Why a customer is whose he is: every rule in order, matched or not, with its values."""
    runner = rehearsal.make("tried", business_date, LEADS, catalogue)
    found = _inputs(runner, business_date, f"(select {int(customer_id)} as customer_id)")
    if not found:
        raise UsageError(
            f"Customer {customer_id} is no active customer on {business_date}, and only active"
            " customers are covered; correct the number or the date."
        )
    return _why(found[0], runner, business_date) | {
        "business_date": business_date,
        "parameters": _in_force(runner, business_date),
    }


def _baseline(rehearsal: Rehearsal, business_date: date, against: date | None) -> str:
    """The relation `baseline`: as published, else as the models make that date now."""
    published = rehearsal.ledger.published_dates()
    earlier = [day for day in published if day <= business_date]
    if against is None:
        against = max(earlier, default=None) or business_date - timedelta(days=1)
    engine = rehearsal.runner.engine
    if against in published:
        file = engine.aside / "published.csv"
        with (
            file.open("wb") as stream,
            rehearsal.ledger.connection.cursor() as cursor,
            cursor.copy(
                "copy (select customer_id, rule, lead_branch_id, lead_manager_id"
                " from acrm.coverage_decisions where business_date ="
                f" {literal(against)}) to stdout (format csv)".encode()
            ) as copy,
        ):
            for block in copy:
                stream.write(block)
        if file.stat().st_size:
            columns = ", ".join(f"{literal(n)}: {literal(t)}" for n, t in _BASELINE.items())
            query = f"select * from read_csv({literal(file)}, header=false, columns={{{columns}}})"
        else:
            query = empty_relation(_BASELINE)
        engine.view("baseline", query)
        return f"{against}, as published"
    if against > business_date or against not in rehearsal.runner.inputs.days:
        raise NotReadyError(
            f"{against} is neither published nor delivered, so there is nothing to compare with;"
            " name another date with --against."
        )
    runner = rehearsal.make("baseline", against, LEADS, rehearsal.runner.project.catalogue)
    kept = literal(runner.path(LEADS, against))
    engine.view("baseline", f"select {', '.join(_BASELINE)} from read_parquet({kept})")
    return f"{against}, not published"


def _check_branch(runner: Runner, branch: str) -> None:
    known = (
        "select 1 from rehearsed where branch_id = $b union all"
        " select 1 from baseline where branch_id = $b limit 1"
    )
    if not runner.engine.connection.execute(known, {"b": branch}).fetchall():
        raise UsageError(f"Branch {branch} leads nobody, before or after; correct its number.")


def _in_force(runner: Runner, business_date: date) -> Row:
    known = runner.project.catalogue
    return {code: known.union_wide(code, business_date, _EXPLANATION) for code in _PARAMETERS}


def _rows(runner: Runner, query: str) -> list[Row]:
    found = runner.engine.connection.execute(query)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _inputs(runner: Runner, business_date: date, wanted: str) -> list[Row]:
    """What the decisions of some customers were made of."""
    engine = runner.engine
    month_end = max(runner.inputs.month_ends(business_date), default=None)
    engine.partition_view("decisions", runner.path("int_lead_decisions", business_date))
    engine.partition_view("branch_averages", runner.path("int_branch_averages", business_date))
    if month_end:
        engine.partition_view("deposit_leads", runner.path("int_deposit_leads", month_end))
    else:
        columns = runner.project.models["int_deposit_leads"].before
        engine.view("deposit_leads", empty_relation(columns))
    engine.view("wanted", f"select customer_id from {wanted}")
    days = runner.project.catalogue.union_wide(
        "coverage.averaging_days", business_date, _EXPLANATION
    )
    return _rows(runner, _INPUTS.format(days=days))


def _why(row: Row, runner: Runner, business_date: date) -> Row:
    """A decision as its rules in order, with the values that each looked at."""
    rules = [
        {"rule": name, "matched": matched, "decides": name == row["rule"], "values": values}
        for name, matched, values in _rules(row, runner, business_date)
    ]
    return {
        "customer_id": row["customer_id"],
        "lead_branch_id": row["lead_branch_id"],
        "lead_manager_id": row["lead_manager_id"],
        "manager_from": row["manager_from"],
        "manager_of_the_rule": row["proposed_manager_id"],
        "rule": row["rule"],
        "rule_version": row["rule_version"],
        "rules": rules,
    }


def _rules(row: Row, runner: Runner, business_date: date) -> Iterator[tuple[str, bool, Row]]:
    for rule, columns in _LOOKED_AT.items():
        values = {name: row[column] for name, column in columns.items() if row[column] is not None}
        matched = bool(values)
        if rule == "loan_settled" and matched:
            keeps = runner.project.catalogue.union_wide(
                "coverage.settled_loan_days", business_date, _EXPLANATION
            )
            values["leads_until"] = row["settled_on"] + timedelta(days=int(keeps))
        yield rule, matched, values
    yield "deposit", row["deposit_branch_id"] is not None, _deposit(row, runner, business_date)
    yield "registered", row["natural_rule"] == "registered", {"branch_id": row["home_branch_id"]}


def _deposit(row: Row, runner: Runner, business_date: date) -> Row:
    """The averages of the date and, where the lead is the last month end's, those of then."""
    if row["deposit_branch_id"] is None:
        return {}
    values = {"branch_id": row["deposit_branch_id"], "averages": row["averages"]}
    if not row["is_month_end_lead"]:
        return values | {"decided_on": business_date}
    return values | {
        "decided_on": max(runner.inputs.month_ends(business_date)),
        "lead_before": row["lead_before"],
        "month_end": row["branches"],
    }
