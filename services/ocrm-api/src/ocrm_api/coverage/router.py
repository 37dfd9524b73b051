"""Coverage, read: who leads, who assists, and why."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Response

from ocrm_api import languages
from ocrm_api.coverage import repository
from ocrm_api.coverage.reasons import why
from ocrm_api.coverage.schemas import BranchCoverage, CustomerCoverage
from ocrm_api.customers import repository as customers
from ocrm_api.customers.router import CustomerId
from ocrm_api.db import Session
from ocrm_api.json_responses import as_is, json_response
from ocrm_api.problems import NotFound, NothingPublished
from ocrm_api.security import BusinessDate, CurrentViewer, operation

router = APIRouter(prefix="/v1", tags=["coverage"])

BranchId = Annotated[str, Path(max_length=32, examples=["B0101"])]


@router.get(
    "/customers/{customer_id}/coverage",
    response_model=CustomerCoverage,
    summary="Who covers a customer, and why",
    **operation("coverage.read", NothingPublished, NotFound),
)
async def show_customer_coverage(
    *,
    customer_id: CustomerId,
    session: Session,
    viewer: CurrentViewer,
    day: BusinessDate,
    accept_language: Annotated[str | None, Header()] = None,
) -> Response:
    """Rows of the viewer's branches; the decision with its inputs where they lead."""
    scope = viewer.scope
    customer = await customers.customer(session, scope, day, customer_id)
    if customer is None:
        raise NotFound
    rows = await repository.rows_of_customer(session, scope, day, customer_id)
    decision = await repository.decision(session, scope, day, customer_id)
    shown = None
    if decision is not None:
        names = (
            "rule", "rule_version", "lead_branch_id", "lead_manager_id", "previous_lead_branch_id",
            "moved",
        )  # fmt: skip
        reason = why(decision.rule, languages.choose(accept_language))
        shown = {name: getattr(decision, name) for name in names} | {
            "inputs": as_is(decision.inputs_text),
            "why": reason,
        }
    return json_response(
        {
            "customer_id": customer_id,
            "business_date": day,
            "lead_branch_id": rows[0]["lead_branch_id"] if rows else None,
            "covering_branch_ids": customer.covering_branch_ids,
            "items": [
                {name: row[name] for name in ("branch_id", "role", "manager_id", "rule")}
                for row in rows
            ],
            "decision": shown,
        }
    )


@router.get(
    "/branches/{branch_id}/coverage",
    response_model=BranchCoverage,
    summary="Customers per manager of a branch",
    **operation("coverage.read", NothingPublished, NotFound),
)
async def show_branch_coverage(
    *, branch_id: BranchId, session: Session, viewer: CurrentViewer, day: BusinessDate
) -> Response:
    """Counts of lead, assist and key customers; 404 for a branch outside the scope."""
    if branch_id not in viewer.scope.branch_ids:
        raise NotFound
    rows = await repository.counts_of_branch(session, viewer.scope, day, branch_id)
    return json_response({"branch_id": branch_id, "business_date": day, "items": rows})
