"""A wrong cent anywhere between a delivered balance and what is published of it blocks."""

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from acrm_batch import batch
from acrm_batch.audits import AuditBlockedError
from acrm_batch.project import Project
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch, Kept, Start, kept

DAY = date(2026, 1, 2)

#: What the night makes before it publishes.
CHECKS = ("chk_balances", "chk_customers", "mart_customer_branches", "mart_managers")

Spoil = Callable[[Path], None]


def owner(bank: Bank) -> Bank:
    """1 has everything at A and B; 2 the same at C and is invalid; a closed card counts nowhere."""
    for customer, branches in ((1, "AB"), (2, "C")):
        bank.customer(customer, home=branches[0], status="active" if customer == 1 else "invalid")
        for number, branch in enumerate(branches):
            at = customer * 10 + number
            bank.account(at, customer, branch, "100.10")
            bank.loan(at, customer, branch, balance=Decimal("900.01"),
                      interest_arrears=Decimal("0.03"))  # fmt: skip
            bank.card(at, customer, branch, balance=Decimal("20.02"))
            for kind, amount in (("wealth", "5.05"), ("fund", "6.06"), ("insurance", "7.07")):
                bank.numbers += 1
                bank.add("wealth_holdings", holding_id=bank.numbers, customer_id=customer,
                         branch_id=branch, kind=kind, product="x", amount=Decimal(amount),
                         bought_on=date(2025, 1, 1))  # fmt: skip
    bank.card(99, 1, "A", balance=Decimal("0.99"), closed_on=date(2025, 12, 1))
    bank.deliver(DAY)
    return bank


@pytest.fixture(scope="module")
def night(
    environment: dict[str, str], postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    """The owner's day, with its checks made."""
    folder = tmp_path_factory.mktemp("night")
    bank = owner(Bank(folder / "landing", FIRST))
    with kept(
        bank, environment, postgres_template, folder, lambda crm: crm.run(DAY, selectors=CHECKS)
    ) as found:
        yield found


def run(crm: Batch, project: Project, check: str) -> None:
    """Make a check with a project's models."""
    with batch.opened(crm.settings, DAY, "run") as (runner, _, run_id):
        runner.project = project
        runner.accept(run_id, DAY, 1)
        runner.run(run_id, DAY, project.select((check,)), lambda step: None)


def replacing(file: str, here: str, there: str) -> Spoil:
    """A model that is wrong by a cent."""

    def spoil(folder: Path) -> None:
        path = folder / "models" / file
        text = path.read_text()
        assert here in text
        path.write_text(text.replace(here, there, 1))

    return spoil


BALANCES = "indicators/ind_balances.sql"
CENT = "when branch_id = 'A' then 0.01 else 0 end"


def test_what_is_published_is_what_was_delivered(ready: Start) -> None:
    found = ready.crm.rows(
        "chk_balances", DAY, "org_id, deposits, loans, arrears, cards, wealth, funds, insurance"
    )
    one = tuple(map(Decimal, ("100.10", "900.01", "0.03", "20.02", "5.05", "6.06", "7.07")))
    times = {"A": 1, "B": 1, "C": 1, "L1": 2, "L2": 1, "U": 3}
    assert {row[0]: row[1:] for row in found} == {
        org: tuple(number * amount for amount in one) for org, number in times.items()
    }
    assert ready.crm.rows("chk_customers", DAY, "total, published, inactive, delivered") == [
        ("assets", Decimal("236.56"), Decimal("118.28"), Decimal("354.84")),
        ("cards", Decimal("40.04"), Decimal("20.02"), Decimal("60.06")),
        ("deposits", Decimal("200.20"), Decimal("100.10"), Decimal("300.30")),
        ("loans", Decimal("1800.02"), Decimal("900.01"), Decimal("2700.03")),
    ]


UNITS = "chk_balances of 2026-01-02 .* audit assert\\({}\\): 3 rows"
CUSTOMERS = "chk_customers of 2026-01-02 .* audit assert\\(published \\+ inactive .*: 1 rows"
LOANS = replacing(BALANCES, "sum(balance) as loan_bal", f"sum(balance + case {CENT}) as loan_bal")
ARREARS = replacing(BALANCES, "(interest_arrears) as", f"(interest_arrears - case {CENT}) as")
CARDS = replacing(BALANCES, "sum(balance) as card_bal", f"sum(balance - case {CENT}) as card_bal")
FUNDS = replacing(BALANCES, "kind = 'fund' then amount", f"kind = 'fund' then amount + case {CENT}")
DEPOSITS = replacing(
    BALANCES,
    "from stg_deposit_accounts as",
    "from (select * from stg_deposit_accounts where branch_id <> 'A') as",
)
LOST = replacing("base/int_customers.sql", "'active'", "'active' and customer.customer_id <> 1")
AS_OPEN = "and not coalesce(closed_on <= $bd, false)\n    group by customer_id"
CLOSED = replacing(BALANCES, AS_OPEN, "\n    group by customer_id")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (LOANS, UNITS.format("loan_bal = loans")),
        (ARREARS, UNITS.format("loan_arrears = arrears")),
        (CARDS, UNITS.format("card_bal = cards")),
        (CLOSED, UNITS.format("card_bal = cards")),
        (FUNDS, "ind_balances of 2026-01-02 .* audit assert\\(aum_bal = dep_bal .*: 1 rows"),
        (LOANS, CUSTOMERS),
        (CARDS, CUSTOMERS),
        (DEPOSITS, CUSTOMERS.replace("1 rows", "2 rows")),
        (LOST, CUSTOMERS.replace("1 rows", "4 rows")),
    ],
    ids=["loans", "arrears", "cards", "a closed card", "parts of the assets",
         "loans of customers", "cards of customers", "deposits of customers",
         "a lost customer"],
)  # fmt: skip
def test_a_wrong_cent_blocks(ready: Start, tmp_path: Path, spoil: Spoil, said: str) -> None:
    root = Path(str(files("acrm_batch")))
    for name in ("models", "catalogue"):
        shutil.copytree(root / name, tmp_path / name)
    spoil(tmp_path)
    with pytest.raises(AuditBlockedError, match=said):
        run(ready.crm, Project.load(tmp_path), said.partition(" ")[0])


def test_a_holding_at_an_unknown_branch_blocks_nothing(bank: Bank, crm: Batch) -> None:
    bank.customer(1, home="A")
    bank.account(10, 1, "A", "100.10")
    bank.add("wealth_holdings", holding_id=1, customer_id=1, branch_id="Z", kind="wealth",
             product="x", amount=Decimal("5.05"), bought_on=date(2025, 1, 1))  # fmt: skip
    bank.deliver(DAY)
    crm.run(DAY, selectors=("chk_balances",))
    found = crm.rows("chk_balances", DAY, "org_id, wealth_bal")
    assert {org: amount for org, amount in found if amount} == {"U": Decimal("5.05")}
