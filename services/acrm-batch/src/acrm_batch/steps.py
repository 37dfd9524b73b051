"""A step of a run: a model on a date, what it reads, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from acrm_batch.inputs import File
from acrm_batch.model import Model


@dataclass(frozen=True, slots=True)
class Step:
    """What happened, or would happen, to a model on a date."""

    model: str
    as_of: date
    outcome: str
    reason: str
    seconds: float = 0.0
    rows: int | None = None


@dataclass
class Relations:
    """What a step reads: landing files per table, partitions per relation, and all their versions.
    A relation whose columns are `declared` may have no partition, or one without some of them."""

    landing: dict[str, list[File]] = field(default_factory=dict)
    staging: list[Model] = field(default_factory=list)
    partitions: dict[str, Path] = field(default_factory=dict)
    declared: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


Report = Callable[[Step], None]
