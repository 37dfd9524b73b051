"""After a publication the intake brings reminders to who leads their customers now."""

from datetime import date

import pytest

from tests.ocrm_api import bank
from tests.ocrm_api.conftest import raised
from tests.ocrm_api.reminders.conftest import Line

pytestmark = pytest.mark.kafka


def test_the_new_owner_is_notified_and_the_stream_tells_of_it(line: Line) -> None:
    nobodys, kept, given = raised(8, branch_id="B2"), raised(9, branch_id="B3"), raised(4)
    line.publish([one.to_bytes() for one in (nobodys, kept, given)])
    line.start()
    line.wait(lambda: line.taken_in() == 3)
    noted = "select reminder_id, version from ocrm.notification_items order by 1, 2"
    assert {row[0] for row in line.bank.execute(noted)} == {kept.reminder_id, given.reminder_id}
    row = {"role": "lead", "rule": "deposit", "is_key_customer": False, "deposit_balance": 1,
           "loan_balance": 0}  # fmt: skip
    led = [
        row | {"customer_id": 8, "lead_branch_id": "B2", "branch_id": "B2", "manager_id": "M2"},
        row | {"customer_id": 9, "lead_branch_id": "B1", "branch_id": "B1", "manager_id": "M3"},
        row | {"customer_id": 4, "lead_branch_id": "B1", "branch_id": "B1", "manager_id": "N1"},
    ]
    bank.publish(line.bank.database.acrm_owner, date(2026, 7, 1), {"coverage": led})
    routed = "select count(*) from ocrm.reminder_events where kind = 'routed'"
    line.wait(lambda: line.bank.execute(routed) == [(3,)])
    assert set(line.bank.execute(noted)) == {
        (nobodys.reminder_id, 2), (kept.reminder_id, 1), (given.reminder_id, 1),
        (given.reminder_id, 2),
    }  # fmt: skip
