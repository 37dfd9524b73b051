"""Cases of coverage by credit: loans, loans settled of late, cards, and both together."""

from collections.abc import Iterator
from datetime import timedelta

from bank_simulator.cases.coverage import BOTH, assist, lead, newly_assigned
from bank_simulator.cases.prototype import Account, Card, Case, Dates, Instalment, Loan


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of coverage by loans and cards."""
    yield from _loans(dates)
    yield from _cards(dates)


def _settled(dates: Dates, days_ago: int, branch: int, manager: str = "m1") -> Loan:
    day = dates.as_of - timedelta(days=days_ago)
    return Loan("30000", branch=branch, manager=manager, status="settled", settled_on=day,
                matures_on=day + timedelta(days=100))  # fmt: skip


def _loans(dates: Dates) -> Iterator[Case]:
    account = (Account("20000", 0),)
    by_loan = (lead(1, "m1", "loan"), assist(0, "m0", "loan"))
    granted = dates.first - timedelta(days=500)
    earlier = dates.first - timedelta(days=501)
    yield Case("loan_leads", accounts=account, loans=(Loan("5000", branch=1, manager="m1"),),
               coverage=by_loan)  # fmt: skip
    yield Case(
        "largest_of_several_loans_leads", accounts=account,
        loans=(Loan("50000", amount="400000", branch=0, manager="m0"),
               Loan("50000.01", branch=1, manager="m1")),
        coverage=by_loan,
    )  # fmt: skip
    yield Case(
        "equal_loans_the_earlier_leads", accounts=account,
        loans=(Loan("60000", branch=2, manager="m0", granted_on=granted),
               Loan("60000", branch=1, manager="m1", granted_on=earlier)),
        coverage=(lead(1, "m1", "loan"), assist(0, "m0", "loan"), assist(2, "m0", "loan")),
    )  # fmt: skip
    yield Case(
        "equal_loans_of_a_day_the_lower_number_leads", accounts=account,
        loans=(Loan("60000", branch=1, manager="m1", granted_on=granted),
               Loan("60000", branch=2, manager="m0", granted_on=granted)),
        coverage=(lead(1, "m1", "loan"), assist(0, "m0", "loan"), assist(2, "m0", "loan")),
    )  # fmt: skip
    recent = (lead(1, "m1", "loan_settled"), assist(0, "m0", "loan_settled"))
    days = dates.number("coverage.settled_loan_days")
    yield Case("loan_settled_on_the_last_day_leads", accounts=account,
               loans=(_settled(dates, days - 1, 1),), coverage=recent)  # fmt: skip
    yield Case("loan_settled_a_day_before_is_past", accounts=account,
               loans=(_settled(dates, days, 1),), due=(newly_assigned(dates, 0),))  # fmt: skip
    yield Case("loan_settled_today_leads", accounts=account,
               loans=(_settled(dates, 0, 1),), coverage=recent)  # fmt: skip
    yield Case(
        "of_settled_loans_the_last_leads", accounts=account,
        loans=(_settled(dates, 40, 2, "m0"), _settled(dates, 10, 1)), coverage=recent,
    )  # fmt: skip
    yield Case(
        "of_loans_settled_together_the_lower_number_leads", accounts=account,
        loans=(_settled(dates, 10, 1), _settled(dates, 10, 2, "m0")), coverage=recent,
    )  # fmt: skip
    yield Case(
        "settled_loan_beats_card", accounts=account, loans=(_settled(dates, 30, 1),),
        cards=(Card("20000", 2, "m0"),),
        coverage=(lead(1, "m1", "loan_settled"), assist(0, "m0", "loan_settled"),
                  assist(2, "m0", "loan_settled")),
    )  # fmt: skip
    yield Case("loan_written_off_is_no_business", accounts=account,
               loans=(Loan("30000", branch=1, manager="m1", status="written_off",
                           five_tier="loss", days_overdue=400,
                           last_overdue_on=dates.first - timedelta(days=100)),))  # fmt: skip
    yield Case(
        "loan_without_manager_uses_the_branch", accounts=account, managers=BOTH,
        loans=(Loan("50000", branch=1, manager=None),), coverage=by_loan,
    )  # fmt: skip
    yield Case(
        "loan_of_a_leaver_goes_to_the_branch", accounts=account, managers=BOTH,
        loans=(Loan("50000", branch=1, manager="left"),), coverage=by_loan,
    )  # fmt: skip
    yield Case(
        "loan_of_a_leaver_and_nobody_named", accounts=account,
        loans=(Loan("50000", branch=1, manager="left"),),
        coverage=(lead(1, "V", "loan"), assist(0, "m0", "loan")),
    )  # fmt: skip
    paid = Instalment(dates.as_of, "10000", "20", paid_on=dates.as_of)
    rest = Instalment(dates.as_of + timedelta(days=200), "50000", "100")
    yield Case(
        "loan_repaid_today_loses_to_a_larger_one", accounts=account,
        loans=(Loan("50000", amount="60000", branch=2, manager="m0", instalments=(paid, rest)),
               Loan("55000", branch=1, manager="m1")),
        coverage=(lead(1, "m1", "loan"), assist(0, "m0", "loan"), assist(2, "m0", "loan")),
        due=(newly_assigned(dates, 1),),
    )  # fmt: skip


def _cards(dates: Dates) -> Iterator[Case]:
    account = (Account("20000", 0),)
    by_card = (lead(1, "m1", "card"), assist(0, "m0", "card"))
    issued, earlier = dates.first - timedelta(days=400), dates.first - timedelta(days=401)
    yield Case("card_leads", accounts=account, cards=(Card("5000", 1, "m1"),), coverage=by_card)
    yield Case(
        "largest_limit_leads", accounts=account,
        cards=(Card("30000", 2, "m0"), Card("30000.01", 1, "m1")),
        coverage=(*by_card, assist(2, "m0", "card")),
    )  # fmt: skip
    yield Case(
        "equal_limits_the_earlier_card_leads", accounts=account,
        cards=(Card("30000", 2, "m0", issued_on=issued), Card("30000", 1, "m1", issued_on=earlier)),
        coverage=(*by_card, assist(2, "m0", "card")),
    )  # fmt: skip
    yield Case(
        "equal_limits_of_a_day_the_lower_number_leads", accounts=account,
        cards=(Card("30000", 1, "m1", issued_on=issued), Card("30000", 2, "m0", issued_on=issued)),
        coverage=(*by_card, assist(2, "m0", "card")),
    )  # fmt: skip
    yield Case("card_closed_today_is_no_business", accounts=account,
               cards=(Card("30000", 1, "m1", closed_on=dates.as_of),),
               due=(newly_assigned(dates, 0),))  # fmt: skip
    yield Case("debit_card_is_no_credit_business", accounts=account,
               cards=(Card("30000", 1, "m1", card_type="debit"),))  # fmt: skip
    yield Case(
        "card_of_a_leaver_goes_to_the_branch", accounts=account, managers=BOTH,
        cards=(Card("30000", 1, "left"),), coverage=by_card,
    )  # fmt: skip
    yield Case(
        "card_assists_where_a_loan_leads", accounts=account,
        loans=(Loan("50000", branch=1, manager="m1"),), cards=(Card("90000", 2, "m1"),),
        coverage=(lead(1, "m1", "loan"), assist(0, "m0", "loan"), assist(2, "m1", "loan")),
    )  # fmt: skip
    yield Case(
        "card_of_another_manager_beside_the_loan", accounts=account,
        loans=(Loan("50000", branch=1, manager="m1"),), cards=(Card("90000", 1, "m0"),),
        coverage=(lead(1, "m1", "loan"), assist(1, "m0", "loan"), assist(0, "m0", "loan")),
    )  # fmt: skip
    yield Case(
        "card_of_the_same_manager_beside_the_loan", accounts=account,
        loans=(Loan("50000", branch=1, manager="m1"),), cards=(Card("90000", 1, "m1"),),
        coverage=(lead(1, "m1", "loan"), assist(0, "m0", "loan")),
    )  # fmt: skip
    yield Case(
        "assisting_loan_names_its_manager_before_the_card", accounts=account,
        loans=(Loan("50000", branch=1, manager="m1"), Loan("20000", branch=2, manager="m1")),
        cards=(Card("90000", 2, "m0"),),
        coverage=(lead(1, "m1", "loan"), assist(0, "m0", "loan"), assist(2, "m1", "loan")),
    )  # fmt: skip
