"""The festivals on which key customers are greeted (R04.FESTIVAL), by date.

Days of the Chinese calendar as the Hong Kong Observatory's conversion tables give them; a year that
is not here has no festivals.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Festival:
    """A festival on a day: its code, names and date."""

    code: str
    name_zh: str
    name_en: str
    day: date


_NAMES = {
    "new_year": ("元旦", "New Year"),
    "spring_festival": ("春节", "Spring Festival"),
    "dragon_boat": ("端午节", "Dragon Boat Festival"),
    "mid_autumn": ("中秋节", "Mid-Autumn Festival"),
    "national_day": ("国庆节", "National Day"),
}

#: Spring Festival, Dragon Boat and Mid-Autumn Festival of each year, as (month, day).
_MOVABLE = {
    2024: ((2, 10), (6, 10), (9, 17)),
    2025: ((1, 29), (5, 31), (10, 6)),
    2026: ((2, 17), (6, 19), (9, 25)),
    2027: ((2, 6), (6, 9), (9, 15)),
    2028: ((1, 26), (5, 28), (10, 3)),
    2029: ((2, 13), (6, 16), (9, 22)),
    2030: ((2, 3), (6, 5), (9, 12)),
}


def _of(code: str, day: date) -> Festival:
    return Festival(code, *_NAMES[code], day)


#: Every festival, in order of its day.
FESTIVALS: tuple[Festival, ...] = tuple(
    festival
    for year, (spring, dragon, autumn) in _MOVABLE.items()
    for festival in sorted(
        (
            _of("new_year", date(year, 1, 1)),
            _of("spring_festival", date(year, *spring)),
            _of("dragon_boat", date(year, *dragon)),
            _of("mid_autumn", date(year, *autumn)),
            _of("national_day", date(year, 10, 1)),
        ),
        key=lambda one: one.day,
    )
)
