"""Column lists of the lean SQL that are the same text over and over, and the final columns.

A measure is called like the final column that it is; where a final column is made of measures,
`made_of` says how, for a customer as for a customer at a branch.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from acrm_batch.model import Reference

EPOCH = date(1970, 1, 1)

#: Reference days of changes, by the letter of their columns.
CHANGES: dict[str, Reference] = {"d": "day", "m": "month", "y": "year", "ly": "last_year"}

WINDOWS = (7, 30, 90)

_LENT = ("loan_bal", "loan_line", "loan_cnt", "loan_arrears", "loan_overdue_bal", "loan_npl_bal",
         "card_cnt", "card_limit", "card_bal", "wealth_bal", "fund_bal", "insurance_bal",
         "invested_cnt")  # fmt: skip

_CHANNELS = ("counter", "atm", "pos", "mobile", "web", "third_party")

_TIMES = ("off_hours", "morning", "afternoon", "evening", "night")

_PRODUCTS = ("mortgage", "consumer", "farm", "small_business", "working_capital")

_DIGITAL = ("mobile", "web", "sms", "wechat", "etc")

_RELATIONS = ("household_member", "guarantor", "guaranteed", "group_member", "group", "subsidiary",
              "parent", "legal_representative", "represented")  # fmt: skip

#: Measures that are the least or the greatest of the places' and not their sum.
_LEAST = {"dep_first_opened_on", "dep_next_matures_on", "loan_next_due_on", "loan_next_matures_on",
          "first_granted_on", "card_next_due_on", "invested_next_matures_on"}  # fmt: skip
_GREATEST = {"flow_last_on", "initiated_on", "pot_proceeds_max", "loan_overdue_days", "tier_rank",
             "overdue", "last_overdue_on", "loan_last_granted_on", "card_last_spent_on",
             "card_overdue_periods", "invested_last_bought_on", "largest_loan",
             "main_card"}  # fmt: skip


#: Types of sums, so that tables stay narrow; DuckDB's own are twice as wide.
_AMOUNT, _COUNT = "decimal(18,2)", "integer"


def _listed(columns: Iterable[str]) -> str:
    return ",\n    ".join(columns)


def over_places(measure: str, kind: str) -> str:
    """A customer's measure from those of the places, as wide as theirs."""
    if measure in _LEAST:
        return f"min({measure}) as {measure}"
    if measure in _GREATEST or "_max_" in measure:
        return f"max({measure}) as {measure}"
    if measure.startswith("active_"):
        return f"bit_or({measure}) as {measure}"
    return f"cast(sum({measure}) as {kind}) as {measure}"


def _taken_back(start: date, end: date | None = None) -> str:
    """What bookings since the first day of a span of days take from n × today's balance."""
    in_span = f"moved_days - moved * {(start - EPOCH).days}"
    if end is None:
        return f"coalesce(sum({in_span}) filter (where since >= date '{start}'), 0)"
    return (
        f"coalesce(sum(case when since > date '{end}' then moved * {(end - start).days + 1}"
        f" when since >= date '{start}' then {in_span} end), 0)"
    )


class Spans:
    """Days from one to another of which balances are summed: the averaging days, month, year, and
    the last four complete months."""

    def __init__(self, day: date, first_day: date, averaging_days: int, ends: list[date]) -> None:
        self.day = day
        self.first_day = first_day
        month, year = day.replace(day=1), day.replace(month=1, day=1)
        self.current = {
            "recent": max(first_day, day - timedelta(days=averaging_days - 1)),
            "month": max(first_day, month),
            "year": max(first_day, year),
        }
        self.months = [(max(first_day, end.replace(day=1)), end) for end in ends]
        self.month_days = [
            (end - end.replace(day=1)).days + 1 if end.replace(day=1) >= first_day else None
            for end in ends
        ] + [None] * (4 - len(ends))

    def starts(self) -> list[date]:
        """The days with which a segment of the ledger begins."""
        return [
            *self.current.values(),
            *(start for start, _ in self.months),
            *(end + timedelta(days=1) for _, end in self.months),
        ]


def moves(spans: Spans, references: Mapping[str, date], idle_days: int) -> str:
    """Per account: what was booked since each day that is asked for."""
    since = {name: day for name, day in references.items() if name != "last_year"}
    since["idle"] = spans.day - timedelta(days=idle_days - 1)
    columns = [
        f"coalesce(sum(moved) filter (where since > date '{day}'), 0) as since_{name}"
        for name, day in since.items()
    ]
    columns += [f"{_taken_back(start)} as {name}_taken" for name, start in spans.current.items()]
    columns += [
        f"{_taken_back(*span)} as month_{number}_taken"
        for number, span in enumerate(spans.months, 1)
    ]
    return _listed(columns)


def balances(spans: Spans, references: Mapping[str, date]) -> str:
    """Per account: balances of the reference days and sums of days."""
    columns = [
        f"accounts.balance - coalesce(moves.since_{name}, 0) as balance_{name}"
        for name in references
        if name != "last_year"
    ]
    columns.append("accounts.balance - coalesce(moves.since_idle, 0) as idle_balance")
    columns += [
        f"accounts.opened_on <= date '{day}' and not coalesce(accounts.closed_on <= date '{day}',"
        f" false) as is_open_{name}"
        for name, day in references.items()
    ]
    for name, start in spans.current.items():
        days = (spans.day - start).days + 1
        value = f"{days} * accounts.balance - coalesce(moves.{name}_taken, 0)"
        if name == "recent":
            value = f"case when accounts.is_open then {value} else 0 end"
        columns.append(f"{value} as {name}_days")
    columns += [
        f"{(end - start).days + 1} * accounts.balance - coalesce(moves.month_{number}_taken, 0)"
        f" as balance_days_{number}"
        for number, (start, end) in enumerate(spans.months, 1)
    ]
    return _listed(columns)


def deposits() -> str:
    """Per place: deposits now, and less those of the reference days."""
    measures = {"dep_bal": "", "dep_demand_bal": "demand", "dep_time_bal": "time",
                "dep_cert_bal": "certificate"}  # fmt: skip

    def amount(product: str, at: str) -> str:
        of = f" and held.product = '{product}'" if product else ""
        return f"coalesce(sum(held.balance{at}) filter (where held.is_open{at}{of}), 0)"

    columns = []
    for measure, product in measures.items():
        columns.append(f"cast({amount(product, '')} as {_AMOUNT}) as {measure}")
        columns += [
            f"cast({amount(product, '')} - {amount(product, f'_{day}')} as {_AMOUNT})"
            f" as {measure.removesuffix('_bal')}_chg_{letter}"
            for letter, day in CHANGES.items()
        ]
    columns.append("count(*) filter (where held.is_open) as dep_acct_cnt")
    columns += [
        f"count(*) filter (where held.is_open) - count(*) filter (where held.is_open_{day})"
        f" as dep_acct_cnt_chg_{letter}"
        for letter, day in CHANGES.items()
    ]
    return _listed(columns)


def months(spans: Spans) -> str:
    """Per place: sums of the last four complete months, empty before the first."""
    return _listed(
        f"sum(held.balance_days_{number}) as balance_days_{number}"
        if number <= len(spans.months)
        else f"cast(null as decimal(38,2)) as balance_days_{number}"
        for number in range(1, 5)
    )


def potential_months(spans: Spans) -> str:
    """Days and sums of the last four complete months, empty where there was none."""
    columns = []
    for number, days in enumerate(spans.month_days, 1):
        columns.append(f"{days or 'cast(null as integer)'} as pot_days_{number}")
        columns.append(f"deposits.balance_days_{number} as pot_balance_days_{number}")
    return _listed(columns)


def _at(measure: str, day: str) -> str:
    kind = _COUNT if measure.endswith("_cnt") else _AMOUNT
    return f"cast(coalesce(sum(lent.{measure}) filter (where lent.at_day = '{day}'), 0) as {kind})"


def credit() -> str:
    """Per place: what is owed and held now, and less that of the reference days."""
    return _listed(
        column
        for measure in _LENT
        for column in (
            f"{_at(measure, 'now')} as {measure}",
            *(
                f"{_at(measure, 'now')} - {_at(measure, day)}"
                f" as {measure.removesuffix('_bal')}_chg_{letter}"
                for letter, day in CHANGES.items()
            ),
        )
    )


def invested() -> str:
    """Per place: changes of what is invested."""
    return _listed(
        f"{_at('invested', 'now')} - {_at('invested', day)} as invested_chg_{letter}"
        for letter, day in CHANGES.items()
    )


def flows() -> str:
    """Per place: money in and out over windows."""
    return _listed(
        f"cast(coalesce({'max' if kind == 'max' else 'sum'}({way}_{kind})"
        f" filter (where is_recent and since > $bd - {days}), 0)"
        f" as {_COUNT if kind == 'cnt' else _AMOUNT}) as flow_{way}_{kind}_{days}d"
        for days in WINDOWS
        for way, kinds in (("in", ("amt", "cnt", "max")), ("out", ("amt", "cnt", "max")),
                           ("other", ("amt", "cnt")))
        for kind in kinds
    )  # fmt: skip


def active(segments: list[date]) -> str:
    """Per place: the days with a booking as bits, an integer per segment of the last 90 days."""
    return _listed(
        f"coalesce(bit_or(active) filter (where is_recent and since = date '{since}'), 0)"
        f" as active_{number}"
        for number, since in enumerate(segments)
    )


def bookings() -> str:
    """Per place: bookings by channel and time of day over windows."""
    return _listed(
        f"cast(coalesce(sum({channel}_cnt) filter (where is_recent and since > $bd - {days}), 0)"
        f" as {_COUNT}) as flow_{channel}_cnt_{days}d"
        for channel in (*_CHANNELS, *_TIMES)
        for days in WINDOWS[1:]
    )


def parties() -> str:
    """Counterparties at other banks over windows."""
    return _listed(
        f"count(*) filter (where last_on > $bd - {days}) as flow_other_parties_{days}d"
        for days in WINDOWS
    )


def products() -> str:
    """Per place: running loans by product."""
    conditions = {name: f"product = '{name}'" for name in _PRODUCTS}
    conditions["other"] = f"product not in {_PRODUCTS}"
    return _listed(
        text
        for name, condition in conditions.items()
        for text in (
            f"coalesce(sum(balance) filter (where is_running and {condition}), 0)"
            f" as loan_{name}_bal",
            f"count(*) filter (where is_running and {condition}) as loan_{name}_cnt",
        )
    )


def card_uses() -> str:
    """Per card: spending and repayments over windows."""
    windows = {"m": ">= $month_start", "y": ">= $year_start", "30d": "> $bd - 30",
               "90d": "> $bd - 90"}  # fmt: skip
    spent = [
        f"sum(amount) filter (where direction = 'debit' and business_date {since})"
        f" as card_spend_{name}"
        for name, since in windows.items()
    ]
    spent += [
        f"count(*) filter (where direction = 'debit' and business_date {windows[name]})"
        f" as card_spend_cnt_{name}"
        for name in ("30d", "90d")
    ]
    spent += [
        f"sum(amount) filter (where direction = 'credit' and business_date {windows[name]})"
        f" as card_repaid_{name}"
        for name in ("m", "y")
    ]
    spent.append(
        "sum(amount) filter (where direction = 'debit' and category = 'instalment'"
        " and business_date > $bd - 90) as card_instalment_90d"
    )
    return _listed(spent)


def card_sums() -> str:
    """Per place: the same of its cards."""
    names = ("card_spend_m", "card_spend_y", "card_spend_30d", "card_spend_90d",
             "card_spend_cnt_30d", "card_spend_cnt_90d", "card_repaid_m", "card_repaid_y",
             "card_instalment_90d")  # fmt: skip
    return _listed(f"coalesce(sum(used.{name}), 0) as {name}" for name in names)


def bought() -> str:
    """Per place: products bought this month and year."""
    return _listed(
        f"coalesce(sum(amount) filter (where kind = '{kind}' and bought_on >= ${span}_start), 0)"
        f" as {kind}_bought_{span[0]}"
        for kind in ("wealth", "fund", "insurance")
        for span in ("month", "year")
    )


def channels() -> str:
    """Per customer: digital channels signed, used lately, and when last."""
    return _listed(
        text
        for name in _DIGITAL
        for text in (
            f"count(*) filter (where channel = '{name}') as ch_{name}_signed",
            f"count(*) filter (where channel = '{name}' and last_used_on > $bd - 30)"
            f" as ch_{name}_active_30d",
            f"max(last_used_on) filter (where channel = '{name}') as ch_{name}_last_on",
        )
    )


def relations() -> str:
    """Per customer: relations by kind."""
    return _listed(
        f"count(*) filter (where relation = '{name}') as rel_{name}_cnt" for name in _RELATIONS
    )


def contacts() -> str:
    """Per customer: contacts by class, channel and result over windows."""
    counted = {f"mkt_contacts_{days}d": ("is_marketing", days) for days in (30, 90, 365)}
    for name in ("sms", "call", "visit", "app", "wechat", "mail", "counter"):
        counted[f"mkt_{name}_90d"] = (f"is_marketing and channel = '{name}'", 90)
    for days in (30, 90):
        counted[f"visits_{days}d"] = ("channel = 'visit'", days)
        counted[f"service_contacts_{days}d"] = ("contact_class = 'service'", days)
        counted[f"care_contacts_{days}d"] = ("contact_class = 'care'", days)
    results = {
        "reached": "is_reached",
        "connected": "is_reached and channel in ('call', 'visit', 'counter')",
        "interested": "result in ('interested', 'accepted', 'sold')",
        "sold": "result in ('accepted', 'sold')",
        "refused": "result = 'refused'",
        "opted_out": "result = 'opted_out'",
    }
    for name, condition in results.items():
        counted[f"mkt_{name}_90d"] = (f"is_marketing and {condition}", 90)
    return _listed(
        f"count(*) filter (where {condition} and contacted_on > $bd - {days}) as {name}"
        for name, (condition, days) in counted.items()
    )
