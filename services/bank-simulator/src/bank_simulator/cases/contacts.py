"""Cases of the contact cap: more than four marketing contacts in thirty bank dates."""

from collections.abc import Iterator

from bank_simulator.cases.prototype import Account, Case, Contact, Dates
from bank_simulator.cases.times import at


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of over-contact."""
    day = dates.as_of
    four = tuple(Contact(at(day, "10:00", -offset)) for offset in (3, 8, 14, 20))

    def contacted(name: str, *more: Contact, over: int | None = None) -> Case:
        return Case(name, accounts=(Account("1000"),), contacts=(*four, *more), over_contact=over)

    yield contacted("four_contacts")
    yield contacted("five_contacts", Contact(at(day, "11:00", -5)), over=5)
    yield contacted("fifth_contact_today", Contact(at(day, "21:00")), over=5)
    yield contacted("fifth_in_the_last_second_of_today", Contact(at(day, "23:59:59")), over=5)
    yield contacted("fifth_in_the_first_second_of_tomorrow", Contact(at(day, "00:00:00", 1)))
    yield contacted("fifth_29_days_ago", Contact(at(day, "00:00:01", -29)), over=5)
    yield contacted("fifth_30_days_ago", Contact(at(day, "23:59:59", -30)))
    yield contacted("fifth_of_class_service", Contact(at(day, "11:00", -5), "service"))
    yield contacted("fifth_of_class_care", Contact(at(day, "11:00", -5), "care"))
    yield contacted(
        "nine_contacts", *(Contact(at(day, "15:00", -offset)) for offset in range(5)), over=9
    )
