"""Cases of the contact cap: more marketing contacts than the cap in its bank dates."""

from collections.abc import Iterator

from bank_simulator.cases.prototype import Account, Case, Contact, Dates
from bank_simulator.cases.times import at


def cases(dates: Dates) -> Iterator[Case]:
    """Every case of over-contact."""
    day, days = dates.as_of, dates.number("contact.cap_days")
    cap = dates.number("contact.cap")
    allowed = tuple(Contact(at(day, "10:00", -offset)) for offset in range(2, 2 + 4 * cap, 4))

    def contacted(
        name: str, *more: Contact, over: int | None = None, campaigns: tuple[int, ...] = ()
    ) -> Case:
        return Case(name, accounts=(Account("1000"),), contacts=(*allowed, *more),
                    over_contact=over, over_campaigns=campaigns)  # fmt: skip

    yield contacted("contacts_at_the_cap")
    yield contacted("one_contact_above_the_cap", Contact(at(day, "11:00", -5)), over=cap + 1)
    yield contacted("one_above_today", Contact(at(day, "21:00")), over=cap + 1)
    yield contacted(
        "one_above_in_the_last_second_of_today", Contact(at(day, "23:59:59")), over=cap + 1
    )
    yield contacted("one_above_in_the_first_second_of_tomorrow", Contact(at(day, "00:00:00", 1)))
    yield contacted(
        "one_above_on_the_first_day", Contact(at(day, "00:00:01", 1 - days)), over=cap + 1
    )
    yield contacted("one_above_the_day_before", Contact(at(day, "23:59:59", -days)))
    yield contacted("one_above_of_class_service", Contact(at(day, "11:00", -5), "service"))
    yield contacted("one_above_of_class_care", Contact(at(day, "11:00", -5), "care"))
    yield contacted(
        "five_contacts_above_the_cap",
        *(Contact(at(day, "15:00", -offset)) for offset in range(5)),
        over=cap + 5,
    )
    yield contacted(
        "above_the_cap_by_campaigns",
        *(Contact(at(day, clock, -1), campaign=campaign)
          for clock, campaign in (("10:00", 3), ("11:00", 1), ("12:00", 3))),
        over=cap + 3, campaigns=(1, 3),
    )  # fmt: skip
