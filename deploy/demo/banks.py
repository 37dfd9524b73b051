"""The two banks of the demo: a generated one with planted answers, and the real Berka files."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg

from deploy.demo import truth
from deploy.demo.api import Api
from deploy.demo.options import FIRST_DAY, REPLAY_DAY, DemoOptions
from deploy.demo.programs import Programs
from deploy.demo.report import Report

PUBLISHED_DEPOSITS = (
    "select (indicators ->> 'DEP_BAL')::numeric"
    " from acrm.branch_indicators join acrm.org_units using (business_date, org_id)"
    " where business_date = %(day)s and org_type = 'union'"
)


def compare_ledger(
    connection: psycopg.Connection, landing: Path, day: date, currency: str, report: Report
) -> None:
    """Enter the deposits total as published and by the ledger."""
    accounts, total = truth.ledger_totals(landing, day)
    published = Decimal(str(truth.published(connection, PUBLISHED_DEPOSITS, day)[0][0]))
    report.ledger = {
        "accounts": accounts,
        "total": f"{total:,.2f}",
        "published": f"{published:,.2f}",
        "difference": f"{published - total:.2f}",
        "currency": currency,
    }


@dataclass(slots=True)
class GeneratedBank:
    """Thirteen months of a bank of the simulator; its answers were decided before its data."""

    options: DemoOptions
    batch_dates: tuple[date, ...] = (REPLAY_DAY - timedelta(days=1),)
    replay_date: date = REPLAY_DAY
    currency: str = "CNY"
    staff: tuple[str, ...] = ()

    def fill(self, programs: Programs, landing: Path) -> None:
        """Generate it."""
        programs.run(
            "bank-simulator", "generate", "--customers", str(self.options.customers),
            "--from", FIRST_DAY.isoformat(), "--to", REPLAY_DAY.isoformat(),
            "--out", str(landing), shown=True,
        )  # fmt: skip

    def settle(self, connection: psycopg.Connection) -> None:
        """Nothing: the answers were planted for the parameters the services start with."""

    def compare(
        self, connection: psycopg.Connection, api: Api, landing: Path, report: Report
    ) -> None:
        """Every planted answer against the published tables and the reminders."""
        day = self.batch_dates[-1]
        planted = truth.PlantedTruth(landing / "answers")
        report.rules = truth.tally_rules(
            planted.reminders(self.replay_date),
            planted.spoken_of(truth.reminders_by_rule(connection)),
        )
        report.coverage = truth.compare_coverage(
            planted.coverage(), truth.published(connection, truth.COVERAGE, day)
        )
        report.lists = {
            "key customers": truth.Tally.of(
                planted.key_customers(), truth.published(connection, truth.KEY_CUSTOMERS, day)
            ),
            "over contact": truth.Tally.of(
                planted.over_contact(), truth.published(connection, truth.OVER_CONTACT, day)
            ),
        }
        compare_ledger(connection, landing, day, self.currency, report)
        manager = report.logins[0]["employee_id"]
        pages = api.pages("/v1/reminders?portfolio=mine&status=open&limit=200")
        mine = [one for one in pages if one["rule_code"] not in truth.SCOPES]
        report.facts = {
            f"open reminders of {manager} by rules whose every reminder is planted, by the API": {
                "expected": str(planted.reminders_of(manager, self.replay_date)),
                "found": str(len(mine)),
            }
        }
