"""What the routers of reminders share: the reader's language, and one reminder as an answer."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Response

from ocrm_api import languages
from ocrm_api.db import Session
from ocrm_api.json_responses import json_response
from ocrm_api.languages import Language
from ocrm_api.problems import NotFound
from ocrm_api.reminders import repository, service
from ocrm_api.sessions import Viewer

ReminderId = Annotated[UUID, Path(examples=["0d6f4f5e-6a53-5d0b-9d38-3f0d7b1f5b77"])]


def reader_language(accept_language: Annotated[str | None, Header()] = None) -> Language:
    """The language of the texts."""
    return languages.choose(accept_language)


ReaderLanguage = Annotated[Language, Depends(reader_language)]


async def shown_one(
    session: Session, viewer: Viewer, reminder_id: UUID, language: Language
) -> Response:
    """One reminder with its ETag; `NotFound` outside the scope."""
    row = await repository.one(session, viewer.scope, viewer.published_on, reminder_id)
    if row is None:
        raise NotFound
    item = service.shown(row, language)
    return json_response(item, headers={"ETag": item["etag"], "Vary": "Accept-Language"})
