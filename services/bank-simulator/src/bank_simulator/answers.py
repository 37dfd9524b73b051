"""The planted truth on disk: OUT/answers/, written before any day is delivered."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from bank_simulator.plan import Plan
from crm_shared.errors import NotReadyError

_ORDER = {
    "coverage": "customer_id, role, branch_id, manager_id",
    "key_customers": "customer_id",
    "due_reminders": "rule_code, subject, due_on",
    "over_contact": "customer_id",
    "potential_tags": "customer_id, path",
    "tiers": "customer_id",
    "lifecycle": "customer_id",
    "campaigns": "campaign_id",
    "private_managers": "customer_id",
    "reminder_handling": "branch_id, manager_id",
    "movements": 'business_date, rule_code, customer_id, "window"',
}

#: Answers that speak of planted customers alone, who are the ones that they name. All others are
#: complete: what they leave out is not true of anybody.
SCOPE = {
    "potential_tags": "the customers and tags that are listed",
    "tiers": "the customers that are listed",
    "lifecycle": "the customers that are listed",
    "due_reminders": {
        "R04.TIER_UP": "the customers of tiers", "R04.TIER_DOWN": "the customers of tiers",
        "R04.DORMANT": "the customers of lifecycle",
    },
}  # fmt: skip


def write(connection: duckdb.DuckDBPyConnection, plan: Plan, out: Path) -> None:
    """Write the answers of a decided bank."""
    folder = out / "answers"
    folder.mkdir()
    counts: dict[str, dict[str, int]] = {}
    for name, order in _ORDER.items():
        connection.execute(
            f"COPY (FROM answer_{name} ORDER BY {order}) TO '{_quoted(folder / name)}.parquet' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        counts[name] = dict(
            connection.execute(
                f'SELECT "case", count(*) FROM answer_{name} GROUP BY 1 ORDER BY 1'
            ).fetchall()
        )
    summary = {
        "seed": plan.seed, "customers": plan.customers, "from": str(plan.first),
        "to": str(plan.last), "as_of": str(plan.as_of), "parameter_set": plan.parameters.name,
        "replay_dates": sorted(
            str(day) for (day,) in connection.execute(
                "SELECT DISTINCT business_date FROM answer_movements").fetchall()),
        "counts": counts, "scope": SCOPE,
    }  # fmt: skip
    _write_json(folder / "parameters.json", dict(plan.parameters.values))
    _write_json(folder / "answers.json", summary)


def write_live(connection: duckdb.DuckDBPyConnection, out: Path) -> None:
    """Write what the stream of the last three days tells and no extract holds: OUT/live/."""
    found = connection.execute("SELECT DISTINCT day FROM live_ticket ORDER BY day").fetchall()
    for (day,) in found:
        folder = live_folder(out, day)
        folder.mkdir(parents=True)
        path = _quoted(folder / "queue_tickets.parquet")
        connection.execute(
            f"COPY (SELECT * EXCLUDE (day) FROM live_ticket WHERE day = DATE '{day}'"
            f" ORDER BY occurred_at, ticket_id, state) TO '{path}'"
            " (FORMAT parquet, COMPRESSION zstd)"
        )


def live_folder(out: Path, day: date) -> Path:
    """Where what the stream of a day tells lies, as far as no extract holds it."""
    return out / "live" / f"business_date={day}"


def read(out: Path) -> dict[str, Any]:
    """The summary that `generate` wrote under `out`."""
    path = out / "answers" / "answers.json"
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotReadyError(
            f"{path} is missing: name the folder of a bank that `bank-simulator generate` wrote."
        ) from None
    return summary


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
