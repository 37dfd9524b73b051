"""Use cases of customers that are more than one query."""

from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared.personal_data import Protector
from ocrm_api import audit
from ocrm_api.customers import repository
from ocrm_api.customers.errors import RevealQuotaUsed, SearchQuotaUsed
from ocrm_api.customers.schemas import CustomerSearch, RevealRequest
from ocrm_api.problems import NotFound
from ocrm_api.sessions import Viewer

REVEALED = "customer.revealed"
SEARCHED = "customer.searched"
_ENCRYPTED = {"phone": "phone_encrypted", "document_no": "document_encrypted"}


async def note_search(
    session: AsyncSession, viewer: Viewer, search: CustomerSearch, *, quota: int, request_id: str
) -> None:
    """Put a search by a personal number on record, within the quota: it tells whose number it is.

    The record names the fields, never what was searched for.
    """
    fields = [field for field in ("phone", "document_no") if getattr(search, field) is not None]
    if not fields:
        return
    if await audit.count_since(session, viewer, SEARCHED, hours=1) >= quota:
        raise SearchQuotaUsed(quota=quota)
    await audit.record(
        session,
        viewer,
        SEARCHED,
        ("customers", search.portfolio),
        request_id=request_id,
        details={"fields": fields},
    )


async def reveal(
    session: AsyncSession,
    viewer: Viewer,
    day: date,
    customer_id: int,
    asked: RevealRequest,
    *,
    protector: Protector,
    quota: int,
    request_id: str,
) -> dict[str, Any]:
    """Personal data of one customer in the clear: audited with its purpose, within the quota."""
    row = await repository.customer(session, viewer.scope, day, customer_id)
    if row is None:
        raise NotFound
    used = await audit.count_since(session, viewer, REVEALED, hours=24)
    if used >= quota:
        raise RevealQuotaUsed(quota=quota)
    fields = sorted(set(asked.fields))
    await audit.record(
        session,
        viewer,
        REVEALED,
        ("customer", customer_id),
        request_id=request_id,
        purpose=asked.purpose,
        details={"fields": fields, "note": audit.without_numbers(asked.note)},
    )
    return {
        "customer_id": customer_id,
        "fields": {field: _in_the_clear(row, field, protector) for field in fields},
        "remaining_today": quota - used - 1,
    }


def _in_the_clear(row: Any, field: str, protector: Protector) -> str | None:
    if field in _ENCRYPTED:
        stored = getattr(row, _ENCRYPTED[field])
        return None if stored is None else protector.decrypt(bytes(stored))
    value = getattr(row, field)
    return None if value is None else str(value)


def masked(row: Any) -> dict[str, Any]:
    """A customer as shown by default."""
    return {
        "customer_id": row.customer_id,
        "business_date": row.business_date,
        "customer_type": row.customer_type,
        "name": row.name,
        "document_type": row.document_type,
        "document_masked": row.document_masked,
        "document_expires_on": row.document_expires_on,
        "phone_masked": row.phone_masked,
        "sex": row.sex,
        "birth_year": row.birth_date.year if row.birth_date else None,
        "occupation": row.occupation,
        "education": row.education,
        "marital_status": row.marital_status,
        "region": row.region,
        "industry": row.industry,
        "company_size": row.company_size,
        "founded_on": row.founded_on,
        "risk_profile": row.risk_profile,
        "risk_profile_expires_on": row.risk_profile_expires_on,
        "status": row.status,
        "home_branch_id": row.home_branch_id,
        "customer_since": row.customer_since,
        "covering_branch_ids": row.covering_branch_ids,
    }
