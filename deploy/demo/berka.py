"""The real Berka bank (PKDD'99): its facts by SQL on its own files, against what was published."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg

from deploy.demo import truth
from deploy.demo.api import Api
from deploy.demo.banks import compare_ledger
from deploy.demo.options import DemoOptions
from deploy.demo.programs import Programs
from deploy.demo.report import Report

YEAR_END = date(1993, 12, 31)
LAST_LEDGER_DAY = date(1994, 3, 31)
STATE_DAY = date(1998, 12, 31)
REPLAYED = date(1994, 1, 9)

#: In 1993 an account held some 32,000 CZK, so movements are large from less; amounts in CZK.
LARGE = "30000.00"
FREQUENT = "2"

#: What each status of a loan is in the CRM: (status, five-tier class).
LOAN_STATUS = {
    "A": ("settled", "normal"),
    "B": ("written_off", "substandard"),
    "C": ("running", "normal"),
    "D": ("running", "substandard"),
}

#: Own business with the bank moves no funds: interest, sanction interest, fees, loan payments.
NOT_A_MOVEMENT = "coalesce(k_symbol, '') not in ('UROK', 'SANKC. UROK', 'SLUZBY', 'UVER')"


@dataclass(slots=True)
class BerkaBank:
    """The imported bank; its ledger covers 1993-01-01 to 1994-03-31, its loans 1993 to 1998."""

    options: DemoOptions
    batch_dates: tuple[date, ...] = (YEAR_END, LAST_LEDGER_DAY, STATE_DAY)
    replay_date: date = REPLAYED
    currency: str = "CZK"
    staff: tuple[str, ...] = ("DEMO-UNION-HEAD", "DEMO-BRANCH-HEAD", "DEMO-OPERATIONS")

    @property
    def source(self) -> Path:
        """The folder of the .asc files."""
        return self.options.berka_files

    def fill(self, programs: Programs, landing: Path) -> None:
        """Import it."""
        programs.run(
            "bank-simulator", "import", "berka", str(self.source), "--out", str(landing),
            "--demo-staff", shown=True,
        )  # fmt: skip

    def settle(self, connection: psycopg.Connection) -> None:
        """Give the movement rules thresholds of that time and place, as a second version."""
        connection.execute(
            """
            insert into alerting.rules (code, version, parameters, effective_from)
            select code, 2, parameters || %s::jsonb, effective_from
            from alerting.rules where version = 1 and code = any (%s)
            """,
            (
                f'{{"movement.individual_min_amount": "{LARGE}", "movement.currency": "CZK"}}',
                ["R01.LARGE_INFLOW", "R01.LARGE_OUTFLOW"],
            ),
        )
        connection.execute(
            """
            insert into alerting.rules (code, version, parameters, effective_from)
            select code, 2, parameters || %s::jsonb, effective_from
            from alerting.rules where version = 1 and code = 'R01.FREQUENT_TRANSFERS_OUT'
            """,
            (f'{{"frequent_transfers.min_count": "{FREQUENT}"}}',),
        )

    def compare(
        self, connection: psycopg.Connection, api: Api, landing: Path, report: Report
    ) -> None:
        """Movements of the replayed day, the facts of the source, and the ledger."""
        with duckdb.connect() as engine:
            script = Path(__file__).with_name("berka_truth.sql").read_text(encoding="utf-8")
            engine.execute(script.replace("$folder", f"'{self.source}'"))
            raised = truth.reminders_by_rule(connection)
            movements = {code: rows for code, rows in raised.items() if code.startswith("R01.")}
            report.rules = truth.tally_rules(_movements(engine), movements)
            report.facts = _facts(engine, connection) | _facts_of_api(engine, api)
        compare_ledger(connection, landing, YEAR_END, self.currency, report)


def _movements(engine: duckdb.DuckDBPyConnection) -> dict[str, list[truth.Row]]:
    """(subject, window) by rule for the replayed day; the owner of an account moves its funds."""
    day = f"{REPLAYED:%y%m%d}"
    engine.execute(
        f"""
        create table moved as
        select t.*, d.client_id from trans as t
        join disp as d on d.account_id = t.account_id and d.type = 'OWNER'
        where t.date = '{day}' and {NOT_A_MOVEMENT}
        """
    )
    large = (
        "select 'customer:' || client_id, 'txn:' || trans_id from moved"
        f" where amount >= {LARGE} and (type = 'PRIJEM') = "
    )
    frequent = (
        f"select 'customer:' || client_id, 'day:{REPLAYED}' from moved"
        " where type <> 'PRIJEM' and bank is not null"
        f" group by client_id having count(*) >= {FREQUENT}"
    )
    return {
        "R01.LARGE_INFLOW": engine.execute(large + "true").fetchall(),
        "R01.LARGE_OUTFLOW": engine.execute(large + "false").fetchall(),
        "R01.FREQUENT_TRANSFERS_OUT": engine.execute(frequent).fetchall(),
    }


#: name → (SQL on the source's files, SQL on the published tables).
_FACTS = {
    "owners who live outside their branch's district": (
        "select count(*) from account a join disp d using (account_id)"
        " join client c using (client_id)"
        " where d.type = 'OWNER' and c.district_id <> a.district_id",
        "select count(*) from acrm.holdings h"
        " join acrm.customers c using (business_date, customer_id)"
        " join acrm.org_units u on u.business_date = h.business_date and u.org_id = h.branch_id"
        f" where h.business_date = '{STATE_DAY}' and h.kind = 'deposit' and c.region <> u.name_en",
    ),
    "standing orders, CZK": (
        "select sum(amount) from standing_order",
        "select sum((details ->> 'amount')::numeric(18,2)) from acrm.holdings"
        f" where business_date = '{STATE_DAY}' and kind = 'standing_order'",
    ),
    "credits of the ledger, CZK": (
        "select sum(amount) from trans where type = 'PRIJEM'",
        "select sum((indicators ->> 'FLOW_IN_AMT_Y')::numeric(18,2)) from acrm.branch_indicators"
        f" where business_date in ('{YEAR_END}', '{LAST_LEDGER_DAY}') and org_id = 'BERKA'",
    ),
    "debits of the ledger, CZK": (
        "select sum(amount) from trans where type <> 'PRIJEM'",
        "select sum((indicators ->> 'FLOW_OUT_AMT_Y')::numeric(18,2)) from acrm.branch_indicators"
        f" where business_date in ('{YEAR_END}', '{LAST_LEDGER_DAY}') and org_id = 'BERKA'",
    ),
    "deposits of 1993-12-31, CZK": (
        "select sum(case type when 'PRIJEM' then amount else -amount end) from trans"
        f" where date <= '{YEAR_END:%y%m%d}'",
        "select (indicators ->> 'DEP_BAL')::numeric(18,2) from acrm.branch_indicators"
        f" where business_date = '{YEAR_END}' and org_id = 'BERKA'",
    ),
    "accounts of 1993-12-31": (
        f"select count(*) from account where date <= '{YEAR_END:%y%m%d}'",
        "select count(*) from acrm.holdings"
        f" where business_date = '{YEAR_END}' and kind = 'deposit' and status = 'open'",
    ),
} | {
    f"loans of status {status}": (
        f"select count(*) || ' over ' || sum(amount) from loan where status = '{status}'",
        "select count(*) || ' over ' || sum((details ->> 'amount')::numeric(18,2))"
        f" from acrm.holdings where business_date = '{STATE_DAY}' and kind = 'loan'"
        f" and status = '{kept[0]}' and details ->> 'five_tier' = '{kept[1]}'",
    )
    for status, kept in LOAN_STATUS.items()
}


def _facts(
    engine: duckdb.DuckDBPyConnection, connection: psycopg.Connection
) -> dict[str, dict[str, str]]:
    facts = {}
    for name, (of_source, of_tables) in _FACTS.items():
        expected, found = (
            engine.execute(of_source).fetchone(),
            connection.execute(of_tables).fetchone(),
        )
        facts[name] = {
            "expected": str(expected[0] if expected else None),
            "found": str(found[0] if found else None),
        }
    return facts


def _facts_of_api(engine: duckdb.DuckDBPyConnection, api: Api) -> dict[str, dict[str, str]]:
    """Loans and deposits once more, added up from what the interface says of each customer."""
    owners = "join disp using (account_id) where type = 'OWNER'"
    borrowers = engine.execute(f"select client_id from loan {owners}").fetchall()
    holders = engine.execute(
        f"select client_id from account {owners} and date <= '{YEAR_END:%y%m%d}'"
    ).fetchall()
    profiles = api.get_all(f"/v1/customers/{client}/profile" for (client,) in borrowers)
    histories = api.get_all(f"/v1/customers/{client}/indicators" for (client,) in holders)
    loans = [
        Decimal(holding["details"]["amount"])
        for profile in profiles
        for holding in profile["holdings"]
        if holding["kind"] == "loan"
    ]
    deposits = sum(
        Decimal(entry["values"].get("DEP_BAL", 0))  # zeros are left out
        for history in histories
        for day in history["items"]
        if day["business_date"] == YEAR_END.isoformat()
        for entry in day["indicators"]
    )
    all_loans = engine.execute("select count(*) || ' over ' || sum(amount) from loan").fetchone()
    of_year_end = engine.execute(_FACTS["deposits of 1993-12-31, CZK"][0]).fetchone()
    return {
        "all loans, through the API": {
            "expected": str(all_loans[0] if all_loans else None),
            "found": f"{len(loans)} over {sum(loans)}",
        },
        "deposits of 1993-12-31 through the API, CZK": {
            "expected": str(of_year_end[0] if of_year_end else None),
            "found": str(deposits),
        },
    }
