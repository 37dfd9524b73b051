"""A real ledger and a simulated one, judged by the rules, equal SQL that knows nothing of them.

Berka: the verbatim prefix of a Czech bank's ledger, 49,102 bookings. AMLSim: 117,805 transfers,
told as a debit and a credit of two customers; its day is the time. An account that has moved
nothing for the last hundred of its 149 days is told as closed, after its last transfer: at the last
second of that day, or at the first of the next one. The data's README has the terms.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import psycopg
import pytest
from msgspec.json import encode as to_json

from alerting import history
from alerting.events import Booking, CardBooking, Closure, Event
from alerting.ruleset import Ruleset, ruleset_of
from crm_shared import ids
from tests.alerting.batches import not_asked, raised, records, run

DATA = Path(os.environ.get("CRM_REAL_DATA") or Path(__file__).parents[3] / "shared/data")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DATA.is_dir(), reason=f"the real data are not in {DATA}; set CRM_REAL_DATA"
    ),
]

#: The same columns from both sources; `card` tells spending on cards from bookings on accounts.
_BERKA = """
create table booking as
select t.trans_id as id, d.client_id as customer_id, t.account_id,
       strptime('19' || t.date, '%Y%m%d') + interval 12 hour as booked_at,
       if(t.type = 'PRIJEM', 'credit', 'debit') as direction, t.amount::decimal(18, 2) as amount,
       if(t.k_symbol in ('UROK', 'SANKC. UROK'), 'interest', 'other') as kind,
       if(t.operation = 'PREVOD NA UCET', t.bank, null) as other_bank,
       coalesce(t.operation = 'VYBER KARTOU', false) as card
from read_csv('{data}/berka/trans_prefix.asc', delim = ';', quote = '"', header = true) as t
join read_csv('{data}/berka/disp.asc', delim = ';', quote = '"', header = true) as d
    on d.account_id = t.account_id and d.type = 'OWNER';
create table closure (account_id bigint, closed_at timestamp, closed_on varchar);
"""
_AMLSIM = """
create table booking as
with transfer as (
    select row_number() over (order by time, sourceNodeId, targetNodeId, value) as n, *
    from read_csv('{data}/amlsim/20K_cycle200/transactions.csv')
)
select 2 * n + side as id, if(side = 0, sourceNodeId, targetNodeId) + 1 as customer_id,
       customer_id as account_id, timestamp '2026-01-01 04:00:00' + to_days(time::int) as booked_at,
       if(side = 0, 'debit', 'credit') as direction, value::decimal(18, 2) as amount,
       'other' as kind, if(side = 0, 'AMLSIM', null) as other_bank, false as card
from transfer, (values (0), (1)) as sides (side);
create table closure as
with last_moved as (
    select account_id, max(booked_at)::date as day from booking group by account_id
    having day < date '2026-01-01' + 49
)
select account_id, day + interval 16 hour - to_seconds(account_id % 2) as closed_at,
       strftime(day + (1 - account_id % 2)::int, '%Y-%m-%d') as closed_on
from last_moved
"""

#: What must be raised, in the words of docs/rules.md.
_EXPECTED = """
with outgoing as (
    select customer_id, booked_at, count(*) over (
        partition by customer_id order by booked_at
        range between to_microseconds({hours}::bigint * 3600000000 - 1) preceding and current row
    ) as transfers
    from {table}
    where direction = 'debit' and other_bank is not null and kind <> 'interest' and not card
)
select 'R01.LARGE_INFLOW', 'customer:' || customer_id, 'txn:' || id from {table}
where direction = 'credit' and amount >= {amount} and kind <> 'interest' and not card
union
select 'R01.LARGE_OUTFLOW', 'customer:' || customer_id, 'txn:' || id from {table}
where direction = 'debit' and amount >= {amount} and kind <> 'interest' and not card
union
select 'R01.LARGE_CARD_SPEND', 'card:' || account_id, 'card_txn:' || id from {table}
where direction = 'debit' and amount >= {spend} and card
union
select 'R01.FREQUENT_TRANSFERS_OUT', 'customer:' || customer_id,
    'day:' || strftime(booked_at + interval 8 hour, '%Y-%m-%d')
from outgoing where transfers >= {count}
union
select 'R01.ACCOUNT_CLOSED', 'account:' || account_id, 'closed:' || closed_on from closure
"""


@dataclass(frozen=True)
class Set:
    """Thresholds, and the rules without any that the ledger has events for."""

    amount: int
    spend: int
    count: int
    hours: int
    others: tuple[str, ...] = ()

    @property
    def rules(self) -> Ruleset:
        movement = {
            "movement.individual_min_amount": self.amount,
            "movement.business_min_amount": self.amount,
        }
        transfers = {
            "frequent_transfers.min_count": self.count,
            "frequent_transfers.window_hours": self.hours,
        }
        return ruleset_of(
            [
                ("R01.LARGE_INFLOW", 1, movement),
                ("R01.LARGE_OUTFLOW", 1, movement),
                ("R01.LARGE_CARD_SPEND", 1, {"card_spend.min_amount": self.spend}),
                ("R01.FREQUENT_TRANSFERS_OUT", 1, transfers),
                *((code, 1, {}) for code in self.others),
            ]
        )

    def expected(
        self, ledger: duckdb.DuckDBPyConnection, table: str = "booking"
    ) -> set[tuple[str, str, str]]:
        values = {name: getattr(self, name) for name in ("amount", "spend", "count", "hours")}
        return set(ledger.execute(_EXPECTED.format(**values, table=table)).fetchall())


BERKA = [Set(20_000, 1_000, 2, 24), Set(40_000, 3_000, 4, 240)]
AMLSIM = [
    Set(400, 1_000, 3, 24, others=("R01.ACCOUNT_CLOSED",)),
    Set(590, 1_000, 5, 72, others=("R01.ACCOUNT_CLOSED",)),
]


@pytest.fixture(scope="module")
def berka() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as ledger:
        ledger.execute(_BERKA.format(data=DATA))
        yield ledger


@pytest.fixture(scope="module")
def amlsim() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as ledger:
        ledger.execute(_AMLSIM.format(data=DATA))
        yield ledger


def _events(ledger: duckdb.DuckDBPyConnection, where: str = "true") -> list[Event]:
    rows = ledger.execute(
        "select id, customer_id, account_id, booked_at, direction, amount, kind, other_bank, card"
        f" from booking where {where} order by booked_at, id"
    ).fetchall()
    return [_event(row) for row in rows]


def _event(row: tuple[Any, ...]) -> Event:
    number, customer, account, at, direction, amount, kind, bank, card = row
    common: dict[str, Any] = {
        "event_id": UUID(int=number), "occurred_at": at.replace(tzinfo=UTC), "producer": "core",
        "customer_id": customer, "branch_id": "B01", "business_date": at.date(),
        "direction": direction, "amount_text": str(amount),
    }  # fmt: skip
    if card:
        return CardBooking(**common, card_txn_id=number, card_id=account)
    return Booking(
        **common, txn_id=number, account_id=account, channel="other", txn_type=kind,
        counterparty_bank=bank,
    )  # fmt: skip


def _closures(ledger: duckdb.DuckDBPyConnection) -> list[Event]:
    rows = ledger.execute("select account_id, closed_at from closure order by all").fetchall()
    return [
        Closure(
            event_id=ids.event_id("account-closed", f"{number}|{at.date()}"), producer="core",
            occurred_at=at.replace(tzinfo=UTC), customer_id=number, account_id=number,
            branch_id="B01", business_date=at.date(), product="demand", closing_text="0.00",
        )
        for number, at in rows
    ]  # fmt: skip


def _keys(events: list[Event], rules: Ruleset) -> set[tuple[str, str, str]]:
    return {
        (one.rule.rule.code, one.outcome.subject, one.outcome.window)
        for one in history.reminders_of(events, rules, not_asked).values()
    }


def test_the_ledger_of_berka_equals_sql(berka: duckdb.DuckDBPyConnection) -> None:
    events = _events(berka)
    assert len(events) == 49_102
    for one in BERKA:
        expected = one.expected(berka)
        assert {code for code, _, _ in expected} == {it.rule.code for it in one.rules.rules}
        assert _keys(events, one.rules) == expected


def test_the_transfers_of_amlsim_equal_sql(amlsim: duckdb.DuckDBPyConnection) -> None:
    events = _events(amlsim)
    assert len(events) == 2 * 117_805
    events += _closures(amlsim)
    for one in AMLSIM:
        expected = one.expected(amlsim)
        # Nobody there has a card.
        judged = {it.rule.code for it in one.rules.rules} - {"R01.LARGE_CARD_SPEND"}
        assert {code for code, _, _ in expected} == judged
        assert len(judged) == 4
        assert _keys(events, one.rules) == expected


def test_the_stream_raises_the_same_from_disorder_and_duplicates(
    berka: duckdb.DuckDBPyConnection, connection: psycopg.Connection
) -> None:
    month = "booked_at >= timestamp '1994-01-01' and booked_at < timestamp '1994-02-01'"
    events = _events(berka, month)
    shuffled = [to_json(event) for event in [*events, *events[::7]]]
    random.Random(7).shuffle(shuffled)
    for first in range(0, len(shuffled), 1_500):
        run(connection, records(shuffled[first : first + 1_500], first), rules=BERKA[1].rules)
    berka.execute(f"create table january as from booking where {month}")
    expected = BERKA[1].expected(berka, "january")
    told = raised(connection, {event.customer_id for event in events if event.customer_id})
    assert told == {ids.reminder_id(*key): key[0] for key in expected}
    assert len(set(told.values())) >= 3


def test_a_window_of_ten_days_reaches_over_the_new_year(berka: duckdb.DuckDBPyConnection) -> None:
    one = BERKA[1]
    assert timedelta(hours=one.hours) == one.rules.span
    days = {window for code, _, window in one.expected(berka) if "FREQUENT" in code}
    assert any("1994-01-0" in day for day in days)
