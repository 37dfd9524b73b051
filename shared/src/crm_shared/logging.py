"""Structured logs: one JSON object a line, with a correlation id, without personal data."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from crm_shared.settings import log_settings

#: Names of values that never reach a log, whatever they hold.
PERSONAL_KEYS = frozenset(
    {"name", "phone", "document_no", "address", "birth_date", "counterparty_account",
     "legal_representative", "password", "token", "authorization"}
)  # fmt: skip

#: UUIDs, which stay readable, or else phone, document and account numbers that slipped into a text:
#: 11 digits or more in a row, whatever script stands around them, yet not within a Latin word or
#: behind a decimal point.
_LONG_NUMBER = re.compile(
    r"(?P<uuid>(?<![0-9A-Za-z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z]))"
    r"|(?<![A-Za-z_\d])(?<!\d\.)\d{11,}[Xx]?(?![A-Za-z_\d])"
)
_ELEVEN_DIGITS = 10**10

#: The names of whole numbers that may have any length: our own ids, places in a log, sizes, times.
_READABLE_NUMBER = re.compile(
    r"(.*_)?(id|ids|offset|offsets|seq|lsn|bytes|records|rows|at|ms|ns|us|timestamp)"
)


def mask_personal_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: personal keys become `***`, long numbers too, however deep."""
    for key, value in event.items():
        event[key] = _masked(key, value)
    return event


def _masked(name: str, value: Any) -> Any:
    """The value as a log may show it; `name` is the nearest key above it."""
    if name.lower() in PERSONAL_KEYS:
        return "***"
    if isinstance(value, str):
        return _LONG_NUMBER.sub(lambda found: found["uuid"] or "***", value)
    if isinstance(value, int):
        hidden = abs(value) >= _ELEVEN_DIGITS and not _READABLE_NUMBER.fullmatch(name)
        return "***" if hidden else value
    if isinstance(value, Mapping):
        return {
            _masked("", key): _masked(key if isinstance(key, str) else name, one)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(name, one) for one in value]
    return value


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
