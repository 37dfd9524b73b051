"""Sections of the 360 view that belong to slices above this one.

The application hands them in when it is put together, so that insight imports none of them.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.languages import Language
from ocrm_api.sessions import Viewer


class Section(Protocol):
    """Reads one section of a customer's profile, at what the viewer may see."""

    async def __call__(
        self, session: AsyncSession, viewer: Viewer, customer_id: int, language: Language, /
    ) -> list[dict[str, Any]]: ...


Sections = Mapping[str, Section]
