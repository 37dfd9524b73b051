"""Insight, read: the 360 view, indicators over time, their dictionary, a branch's indicators."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from ocrm_api import languages
from ocrm_api.coverage import repository as coverage
from ocrm_api.coverage.router import BranchId
from ocrm_api.customers import repository as customers
from ocrm_api.customers.router import CustomerId
from ocrm_api.customers.service import masked
from ocrm_api.db import Session
from ocrm_api.insight import repository
from ocrm_api.insight.schemas import BranchIndicators, DictionaryEntry, IndicatorHistory, Profile
from ocrm_api.insight.sections import Sections
from ocrm_api.json_responses import as_is, json_response
from ocrm_api.lists import ListOf
from ocrm_api.pagination import Page, requested_page
from ocrm_api.problems import InvalidCursor, NotFound, NothingPublished
from ocrm_api.security import BusinessDate, CurrentViewer, operation

router = APIRouter(prefix="/v1", tags=["insight"])


@router.get(
    "/customers/{customer_id}/profile",
    response_model=Profile,
    summary="The 360 view of a customer",
    **operation("insight.read", NothingPublished, NotFound),
)
async def show_profile(
    *,
    customer_id: CustomerId,
    request: Request,
    session: Session,
    viewer: CurrentViewer,
    day: BusinessDate,
    accept_language: Annotated[str | None, Header()] = None,
) -> Response:
    """Identity, coverage, holdings, indicators, tags and open reminders in one answer."""
    scope = viewer.scope
    customer = await customers.customer(session, scope, day, customer_id)
    if customer is None:
        raise NotFound
    rows = await coverage.rows_of_customer(session, scope, day, customer_id)
    held = await repository.holdings(session, scope, day, customer_id)
    lead = rows[0]["lead_branch_id"] if rows else None
    leads = lead is not None and scope.leads(lead)
    profile = {
        "customer": masked(customer),
        "amounts": "union" if leads else "branch",
        "lead_branch_id": lead,
        "coverage": [
            {name: row[name] for name in ("branch_id", "role", "manager_id", "rule")}
            for row in rows
        ],
        "holdings": [
            row | {"details": as_is(row["details"])} for row in held[: repository.MAX_HOLDINGS]
        ],
        "holdings_truncated": len(held) > repository.MAX_HOLDINGS,
        "indicators": await repository.indicators(session, scope, day, customer_id, leads=leads),
        "tags": await repository.tags(session, scope, day, customer_id),
    }
    sections: Sections = request.app.state.profile_sections
    language = languages.choose(accept_language)
    for name, section in sections.items():
        profile[name] = await section(session, viewer, customer_id, language)
    return json_response(profile)


@router.get(
    "/customers/{customer_id}/indicators",
    response_model=IndicatorHistory,
    summary="Indicators of a customer over time",
    **operation("insight.read", NothingPublished, NotFound),
)
async def show_customer_indicators(
    *,
    customer_id: CustomerId,
    session: Session,
    viewer: CurrentViewer,
    day: BusinessDate,
    since: Annotated[date | None, Query(examples=["2026-01-31"])] = None,
) -> Response:
    """One entry per business date that is kept, newest first, at most 400."""
    if not await customers.is_visible(session, viewer.scope, day, customer_id):
        raise NotFound
    leads = await customers.lead_in_scope(session, viewer.scope, day, customer_id)
    days = await repository.indicator_days(
        session, viewer.scope, customer_id, leads=leads, until=day, since=since
    )
    items = [{"business_date": on, "indicators": values} for on, values in days.items()]
    return json_response({"customer_id": customer_id, "items": items})


@router.get(
    "/indicators",
    response_model=ListOf[DictionaryEntry],
    summary="The dictionary of indicators and tags",
    **operation("dictionary.read", NothingPublished, InvalidCursor),
)
async def list_dictionary(
    *,
    session: Session,
    day: BusinessDate,
    page: Annotated[Page, Depends(requested_page)],
    kind: Annotated[Literal["indicator", "tag"] | None, Query()] = None,
) -> Response:
    """Names, formula, unit and origin of every code, from the catalogue that made the day."""
    items, cursor = await repository.dictionary(session, day, page, kind)
    return json_response({"items": items, "next_cursor": cursor})


@router.get(
    "/branches/{branch_id}/indicators",
    response_model=BranchIndicators,
    summary="Indicators of a branch",
    **operation("branches.read", NothingPublished, NotFound),
)
async def show_branch_indicators(
    *, branch_id: BranchId, session: Session, viewer: CurrentViewer, day: BusinessDate
) -> Response:
    """The branch's indicators on the business date; 404 outside the scope."""
    values = await repository.branch_indicators(session, viewer.scope, day, branch_id)
    if values is None:
        raise NotFound
    return json_response({"branch_id": branch_id, "business_date": day, "values": values})
