"""A step of a run: a model on a date, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Step:
    """What happened, or would happen, to a model on a date."""

    model: str
    as_of: date
    outcome: str
    reason: str
    seconds: float = 0.0
    rows: int | None = None


Report = Callable[[Step], None]
