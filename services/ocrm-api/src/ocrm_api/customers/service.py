"""Use cases of customers that are more than one query."""

from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared.personal_data import Protector
from ocrm_api import audit
from ocrm_api.customers import repository
from ocrm_api.customers.errors import RevealQuotaUsed
from ocrm_api.customers.schemas import RevealRequest
from ocrm_api.problems import NotFound
from ocrm_api.sessions import Viewer

_ENCRYPTED = {"phone": "phone_encrypted", "document_no": "document_encrypted"}


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
    used = await repository.reveals_today(session, viewer.user_id)
    if used >= quota:
        raise RevealQuotaUsed(quota=quota)
    fields = sorted(set(asked.fields))
    await audit.record(
        session,
        viewer,
        "customer.revealed",
        ("customer", customer_id),
        request_id=request_id,
        purpose=asked.purpose,
        details={"fields": fields, "note": asked.note},
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
