"""The options that commands share, and the settings that they override."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from acrm_batch.settings import BatchSettings
from crm_shared.errors import UsageError


def parsed_date(text: str) -> date:
    """A date as it is written; `BadParameter` says how."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it like 2026-06-30.") from None


Day = Annotated[date, typer.Option("--date", parser=parsed_date, metavar="DATE",
                                   help="Business date, YYYY-MM-DD.")]  # fmt: skip
MaybeDay = Annotated[date | None, typer.Option(
    "--date", parser=parsed_date, metavar="DATE",
    help="Business date, YYYY-MM-DD.")]  # fmt: skip
Select = Annotated[
    list[str],
    typer.Option(
        "--select",
        help="Only these models: NAME, NAME+, kind:KIND, tag:PATH, indicator:CODE; what they read"
        " is added.",
    ),
]
Landing = Annotated[Path | None, typer.Option(help="Landing folder [CRM_LANDING_DIR].")]
Warehouse = Annotated[Path | None, typer.Option(help="Warehouse folder [CRM_WAREHOUSE_DIR].")]
Memory = Annotated[str | None, typer.Option("--memory-limit", help="DuckDB's [ACRM_MEMORY_LIMIT].")]
Threads = Annotated[int | None, typer.Option(min=1, help="DuckDB's threads [ACRM_THREADS].")]
EngineName = Annotated[str | None, typer.Option(
    "--engine", metavar="duckdb|spark", help="What makes the models [ACRM_ENGINE].")]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
NoEvents = Annotated[bool, typer.Option("--no-events", help="Do not send due reminders to Kafka.")]
NoPublish = Annotated[bool, typer.Option("--no-publish", help="Stop before PostgreSQL.")]


def settings_of(**given: Any) -> BatchSettings:
    """Settings of the environment, overridden by options."""
    try:
        return BatchSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = {"database_url": "ACRM_DATABASE_URL"}.get(str(first["loc"][0]), str(first["loc"][0]))
        raise UsageError(
            f"{name}: {first['msg']}; set it in the environment (after `make up` it stands in "
            ".local/env) or by its option."
        ) from None
