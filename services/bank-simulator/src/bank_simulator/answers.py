"""The planted truth on disk: OUT/answers/, written before any day is delivered."""

import json
from pathlib import Path
from typing import Any

import duckdb

from bank_simulator.plan import Plan
from crm_shared.errors import NotReadyError

#: The parameters under which the answers are true, as docs/rules.md gives them.
PARAMETERS = {
    "coverage.averaging_days": "30",
    "coverage.hysteresis_pct": "10",
    "coverage.hysteresis_month_ends": "2",
    "coverage.settled_loan_days": "90",
    "key_customer.min_deposit_average": "500000.00",
    "key_customer.min_loan_balance": "1000000.00",
    "key_customer.clean_years": "1",
    "contact.cap": "4",
    "contact.cap_days": "30",
    "due.loan_days": "30",
    "due.repayment_days": "7",
    "due.card_days": "3",
    "due.deposit_days": "15",
    "due.wealth_days": "15",
    "due.document_days": "30",
    "due.risk_profile_days": "30",
    "movement.individual_min_amount": "500000.00",
    "movement.business_min_amount": "5000000.00",
    "frequent_transfers.min_count": "5",
    "frequent_transfers.window_hours": "24",
}

_ORDER = {
    "coverage": "customer_id, role, branch_id, manager_id",
    "key_customers": "customer_id",
    "due_reminders": "rule_code, subject, due_on",
    "over_contact": "customer_id",
    "movements": 'business_date, rule_code, customer_id, "window"',
}


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
        "to": str(plan.last), "as_of": str(plan.as_of),
        "replay_dates": sorted(
            str(day) for (day,) in connection.execute(
                "SELECT DISTINCT business_date FROM answer_movements").fetchall()),
        "counts": counts,
    }  # fmt: skip
    _write_json(folder / "parameters.json", PARAMETERS)
    _write_json(folder / "answers.json", summary)


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
