"""Audits: each kind finds its fault, says where, and blocks or warns."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from acrm_batch.audits import AuditBlockedError, Previous, audit_faults, run_audits
from acrm_batch.engines.duckdb import Engine
from acrm_batch.ledger import AuditResult
from acrm_batch.model import Model
from acrm_batch.project import Project
from crm_shared.errors import UsageError
from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import SECOND, Batch, small

ROWS = "(values (1, 'a', 10, date '2026-01-01'), (2, 'b', -5, null), (2, null, 400, null))"
NOW = f"select * from {ROWS} as t (customer_id, grade, amount, seen_on)"


def tried(tmp_path: Path, *audits: dict[str, Any], key: tuple[str, ...] = ()) -> list[AuditResult]:
    """What audits find in three rows, after a partition of other rows."""
    engine = Engine(tmp_path, tmp_path / "aside", "200MB", 1)
    engine.view("staged", NOW)
    engine.view("known", "select 'a' as grade")
    before = tmp_path / "before.parquet"
    engine.connection.execute(
        f"copy (select 1 as customer_id, 'a' as grade, 100 as amount) to '{before}'"
    )
    model = Model("int_x", "base", "x", "as_of", NOW, key=key, audits=audits)
    found = run_audits(engine, model, 3, Previous(1, before), {"bd": date(2026, 1, 31)})
    engine.close()
    return found


@pytest.mark.parametrize(
    ("audit", "failed", "said"),
    [
        ({"not_null": ["grade"]}, 1, "rows have no grade (for instance customer_id 2)"),
        ({"assert": "amount > 0"}, 1, "rows break: amount > 0 (for instance customer_id 2)"),
        ({"accepted": {"grade": ["a"]}}, 1, "another grade than 'a' (for instance customer_id 2)"),
        ({"range": {"amount": [0, 300]}}, 2, "amount outside 0..300 (for instance customer_id 2;"),
        ({"range": {"amount": [None, 300]}}, 1, "amount outside ..300"),
        ({"references": {"grade": "known.grade"}}, 1, "a grade that known does not know"),
        ({"freshness": {"seen_on": 7}}, 1, "no seen_on within 7 days"),
        ({"freshness": {"seen_on": 30}}, 0, "no seen_on within 30 days"),
        ({"row_count_drift": {"max_pct": 20}}, 2, "more or fewer than the 1 before"),
        ({"mean_drift": {"columns": ["amount"], "max_pct": 20}}, 1, "(for instance from 100.0 to"),
        ({"mean_drift": {"columns": ["amount"], "max_pct": 50}}, 0, "mean of amount moved"),
        ({"share_drift": {"columns": ["grade"], "max_points": 40}}, 1, "(for instance a by -66.7)"),
    ],
)
def test_an_audit_finds_its_fault(
    tmp_path: Path, audit: dict[str, Any], failed: int, said: str
) -> None:
    [found] = [one for one in tried(tmp_path, audit, key=("customer_id",))
               if not one.audit.startswith("unique")]  # fmt: skip
    assert (found.failed_rows, found.blocks) == (failed, failed > 0)
    assert said in found.sentence


def test_a_key_that_repeats_is_named(tmp_path: Path) -> None:
    [found] = tried(tmp_path, key=("customer_id",))
    assert found.sentence == "rows repeat the key customer_id (for instance customer_id 2)"


def test_a_warning_does_not_block(tmp_path: Path) -> None:
    [found] = tried(tmp_path, {"not_null": ["grade"], "severity": "warn"})
    assert (found.failed_rows, found.blocks) == (1, False)


def test_an_audit_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nobody knows"):
        tried(tmp_path, {"not_nul": ["grade"]})
    project = Project.load()
    wrong = Model("m", "base", "x", "as_of", NOW, audits=(
        {"not_nul": ["a"]}, {"not_null": ["a"], "severity": "hint"},
        {"references": {"a": "nobody.a"}},
    ))  # fmt: skip
    assert len(list(audit_faults(project, wrong))) == 3


def blocked(bank: Bank, crm: Batch) -> str:
    """The sentence with which a delivery is refused."""
    bank.deliver(SECOND)
    with pytest.raises(AuditBlockedError) as caught:
        crm.run(SECOND)
    return caught.value.sentence


def warned(crm: Batch, model: str) -> list[str]:
    """What an audit of a model told without blocking."""
    return [row[0] for row in crm.query(
        "select sentence from acrm.audits where model = %s and failed_rows > 0", model
    )]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("deposit_accounts", {"account_id": 77, "customer_id": 99, "branch_id": "A",
                              "product": "demand", "currency": "CNY",
                              "opened_on": SECOND}, "source deposit_accounts, row_id 77"),
        ("balances", {"account_id": 78, "balance": Decimal(0)}, "source balances, row_id 78"),
        ("credit_cards", {"card_id": 79, "customer_id": 1, "branch_id": "Z", "card_type": "credit",
                          "product": "card", "credit_limit": Decimal(1), "issued_on": SECOND},
         "source credit_cards, row_id 79, names branch_id"),
        ("transactions", {"txn_id": 80, "account_id": 99, "customer_id": 1, "branch_id": "A",
                          "booked_at": noon(SECOND), "direction": "credit", "amount": Decimal(1),
                          "currency": "CNY", "channel": "counter", "txn_type": "other"},
         "source transactions, row_id 80"),
    ],
)  # fmt: skip
def test_a_row_that_names_nobody_blocks(
    bank: Bank, crm: Batch, table: str, row: dict[str, Any], said: str
) -> None:
    small(bank).rows.setdefault(table, []).append((SECOND, row))
    blocked(bank, crm)
    found = warned(crm, "chk_orphans")
    assert any(said in sentence for sentence in found), found


@pytest.mark.parametrize(("balance", "fault"), [("-1", "overdrawn"), ("100000000000", "absurd")])
def test_an_absurd_balance_blocks_and_an_overdraft_warns(
    bank: Bank, crm: Batch, balance: str, fault: str
) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", balance)
    bank.deliver(SECOND)
    if fault == "absurd":
        assert "source balances, row_id 11" in blocked(bank, crm)
    else:
        crm.run(SECOND)
        assert len(warned(crm, "chk_amounts")) == 1


def test_a_negative_loan_blocks(bank: Bank, crm: Batch) -> None:
    small(bank).loan(23, 1, "A", balance=Decimal(-5))
    assert "source loans, row_id 23" in blocked(bank, crm)
