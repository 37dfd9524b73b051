"""Conditional changes: strong ETags, and If-Match required."""

from typing import Annotated

from fastapi import Header

from ocrm_api.problems import PreconditionFailed, PreconditionMissing

#: Required, but checked by us: its absence is 428, not 422.
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description='Required. The ETag of the version the change was decided on, such as `"1"`.',
        examples=['"1"'],
    ),
]


def require_match(if_match: str | None, etag: str) -> None:
    """Let a change pass only on the version it was decided on; `*` names no version."""
    given = {part.strip() for part in (if_match or "").split(",") if part.strip()}
    if not given or given == {"*"}:
        raise PreconditionMissing
    if etag not in given:
        raise PreconditionFailed(headers={"ETag": etag})
