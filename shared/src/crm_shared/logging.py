"""Structured logs: one JSON object a line, with a correlation id, without personal data."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from crm_shared.settings import log_settings

#: Names of values that never reach a log, whatever they hold.
PERSONAL_KEYS = frozenset(
    {"name", "phone", "document_no", "address", "birth_date", "counterparty_account",
     "legal_representative", "password", "token", "authorization"}
)  # fmt: skip

#: Phone and document numbers that slipped into a text: 11 digits or more in a row.
_LONG_NUMBER = re.compile(r"(?<![\w.-])\d{11,}[0-9Xx]?(?![\w-])")


def mask_personal_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: personal keys become `***`, long numbers in texts too."""
    for key, value in event.items():
        if key in PERSONAL_KEYS:
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = _LONG_NUMBER.sub("***", value)
    return event


def configure(service: str) -> None:
    """Set up logging for a process; call once, first thing in `main`.

    Standard-library loggers go the same way, so a library's warning is one JSON line too.
    """
    settings = log_settings()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_personal_data,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level)
    logging.getLogger("kafka").setLevel(logging.WARNING)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
