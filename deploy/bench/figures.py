"""Figures of a benchmark: written down as they come, compared with their goals, and shown."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured. `goal` is text for people; `met` is None where there is none."""

    value: float
    unit: str
    goal: str = ""
    met: bool | None = None


@dataclass
class Figures:
    """The figures of one benchmark, kept in `path` even where a later part fails; those that are
    there already, of parts that were run before, stay."""

    path: Path
    found: dict[str, Figure] = field(default_factory=dict)

    def add(
        self, name: str, value: float, unit: str,
        *, at_most: float | None = None, at_least: float | None = None,
    ) -> None:  # fmt: skip
        """Write a figure down, to three digits that count, and whether its goal is met."""
        value = float(f"{value:.3g}") if abs(value) < 1000 else float(round(value))
        goal, met = "", None
        if at_most is not None:
            goal, met = f"<= {at_most:g}", value <= at_most
        if at_least is not None:
            goal, met = f">= {at_least:g}", value >= at_least
        self.found[name] = Figure(value, unit, goal, met)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        document = json.loads(self.path.read_text("utf-8")) if self.path.is_file() else {}
        document |= {name: asdict(self.found[name])}
        self.path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    def print(self, console: Console) -> None:
        """The figures as a table."""
        table = Table("figure", "value", "unit", "goal", "met")
        said = {None: "", True: "yes", False: "no"}
        for name, one in self.found.items():
            table.add_row(name, f"{one.value:,.10g}", one.unit, one.goal, said[one.met])
        console.print(table)
