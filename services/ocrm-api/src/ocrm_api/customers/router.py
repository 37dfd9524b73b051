"""Customers: the manager's own, the branch's, one of them, and the reveal of personal data."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from crm_shared.personal_data import Protector
from ocrm_api.customers import repository, service
from ocrm_api.customers.errors import RevealQuotaUsed, SearchQuotaUsed
from ocrm_api.customers.repository import CustomerFilter
from ocrm_api.customers.schemas import (
    CoverageRole,
    Customer,
    CustomerItem,
    CustomerSearch,
    CustomerSort,
    Portfolio,
    Revealed,
    RevealRequest,
)
from ocrm_api.db import Session
from ocrm_api.json_responses import json_response
from ocrm_api.lists import ListOf
from ocrm_api.pagination import Page, requested_page
from ocrm_api.problems import InvalidCursor, NotFound, NothingPublished
from ocrm_api.security import BusinessDate, CurrentViewer, operation
from ocrm_api.settings import Settings

router = APIRouter(prefix="/v1", tags=["customers"])

CustomerId = Annotated[int, Path(ge=1, le=2**53 - 1, examples=[4711])]


@router.get(
    "/customers",
    response_model=ListOf[CustomerItem],
    summary="Customers of a portfolio",
    **operation("customers.read", NothingPublished, InvalidCursor),
)
async def list_customers(
    *,
    session: Session,
    viewer: CurrentViewer,
    day: BusinessDate,
    page: Annotated[Page, Depends(requested_page)],
    portfolio: Annotated[
        Portfolio, Query(description="The viewer's own, or the branch's.")
    ] = "mine",
    role: Annotated[CoverageRole | None, Query()] = None,
    sort: Annotated[CustomerSort, Query()] = "-deposit_balance",
) -> Response:
    """Each customer once, at the amounts the viewer may see, which are also what sorts."""
    wanted = CustomerFilter(viewer.employee_id if portfolio == "mine" else None, role)
    items, cursor = await repository.list_customers(
        session, viewer.scope, day, wanted, sort=sort, page=page
    )
    return json_response({"items": items, "next_cursor": cursor})


@router.post(
    "/customers:search",
    response_model=ListOf[CustomerItem],
    summary="Find customers by phone, document or name",
    **operation("customers.read", NothingPublished, InvalidCursor, SearchQuotaUsed),
)
async def search_customers(
    *,
    search: CustomerSearch,
    request: Request,
    session: Session,
    viewer: CurrentViewer,
    day: BusinessDate,
) -> Response:
    """Phone and document numbers match as a whole, names from their beginning, within the scope.

    A search by phone or document number is audited and counts to a quota.
    """
    settings: Settings = request.app.state.settings
    await service.note_search(
        session,
        viewer,
        search,
        quota=settings.searches_per_hour,
        request_id=request.state.request_id,
    )
    protector: Protector = request.app.state.protector
    wanted = CustomerFilter(
        manager_id=viewer.employee_id if search.portfolio == "mine" else None,
        role=search.role,
        phone_index=protector.blind_index(search.phone) if search.phone else None,
        document_index=protector.blind_index(search.document_no) if search.document_no else None,
        name_prefix=search.name_prefix,
    )
    page = Page(search.limit, search.cursor, settings.signing_secret())
    items, cursor = await repository.list_customers(
        session, viewer.scope, day, wanted, sort=search.sort, page=page
    )
    return json_response({"items": items, "next_cursor": cursor})


@router.get(
    "/customers/{customer_id}",
    response_model=Customer,
    summary="One customer, masked",
    **operation("customers.read", NothingPublished, NotFound),
)
async def show_customer(
    *, customer_id: CustomerId, session: Session, viewer: CurrentViewer, day: BusinessDate
) -> Response:
    """Identity with phone and document masked; 404 outside the scope."""
    row = await repository.customer(session, viewer.scope, day, customer_id)
    if row is None:
        raise NotFound
    return json_response(service.masked(row))


@router.post(
    "/customers/{customer_id}:reveal",
    response_model=Revealed,
    summary="Reveal personal data",
    **operation("customers.reveal", NothingPublished, NotFound, RevealQuotaUsed),
)
async def reveal_customer(
    *,
    customer_id: CustomerId,
    asked: RevealRequest,
    request: Request,
    session: Session,
    viewer: CurrentViewer,
    day: BusinessDate,
) -> Response:
    """Personal data in the clear. Audited with its purpose; counts to the quota."""
    found = await service.reveal(
        session,
        viewer,
        day,
        customer_id,
        asked,
        protector=request.app.state.protector,
        quota=request.app.state.settings.reveals_per_day,
        request_id=request.state.request_id,
    )
    return json_response(found)
