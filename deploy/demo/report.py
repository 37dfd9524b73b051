"""The report at the end of the demo: a short table for people, a file for programs."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from crm_shared.reminder_rules import RULES
from deploy.demo.truth import Tally


@dataclass(slots=True)
class Report:
    """What the demo found, said and took."""

    rules: dict[str, Tally] = field(default_factory=dict)
    lists: dict[str, Tally] = field(default_factory=dict)
    coverage: dict[str, int] = field(default_factory=dict)
    ledger: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    notified: str = ""
    peak_gigabytes: float = 0.0
    urls: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    logins: list[dict[str, Any]] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Nothing planted is missing, nothing false was made, every total meets the ledger."""
        return (
            all(tally.right for tally in (*self.rules.values(), *self.lists.values()))
            and self.coverage.get("wrong", 0) == 0
            and self.ledger.get("difference") == "0.00"
            and all(fact["expected"] == fact["found"] for fact in self.facts.values())
        )

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        text = json.dumps(asdict(self) | {"right": self.right}, indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    def print(self, console: Console) -> None:
        """Print it as people read it."""
        table = Table(
            title="Planted truth against what the services made",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            padding=0,
            collapse_padding=True,
        )
        table.add_column("rule", no_wrap=True)
        table.add_column("规则", no_wrap=True)
        for name in ("planted", "raised", "missing", "false"):
            table.add_column(name, justify="right")
        for code, tally in (self.rules | self.lists).items():
            rule = RULES.get(code)
            style = None if tally.right else "bold red"
            table.add_row(
                code, rule.name_zh if rule else "",
                *(f"{n:,}" for n in (tally.planted, tally.raised, tally.missing, tally.false)),
                style=style,
            )  # fmt: skip
        console.print(table)
        if self.coverage:
            right = self.coverage["customers"] - self.coverage["wrong"]
            console.print(
                f"coverage  {right:,} of {self.coverage['customers']:,} customers right,"
                f" {self.coverage['wrong']:,} wrong",
                soft_wrap=True,
            )
        console.print(
            f"ledger    {self.ledger['accounts']:,} accounts hold {self.ledger['total']}"
            f" {self.ledger['currency']} by the ledger and {self.ledger['published']} as published:"
            f" difference {self.ledger['difference']}",
            soft_wrap=True,
        )
        for name, fact in self.facts.items():
            mark = "" if fact["expected"] == fact["found"] else "   [bold red]WRONG[/]"
            console.print(
                f"fact      {name}: {fact['found']} (expected: {fact['expected']}){mark}",
                soft_wrap=True,
            )
        console.print(f"employees {self.notified}", soft_wrap=True)
        console.print(
            "time      " + ", ".join(f"{k} {v:.0f} s" for k, v in self.seconds.items()),
            soft_wrap=True,
        )
        console.print(f"memory    {self.peak_gigabytes} GB at most, servers and all")

    def print_where_to_look(self, console: Console, *, is_open: bool) -> None:
        """Print the files, and while the bank is open the addresses and who may log in."""
        for name, place in ((self.urls if is_open else {}) | self.files).items():
            console.print(f"{name:<14}{place}", highlight=False, soft_wrap=True)
        if not is_open:
            console.print(
                "servers       stopped, and their data thrown away; without ONCE they stay"
            )
            return
        table = Table(title="Logins (this demo only)", title_justify="left", box=box.SIMPLE_HEAD)
        for name in ("login", "password", "role", "why"):
            table.add_column(name)
        for login in self.logins:
            table.add_row(
                *(str(login.get(name, "")) for name in ("login", "password", "role", "why"))
            )
        console.print(table)
