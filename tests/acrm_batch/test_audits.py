"""Audits: each kind finds its fault, says where, and blocks or warns."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from acrm_batch.audits import AuditBlockedError, Previous, audit_faults, run_audits
from acrm_batch.engines.duckdb import Bound, Engine
from acrm_batch.ledger import AuditResult
from acrm_batch.model import Model
from acrm_batch.project import Project
from crm_shared.errors import UsageError
from tests.acrm_batch.bank import Bank, noon
from tests.acrm_batch.conftest import FIRST, SECOND, Batch, small

ROWS = "(values (1, 'a', 10, date '2026-01-01'), (2, 'b', -5, null), (2, null, 400, null))"
NOW = f"select *, 0 as fee from {ROWS} as t (customer_id, grade, amount, seen_on)"


class PrunedMeanwhile(Engine):
    """The partition before goes while audits are tried."""

    def numbers(self, query: str, bound: Mapping[str, Bound]) -> list[int]:
        (self.landing / "before.parquet").unlink()
        return super().numbers(query, bound)


def tried(
    tmp_path: Path,
    *audits: dict[str, Any],
    key: tuple[str, ...] = (),
    engine_class: type[Engine] = Engine,
) -> list[AuditResult]:
    """What audits find in three rows, after a partition of other rows."""
    engine = engine_class(tmp_path, tmp_path / "aside", "200MB", 1)
    engine.view("staged", NOW)
    engine.view("known", "select 'a' as grade")
    engine.view("booked", "from (values (1, 10), (2, 300)) as t (customer_id, amount)")
    engine.view(
        "two_booked",
        "from (values (1, 10, 0), (2, 390, 5)) as t (customer_id, amount, fee)",
    )
    engine.view("nothing", "select * from booked where false")
    before = tmp_path / "before.parquet"
    engine.connection.execute(
        f"copy (select 1 as customer_id, 'a' as grade, 100 as amount) to '{before}'"
    )
    model = Model("int_x", "base", "x", "as_of", NOW, key=key, audits=audits)
    bound: dict[str, Bound] = {"bd": date(2026, 1, 31), "p_audit_pct": 20}
    found = run_audits(engine, model, 3, Previous(1, before), bound)
    engine.close()
    return found


def equal(relation: str, *by: str) -> dict[str, Any]:
    """An audit that amounts are equal to those of another relation, per key or in total."""
    return {"equal_sums": {"with": relation, "by": [*by], "columns": ["amount"]}}


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
        (
            equal("booked", "customer_id"),
            1,
            "of customer_id differ from booked (for instance customer_id 2 by 95)",
        ),
        (
            {
                "equal_sums": {
                    "with": "two_booked",
                    "by": ["customer_id"],
                    "at_once": True,
                    "columns": ["amount", "fee"],
                }
            },
            1,
            "differ from two_booked (for instance customer_id 2: amount by 5, fee by -5",
        ),
        (equal("booked"), 1, "totals differ from booked (for instance by 95)"),
        (equal("nothing"), 1, "totals differ from nothing (for instance by 405)"),
        (equal("staged"), 0, "totals differ from staged"),
        ({"row_count_drift": {"max_pct": 20}}, 2, "more or fewer than the 1 before"),
        ({"mean_drift": {"columns": ["amount"], "max_pct": 20}}, 1, "(for instance from 100.0 to"),
        ({"mean_drift": {"columns": ["amount"], "max_pct": 50}}, 0, "mean of amount moved"),
        ({"share_drift": {"columns": ["grade"], "max_points": 40}}, 1, "(for instance a by -66.7)"),
        ({"mean_drift": {"columns": ["am*"], "max_pct": 20}}, 1, "mean of amount moved by more"),
        (
            {"mean_drift": {"columns": ["amount"], "max_pct": "param('audit.pct')"}},
            1,
            "by more than 20 %",
        ),
        ({"range": {"am*": [0, 300]}}, 2, "amount outside 0..300 (for instance customer_id 2;"),
    ],
)
def test_an_audit_finds_its_fault(
    tmp_path: Path, audit: dict[str, Any], failed: int, said: str
) -> None:
    [found] = [one for one in tried(tmp_path, audit, key=("customer_id",))
               if not one.audit.startswith("unique")]  # fmt: skip
    assert (found.failed_rows, found.blocks) == (failed, failed > 0)
    assert said in found.sentence


@pytest.mark.parametrize(
    ("limit", "before", "now", "drifted"),
    [
        (50, 100, 151, "flag_a from 100 to 151"),
        (50, 100, 150, ""),
        (50, 100, 49, "flag_a from 100 to 49"),
        (10, 20, 39, ""),
        (10, 0, 10, "flag_a from 0 to 10"),
        (10, 0, 9, ""),
    ],
)
def test_a_flag_that_holds_of_many_more_or_fewer_than_chance_moves_is_told(
    tmp_path: Path, limit: int, before: int, now: int, drifted: str
) -> None:
    engine = Engine(tmp_path, tmp_path / "aside", "200MB", 1)
    rows = "select n, n < {} as flag_a, n = 1 as flag_b from range(200) as t (n)"
    # What the partition before did not have yet is not compared.
    engine.view("staged", f"select *, true as flag_new from ({rows.format(now)}) as t")
    path = tmp_path / "before.parquet"
    engine.connection.execute(f"copy ({rows.format(before)}) to '{path}'")
    audit = {"holds_drift": {"columns": ["flag_*"], "max_pct": limit}, "severity": "warn"}
    model = Model("int_x", "base", "x", "as_of", NOW, audits=(audit,))
    [found] = run_audits(engine, model, 200, Previous(200, path), {"bd": date(2026, 1, 31)})
    engine.close()
    assert (found.failed_rows, found.blocks) == (bool(drifted), False)
    assert drifted in found.sentence


def test_a_key_that_repeats_is_named(tmp_path: Path) -> None:
    [found] = tried(tmp_path, key=("customer_id",))
    assert found.sentence == "rows repeat the key customer_id (for instance customer_id 2)"


def test_a_partition_that_is_pruned_meanwhile_is_compared_with_all_the_same(tmp_path: Path) -> None:
    drift = {"mean_drift": {"columns": ["amount"], "max_pct": 20}}
    [found] = tried(tmp_path, drift, engine_class=PrunedMeanwhile)
    assert found.blocks
    assert list((tmp_path / "aside").glob("*.parquet")) == []


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


def blocked(bank: Bank, crm: Batch, model: str) -> str:
    """The sentence with which a model refuses a delivery."""
    bank.deliver(SECOND)
    with pytest.raises(AuditBlockedError, match=f"Model {model} of") as caught:
        crm.run(SECOND, selectors=(model,))
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
    assert said in blocked(bank, crm, "chk_orphans")


#: A row of everything beside the money, each of which names somebody whom nobody delivered.
LOOSE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("contacts", {"contact_id": 1, "customer_id": 99, "campaign_id": 98, "channel": "sms",
                  "contact_class": "marketing", "contacted_at": noon(SECOND)}),
    ("campaign_targets", {"campaign_id": 97, "customer_id": 99, "branch_id": "Z",
                          "is_control": False, "listed_on": SECOND}),
    ("card_transactions", {"card_txn_id": 2, "card_id": 96, "customer_id": 99,
                           "booked_at": noon(SECOND), "direction": "debit", "amount": Decimal(1)}),
    ("card_statements", {"card_id": 95, "statement_on": SECOND, "due_on": SECOND,
                         "amount": Decimal(1), "minimum_due": Decimal(1)}),
    ("loan_schedules", {"loan_id": 94, "instalment_no": 1, "due_on": SECOND,
                        "principal": Decimal(1), "interest": Decimal(1)}),
    ("loan_schedules", {"loan_id": 94, "instalment_no": 2, "due_on": SECOND,
                        "principal": Decimal(1), "interest": Decimal(1)}),
    ("standing_orders", {"order_id": 3, "account_id": 93, "amount": Decimal(1)}),
    ("payroll_members", {"employer_id": 92, "customer_id": 99, "account_id": 91,
                         "effective_from": SECOND}),
    ("merchants", {"merchant_id": 4, "customer_id": 99, "account_id": 91, "branch_id": "Z",
                   "category": "food", "signed_on": SECOND}),
    ("digital_channels", {"customer_id": 99, "channel": "mobile", "signed_on": SECOND}),
    ("customer_relations", {"customer_id": 99, "related_customer_id": 90,
                            "relation": "guarantor", "effective_from": SECOND}),
    ("coverage_locks", {"customer_id": 99, "branch_id": "Z", "locked_on": SECOND,
                        "locked_until": SECOND}),
    ("coverage_managers", {"customer_id": 99, "branch_id": "Z", "manager_id": "E1",
                           "assigned_on": SECOND}),
    ("wealth_holdings", {"holding_id": 5, "customer_id": 99, "branch_id": "Z", "kind": "fund",
                         "product": "fund", "amount": Decimal(1), "bought_on": SECOND}),
)  # fmt: skip


def test_whatever_else_names_nobody_is_told_and_blocks_nothing(bank: Bank, crm: Batch) -> None:
    small(bank)
    for table, row in LOOSE:
        bank.add(table, SECOND, **row)
    bank.deliver(SECOND)
    crm.run(SECOND, selectors=("chk_orphans",))
    found = crm.rows("chk_orphans", SECOND, "source, row_id, names, missing, is_money")
    nobody = {"customer_id": "99", "branch_id": "Z"}
    assert found == sorted(
        [(table, row_id, name, nobody[name], False)
         for table, row_id, *names in (
             ("contacts", 1, "customer_id"), ("campaign_targets", 97, "customer_id", "branch_id"),
             ("card_transactions", 2, "customer_id"), ("payroll_members", 92, "customer_id"),
             ("merchants", 4, "customer_id", "branch_id"), ("digital_channels", 99, "customer_id"),
             ("customer_relations", 99, "customer_id"),
             ("coverage_locks", 99, "customer_id", "branch_id"),
             ("coverage_managers", 99, "customer_id", "branch_id"),
             ("wealth_holdings", 5, "customer_id", "branch_id"))
         for name in names]
        + [("contacts", 1, "campaign_id", "98", False),
           ("campaign_targets", 97, "campaign_id", "97", False),
           ("card_transactions", 2, "card_id", "96", False),
           ("card_statements", 95, "card_id", "95", False),
           ("loan_schedules", 94, "loan_id", "94", False),
           ("standing_orders", 3, "account_id", "93", False),
           ("payroll_members", 92, "account_id", "91", False),
           ("payroll_members", 92, "employer_id", "92", False),
           ("merchants", 4, "account_id", "91", False),
           ("customer_relations", 99, "related_customer_id", "90", False)]
    )  # fmt: skip
    [told] = warned(crm, "chk_orphans")
    assert "source campaign_targets, row_id 97, names branch_id, missing Z" in told


def test_a_booking_of_an_earlier_day_that_names_nobody_blocks(bank: Bank, crm: Batch) -> None:
    row = {"txn_id": 80, "account_id": 99, "customer_id": 1, "branch_id": "A",
           "booked_at": noon(FIRST), "direction": "credit", "amount": Decimal(1),
           "currency": "CNY", "channel": "counter", "txn_type": "other"}  # fmt: skip
    small(bank).add("transactions", FIRST, **row)
    assert "source transactions, row_id 80" in blocked(bank, crm, "chk_orphans")


@pytest.mark.parametrize(("balance", "fault"), [("-1", "overdrawn"), ("100000000000", "absurd")])
def test_an_absurd_balance_blocks_and_an_overdraft_warns(
    bank: Bank, crm: Batch, balance: str, fault: str
) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", balance)
    bank.deliver(SECOND)
    if fault == "absurd":
        assert "source balances, row_id 11" in blocked(bank, crm, "chk_amounts")
    else:
        crm.run(SECOND, selectors=("chk_amounts",))
        assert len(warned(crm, "chk_amounts")) == 1


#: A row of everything that has an amount, with the columns in which it is below nothing.
NEGATIVE: tuple[tuple[str, dict[str, Any], set[str]], ...] = (
    ("loans", {"loan_id": 23, "customer_id": 1, "branch_id": "A", "product": "loan",
               "currency": "CNY", "granted_on": FIRST, "matures_on": SECOND,
               "five_tier": "normal", "status": "running"},
     {"balance", "amount", "credit_line", "interest_arrears", "next_due_amount"}),
    ("loan_schedules", {"loan_id": 21, "instalment_no": 1, "due_on": SECOND},
     {"principal", "interest"}),
    ("credit_cards", {"card_id": 31, "customer_id": 1, "branch_id": "A", "card_type": "credit",
                      "product": "card", "issued_on": FIRST}, {"credit_limit", "balance"}),
    ("card_statements", {"card_id": 31, "statement_on": FIRST, "due_on": SECOND},
     {"amount", "minimum_due"}),
    ("card_transactions", {"card_txn_id": 41, "card_id": 31, "customer_id": 1,
                           "booked_at": noon(SECOND), "direction": "debit"}, {"amount"}),
    ("standing_orders", {"order_id": 51, "account_id": 11}, {"amount"}),
    ("wealth_holdings", {"holding_id": 61, "customer_id": 1, "branch_id": "A", "kind": "fund",
                         "product": "fund", "bought_on": FIRST}, {"amount"}),
)  # fmt: skip


def test_every_amount_below_nothing_blocks_but_what_may_be_overpaid(bank: Bank, crm: Batch) -> None:
    small(bank)
    for table, row, amounts in NEGATIVE:
        bank.add(table, SECOND, **row, **dict.fromkeys(amounts, Decimal(-5)))
    assert "12 rows break" in blocked(bank, crm, "chk_amounts")
    assert len(warned(crm, "chk_amounts")) == 1


def test_what_stops_is_told_and_what_never_came_is_not_but_lists_of_campaigns(
    bank: Bank, crm: Batch
) -> None:
    small(bank).add("contacts", contact_id=1, customer_id=1, channel="sms",
                    contact_class="service", contacted_at=noon(FIRST))  # fmt: skip
    bank.add("loan_events", event_no=1, loan_id=21, customer_id=2, branch_id="C",
             occurred_at=noon(FIRST), change="repaid", amount=Decimal(1),
             days_overdue=0)  # fmt: skip
    for campaign, ends_on in ((1, None), (2, None), (3, SECOND)):
        bank.add("campaigns", campaign_id=campaign, org_id="L1", name="C", product="loan",
                 starts_on=FIRST, ends_on=ends_on or date(2026, 3, 1))  # fmt: skip
    bank.add("campaign_targets", campaign_id=1, customer_id=1, branch_id="A", is_control=False,
             listed_on=FIRST)  # fmt: skip
    late = FIRST + timedelta(days=8)
    bank.deliver(late)
    for day in (late - timedelta(days=1), late):
        crm.run(day, selectors=("chk_freshness",))
    told = ("balances", "campaign_targets of campaign 2", "contacts", "loan_events")
    assert crm.rows("chk_freshness", late, "source, newest_on") == [(one, FIRST) for one in told]
    assert crm.query(
        "select as_of from acrm.audits where model = 'chk_freshness' and failed_rows > 0"
    ) == [(late,)]


def test_a_negative_loan_blocks(bank: Bank, crm: Batch) -> None:
    small(bank).loan(23, 1, "A", balance=Decimal(-5))
    assert "source loans, row_id 23" in blocked(bank, crm, "chk_amounts")
