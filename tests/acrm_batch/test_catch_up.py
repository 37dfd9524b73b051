"""`acrm catch-up`: a night that was missed is made up by the next one."""

import json
import shutil
from datetime import date

import pytest
from typer.testing import CliRunner

from acrm_batch.cli import app
from crm_shared.landing import day_folder
from tests.acrm_batch.bank import Bank, write_day
from tests.acrm_batch.conftest import FIRST, Start
from tests.acrm_batch.processes import environment

SECOND, FIFTH, NINTH = date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 9)


@pytest.fixture
def delivered(bank: Bank) -> Bank:
    """A bank of one customer, delivered up to the fifth."""
    bank.customer(1)
    bank.account(11, 1, "A", 1000)
    bank.deliver(FIFTH)
    return bank


def _catch_up(to: date) -> tuple[int, list[str]]:
    """The exit code, and the dates that were run."""
    words = ["catch-up", "--to", str(to), "--no-events", "--json"]
    done = CliRunner().invoke(app, words)
    return done.exit_code, [one["business_date"] for one in json.loads(done.stdout)]


def test_missed_nights_are_made_up_in_order_and_a_lost_day_by_the_next_opening(
    made: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, crm = made.bank, made.crm
    bank.deliver(FIFTH, since=date(2026, 1, 4))
    for name, value in environment(crm).items():
        monkeypatch.setenv(name, value)
    assert _catch_up(SECOND) == (0, [str(SECOND)]), "nothing was published before"
    assert _catch_up(FIFTH) == (0, ["2026-01-03", "2026-01-04", "2026-01-05"])
    assert _catch_up(FIFTH) == (0, [str(FIFTH)]), "what is done costs a look"
    assert crm.query("select business_date from acrm.publications order by 1")[-1] == (FIFTH,)
    assert _catch_up(NINTH) == (75, []), "the sixth is not there"
    state = dict(bank.tables(FIRST, full=True))
    write_day(bank.landing, NINTH, state, full=True, opening=True)
    assert _catch_up(NINTH) == (0, [str(NINTH)]), "what lies before an opening is not waited for"


def test_a_day_lost_before_an_opening_is_not_waited_for(
    delivered: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_LANDING_DIR", str(delivered.landing))
    shutil.rmtree(day_folder(delivered.landing, SECOND))
    state = dict(delivered.tables(FIRST, full=True))
    write_day(delivered.landing, FIFTH, state, full=True, opening=True)

    def said(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*words])
        return done.exit_code, done.stdout.strip()

    assert said("wait-inputs", "--date", "2026-01-04")[0] == 75
    assert said("wait-inputs", "--date", str(FIFTH))[0] == 0
    assert said("bizdate") == (0, str(FIFTH))
