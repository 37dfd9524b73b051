"""Turn the cases into tables, one row per thing that a case has or is expected to be.

Each case is planted `copies` times, in the legal entities in turn. The rows here are those of the
prototypes; `sql/cases.sql` multiplies them by the copies.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from bank_simulator.cases.prototype import Card, Case, Dates, Instalment, Loan, Move, yuan

Row = dict[str, Any]

_DAY = pa.date32()
_FIELDS: dict[str, dict[str, pa.DataType]] = {
    "proto_case": {"case_no": pa.int64(), "name": pa.string(), "customer_type": pa.string(),
                   "status": pa.string(), "home": pa.int64(), "document_in": pa.int64(),
                   "risk_in": pa.int64(), "basis": pa.string(), "contacts": pa.int64(),
                   "birth_date": _DAY, "customer_since": _DAY, "occupation": pa.string(),
                   "industry": pa.string(), "tier": pa.string(), "lifecycle": pa.string(),
                   "over_campaigns": pa.list_(pa.int64())},
    "proto_account": {"case_no": pa.int64(), "seq": pa.int64(), "slot": pa.int64(),
                      "product": pa.string(), "opened_on": _DAY, "matures_on": _DAY,
                      "closed_on": _DAY, "opening": pa.int64()},
    "proto_move": {"case_no": pa.int64(), "move_no": pa.int64(), "account": pa.int64(),
                   "day": _DAY, "seconds": pa.int64(), "cents": pa.int64(),
                   "txn_type": pa.string(), "bank": pa.string(), "reverses": pa.int64(),
                   "channel": pa.string()},
    "proto_loan": {"case_no": pa.int64(), "seq": pa.int64(), "slot": pa.int64(),
                   "token": pa.string(), "amount": pa.int64(), "granted_on": _DAY,
                   "matures_on": _DAY, "settled_on": _DAY, "status": pa.string(),
                   "arrears": pa.int64(), "days_overdue": pa.int32(), "last_overdue_on": _DAY,
                   "five_tier": pa.string(), "product": pa.string()},
    "proto_instalment": {"case_no": pa.int64(), "seq": pa.int64(), "slot": pa.int64(),
                         "instalment_no": pa.int64(), "due_on": _DAY, "principal": pa.int64(),
                         "interest": pa.int64(), "paid_on": _DAY},
    "proto_card": {"case_no": pa.int64(), "seq": pa.int64(), "slot": pa.int64(),
                   "token": pa.string(), "card_type": pa.string(), "credit_limit": pa.int64(),
                   "issued_on": _DAY, "closed_on": _DAY, "activated_on": _DAY,
                   "overdue_periods": pa.int32()},
    "proto_statement": {"case_no": pa.int64(), "seq": pa.int64(), "due_on": _DAY,
                        "cents": pa.int64(), "paid_on": _DAY},
    "proto_holding": {"case_no": pa.int64(), "seq": pa.int64(), "slot": pa.int64(),
                      "cents": pa.int64(), "matures_on": _DAY, "ended_on": _DAY,
                      "bought_on": _DAY},
    "proto_merchant": {"case_no": pa.int64(), "seq": pa.int64(), "signed_on": _DAY,
                       "ended_on": _DAY},
    "proto_channel": {"case_no": pa.int64(), "channel": pa.string(), "signed_on": _DAY,
                      "last_used_on": _DAY, "ended_on": _DAY},
    "proto_family": {"case_no": pa.int64(), "other": pa.string(), "reverse": pa.bool_(),
                     "until": _DAY},
    "proto_payroll": {"case_no": pa.int64(), "until": _DAY},
    "proto_tag": {"case_no": pa.int64(), "path": pa.string(), "expected": pa.bool_(),
                  "strength": pa.int32()},
    "proto_lock": {"case_no": pa.int64(), "slot": pa.int64(), "token": pa.string(),
                   "locked_on": _DAY, "locked_until": _DAY},
    "proto_contact": {"case_no": pa.int64(), "day": _DAY, "seconds": pa.int64(),
                      "contact_class": pa.string(), "channel": pa.string(),
                      "result": pa.string(),
                      "campaign": pa.int64()},
    "proto_assignment": {"case_no": pa.int64(), "slot": pa.int64(), "token": pa.string()},
    "proto_coverage": {"case_no": pa.int64(), "role": pa.string(), "slot": pa.int64(),
                       "token": pa.string(), "rule": pa.string()},
    "proto_due": {"case_no": pa.int64(), "rule_code": pa.string(), "item": pa.int64(),
                  "due_on": _DAY, "cents": pa.int64(), "slot": pa.int64(),
                  "window": pa.string()},
    "proto_movement": {"case_no": pa.int64(), "business_date": _DAY, "rule_code": pa.string(),
                       "expected": pa.bool_(), "move_no": pa.int64(), "account": pa.int64(),
                       "loan": pa.int64(), "spend": pa.int64(), "slot": pa.int64(),
                       "window": pa.string()},
    "proto_loan_step": {"case_no": pa.int64(), "day": _DAY, "seconds": pa.int64(),
                        "change": pa.string(), "cents": pa.int64(), "days_overdue": pa.int32(),
                        "tier_before": pa.string(), "tier_after": pa.string()},
    "proto_spend": {"case_no": pa.int64(), "place": pa.int64(), "day": _DAY,
                    "seconds": pa.int64(), "cents": pa.int64()},
    "proto_change": {"case_no": pa.int64(), "day": _DAY, "field": pa.string()},
    "proto_ticket": {"case_no": pa.int64(), "place": pa.int64(), "day": _DAY,
                     "seconds": pa.int64(), "state": pa.string(), "known": pa.bool_()},
}  # fmt: skip


def plant(connection: duckdb.DuckDBPyConnection, cases: Iterable[Case], dates: Dates) -> None:
    """Create the prototype tables `proto_…` of the cases."""
    rows: dict[str, list[Row]] = {name: [] for name in _FIELDS}
    for case_no, case in enumerate(cases):
        for name, row in _rows_of(case, dates):
            rows[name].append({"case_no": case_no, **row})
    for name, fields in _FIELDS.items():
        table = pa.Table.from_pylist(rows[name], schema=pa.schema(list(fields.items())))
        connection.register("incoming", table)
        connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM incoming")
        connection.unregister("incoming")


def _rows_of(case: Case, dates: Dates) -> Iterable[tuple[str, Row]]:
    yield "proto_case", {
        "name": case.name, "customer_type": case.customer_type, "status": case.status,
        "home": case.home, "document_in": _days_after(dates.as_of, case.document_expires_on),
        "risk_in": _days_after(dates.as_of, case.risk_profile_expires_on), "basis": case.key,
        "contacts": case.over_contact, "birth_date": case.birth_date,
        "customer_since": case.customer_since, "occupation": case.occupation,
        "industry": case.industry, "tier": case.tier, "lifecycle": case.lifecycle,
        "over_campaigns": list(case.over_campaigns),
    }  # fmt: skip
    yield from _deposits(case, dates)
    yield from _credit(case, dates)
    yield from _services(case, dates)
    yield from _marketing(case)
    yield from _live(case)
    yield from _answers(case)


def _deposits(case: Case, dates: Dates) -> Iterable[tuple[str, Row]]:
    long_ago = dates.first - timedelta(days=250)
    for seq, account in enumerate(case.accounts):
        yield "proto_account", {
            "seq": seq + 1, "slot": account.branch, "product": account.product,
            "opened_on": account.opened_on or long_ago, "matures_on": account.matures_on,
            "closed_on": account.closed_on, "opening": yuan(account.opening),
        }  # fmt: skip
    numbers = {move.ref: number for number, (_, move) in enumerate(_moves(case)) if move.ref}
    for number, (seq, move) in enumerate(_moves(case)):
        yield "proto_move", {
            "move_no": number, "account": seq, **_clock(move.at), "cents": yuan(move.amount),
            "txn_type": move.txn_type, "bank": move.bank, "channel": move.channel,
            "reverses": numbers[move.reverses] if move.reverses else None,
        }  # fmt: skip


def _moves(case: Case) -> list[tuple[int, Move]]:
    return [(seq + 1, move) for seq, account in enumerate(case.accounts) for move in account.moves]


def _credit(case: Case, dates: Dates) -> Iterable[tuple[str, Row]]:
    granted_on = dates.first - timedelta(days=300)
    for seq, loan in enumerate(case.loans):
        instalments = loan.instalments or tuple(_bullet(loan, dates))
        yield "proto_loan", {
            "seq": seq + 1, "slot": loan.branch, "token": loan.manager,
            "amount": yuan(loan.amount or loan.balance),
            "granted_on": loan.granted_on or granted_on,
            "matures_on": loan.matures_on or instalments[-1].due_on,
            "settled_on": loan.settled_on, "status": loan.status,
            "arrears": yuan(loan.arrears) if loan.arrears else 0,
            "days_overdue": loan.days_overdue, "last_overdue_on": loan.last_overdue_on,
            "five_tier": loan.five_tier, "product": loan.product,
        }  # fmt: skip
        for number, instalment in enumerate(instalments):
            yield "proto_instalment", {
                "seq": seq + 1, "slot": loan.branch, "instalment_no": number + 1,
                "due_on": instalment.due_on, "principal": yuan(instalment.principal),
                "interest": yuan(instalment.interest), "paid_on": instalment.paid_on,
            }  # fmt: skip
    issued_on = dates.first - timedelta(days=300)
    for seq, card in enumerate(case.cards):
        yield "proto_card", {
            "seq": seq + 1, "slot": card.branch, "token": card.manager,
            "card_type": card.card_type, "credit_limit": yuan(card.limit),
            "issued_on": card.issued_on or issued_on, "closed_on": card.closed_on,
            "activated_on": _activated_on(card, card.issued_on or issued_on),
            "overdue_periods": card.overdue_periods,
        }  # fmt: skip
        for statement in card.statements:
            yield "proto_statement", {
                "seq": seq + 1, "due_on": statement.due_on, "cents": yuan(statement.amount),
                "paid_on": statement.paid_on,
            }  # fmt: skip


def _bullet(loan: Loan, dates: Dates) -> Iterable[Instalment]:
    """What was repaid before the first day, and the rest at maturity, far from any reminder."""
    if loan.amount and yuan(loan.amount) > yuan(loan.balance):
        before = dates.first - timedelta(days=30)
        repaid = (yuan(loan.amount) - yuan(loan.balance)) / 100
        yield Instalment(before, f"{repaid:.2f}", paid_on=before)
    matures_on = loan.matures_on or dates.as_of + timedelta(days=400)
    yield Instalment(matures_on, loan.balance, "10", paid_on=loan.settled_on)


def _activated_on(card: Card, issued_on: date) -> date | None:
    if card.activated_on == "never":
        return None
    return card.activated_on or issued_on + timedelta(days=3)


def _services(case: Case, dates: Dates) -> Iterable[tuple[str, Row]]:
    for seq, holding in enumerate(case.holdings):
        yield "proto_holding", {
            "seq": seq + 1, "slot": holding.branch, "cents": yuan(holding.amount),
            "matures_on": holding.matures_on, "ended_on": holding.ended_on,
            "bought_on": holding.bought_on or dates.first - timedelta(days=30),
        }  # fmt: skip
    for seq, merchant in enumerate(case.merchants):
        yield "proto_merchant", {
            "seq": seq + 1, "signed_on": merchant.signed_on, "ended_on": merchant.ended_on,
        }  # fmt: skip
    for channel in case.channels:
        yield "proto_channel", {
            "channel": channel.channel, "signed_on": channel.signed_on,
            "last_used_on": channel.last_used_on, "ended_on": channel.ended_on,
        }  # fmt: skip
    if case.family:
        yield "proto_family", {
            "other": case.family.case, "reverse": case.family.reverse, "until": case.family.until,
        }  # fmt: skip
    if case.payroll:
        yield "proto_payroll", {"until": case.payroll.until}


def _marketing(case: Case) -> Iterable[tuple[str, Row]]:
    if case.lock:
        yield "proto_lock", {
            "slot": case.lock.branch, "token": case.lock.manager,
            "locked_on": case.lock.locked_on, "locked_until": case.lock.locked_until,
        }  # fmt: skip
    for contact in case.contacts:
        yield "proto_contact", {
            "contact_class": contact.contact_class, "channel": contact.channel,
            "result": contact.result, "campaign": contact.campaign, **_clock(contact.at),
        }  # fmt: skip
    for slot, token in case.managers.items():
        yield "proto_assignment", {"slot": slot, "token": token}


def _live(case: Case) -> Iterable[tuple[str, Row]]:
    for step in case.loan_steps:
        yield "proto_loan_step", {
            **_clock(step.at), "change": step.change, "days_overdue": step.days_overdue,
            "cents": yuan(step.amount) if step.amount else None, "tier_before": step.before,
            "tier_after": step.after,
        }  # fmt: skip
    for place, spend in enumerate(case.spending):
        yield "proto_spend", {"place": place, **_clock(spend.at), "cents": yuan(spend.amount)}
    if case.changed:
        yield "proto_change", {"day": case.changed[0], "field": case.changed[1]}
    for place, ticket in enumerate(case.tickets):
        yield "proto_ticket", {
            "place": place, **_clock(ticket.at), "state": ticket.state, "known": ticket.known,
        }  # fmt: skip


def _answers(case: Case) -> Iterable[tuple[str, Row]]:
    for cover in case.coverage:
        yield "proto_coverage", {
            "role": cover.role, "slot": cover.branch, "token": cover.manager, "rule": cover.rule,
        }  # fmt: skip
    for due in case.due:
        yield "proto_due", {
            "rule_code": due.rule_code, "item": due.index + 1, "due_on": due.due_on,
            "cents": yuan(due.amount) if due.amount else None, "slot": due.branch,
            "window": due.window or f"due:{due.due_on}",
        }  # fmt: skip
    for path, expected in case.tags.items():
        yield "proto_tag", {
            "path": f"POTENTIAL/{path}", "expected": expected is not False,
            "strength": None if isinstance(expected, bool) else expected,
        }  # fmt: skip
    numbers = {move.ref: number for number, (_, move) in enumerate(_moves(case)) if move.ref}
    for movement in case.movements:
        yield "proto_movement", {
            "business_date": movement.business_date, "rule_code": movement.rule_code,
            "expected": movement.expected,
            "move_no": numbers[movement.ref] if movement.ref else None,
            "account": None if movement.account is None else movement.account + 1,
            "loan": None if movement.loan is None else movement.loan + 1,
            "spend": movement.spend, "slot": movement.branch, "window": movement.window,
        }  # fmt: skip


def _days_after(first: date, day: date | None) -> int | None:
    return (day - first).days if day else None


def _clock(instant: datetime) -> Row:
    midnight = instant.replace(hour=0, minute=0, second=0)
    return {"day": instant.date(), "seconds": int((instant - midnight).total_seconds())}
