"""Portfolios against their limits, and the customers whom a head may give to another manager.

Both are rehearsed, so that another limit can be tried before it holds; nobody is moved.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from acrm_batch.catalogue import Catalogue
from acrm_batch.rehearsal import Rehearsal
from crm_shared.errors import UsageError

#: The model that has every proposal, and is made for a rehearsal with all that it reads.
PROPOSALS = "pub_coverage_proposals"

#: What is told of a proposal.
PROPOSAL_COLUMNS = ("customer_id", "reason", "branch_id", "manager_id", "to_manager_id",
                    "deposit_balance", "loan_balance", "assigned_on")  # fmt: skip

_PORTFOLIOS = """
with proposed as (
    select
        branch_id,
        manager_id,
        count(*) filter (where reason = 'over_limit') as hand_on,
        count(*) filter (where reason = 'not_maintained') as take_back
    from proposals
    group by branch_id, manager_id
)

select
    portfolio.branch_id,
    portfolio.manager_id,
    portfolio.customers,
    portfolio.customer_limit,
    portfolio.over_by,
    coalesce(proposed.hand_on, 0) as hand_on,
    coalesce(proposed.take_back, 0) as take_back,
    portfolio.deposit_balance,
    portfolio.loan_balance
from portfolios as portfolio
left join proposed
    on proposed.branch_id = portfolio.branch_id and proposed.manager_id = portfolio.manager_id
where $branch is null or portfolio.branch_id = $branch
order by portfolio.branch_id, portfolio.manager_id
"""

_PROPOSALS = f"""
select {", ".join(PROPOSAL_COLUMNS)}
from proposals
where $branch is null or branch_id = $branch
order by branch_id, manager_id, reason desc, deposit_balance + loan_balance, customer_id
"""

Row = dict[str, Any]


@dataclass(frozen=True)
class Portfolios:
    """The portfolios of a date with their limits, and every proposal."""

    business_date: date
    portfolios: list[Row]
    proposals: list[Row]


def portfolios(
    rehearsal: Rehearsal, business_date: date, catalogue: Catalogue, *, branch: str | None = None
) -> Portfolios:
    """Rehearse the portfolios and proposals of a date, of all branches or of one."""
    runner = rehearsal.make("tried", business_date, PROPOSALS, catalogue)
    connection = runner.engine.connection
    runner.engine.partition_view("portfolios", runner.path("int_portfolios", business_date))
    runner.engine.partition_view("proposals", runner.path(PROPOSALS, business_date))

    def rows(query: str) -> list[Row]:
        found = connection.execute(query, {"branch": branch})
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    of_managers = rows(_PORTFOLIOS)
    if branch is not None and not of_managers:
        raise UsageError(
            f"Branch {branch} leads nobody and has no relationship manager; correct its number."
        )
    return Portfolios(business_date, of_managers, rows(_PROPOSALS))
