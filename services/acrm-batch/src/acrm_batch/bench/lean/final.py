"""The final columns of the lean SQL, made of measures: for a customer and for a customer at a
branch alike."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from acrm_batch.bench.lean.columns import CHANGES, WINDOWS, over_places

#: Tables of measures per place, and a letter of their own.
PLACE_TABLES = ("deposits", "credit", "flows", "borrowed", "carded", "invested", "served", "earned")

_RATIOS = {
    "dep_demand_share": ("dep_demand_bal", "dep_bal"),
    "dep_time_share": ("dep_time_bal", "dep_bal"),
    "dep_cert_share": ("dep_cert_bal", "dep_bal"),
    "loan_util": ("loan_bal", "loan_line"),
    "loan_npl_ratio": ("loan_npl_bal", "loan_bal"),
    "loan_overdue_ratio": ("loan_overdue_bal", "loan_bal"),
    "card_util": ("card_bal", "card_limit"),
    "dep_take_up_rate_m": ("dep_taken_up_m", "dep_matured_m"),
    "dep_take_up_rate_y": ("dep_taken_up_y", "dep_matured_y"),
    "card_activation_rate": ("card_activated_cnt", "open_cnt"),
    "card_active_rate": ("card_active_cnt", "open_cnt"),
    "card_overdue_ratio": ("card_overdue_bal", "owed_bal"),
    "card_revolving_share": ("card_revolving_bal", "owed_bal"),
    "loan_renewal_rate_m": ("loan_renewed_m", "loan_matured_m"),
    "loan_rate_avg": ("rate_amt", "rated_bal"),
}

_PRODUCT_LINES = (
    "dep_acct_cnt > 0", "dep_time_bal + dep_cert_bal > 0", "loan_cnt > 0", "card_cnt > 0",
    "wealth_bal > 0", "fund_bal > 0", "insurance_bal > 0", "ch_signed_cnt > 0",
    "payroll_employer_cnt > 0", "merchant_cnt > 0",
)  # fmt: skip


def made_of(segments: Sequence[date], day: date) -> dict[str, str]:
    """What is more than a measure, by its column; the segments have the last 90 days."""
    found = {name: f"ratio({part}, {whole})" for name, (part, whole) in _RATIOS.items()}
    for days in WINDOWS[1:]:
        own = " + ".join(
            f"flow_{one}_cnt_{days}d" for one in ("atm", "pos", "mobile", "web", "third_party")
        )
        found[f"flow_subst_rate_{days}d"] = f"ratio({own}, {own} + flow_counter_cnt_{days}d)"
    found |= {
        "aum_bal": "coalesce(dep_bal, 0) + coalesce(invested_bal, 0)",
        "dep_per_acct": "average(dep_bal, nullif(dep_acct_cnt, 0))",
        "dep_avg_recent": "average(recent_days, $averaging_days)",
        "dep_avg_m": "average(month_days, $month_days)",
        "dep_avg_y": "average(year_days, $year_days)",
        "aum_avg_m": "average(coalesce(month_days, 0) + coalesce(invested_month_days, 0),"
        " $month_days)",
        "aum_avg_y": "average(coalesce(year_days, 0) + coalesce(invested_year_days, 0),"
        " $year_days)",
        "dep_new_money_m": "coalesce(dep_chg_m, 0) - coalesce(dep_interest_m, 0)",
        "dep_new_money_y": "coalesce(dep_chg_y, 0) - coalesce(dep_interest_y, 0)",
        "flow_net_30d": "flow_in_amt_30d - flow_out_amt_30d",
        "loan_avg_m": "average(loan_month_days, $month_days)",
        "loan_avg_y": "average(loan_year_days, $year_days)",
        "loan_five_tier": "['normal', 'special_mention', 'substandard', 'doubtful', 'loss']"
        "[tier_rank]",
        "loan_clean_since": "case overdue when 0"
        " then coalesce(last_overdue_on + 1, first_granted_on) end",
        "loan_collateral": "largest_loan.collateral",
        "card_product": "main_card.product",
        "card_statement_day": "main_card.statement_day",
        "contrib": "coalesce(contrib_dep, 0) + coalesce(contrib_loan, 0) + coalesce(contrib_fee, 0)"
        " - coalesce(contrib_cost, 0) - coalesce(contrib_loss, 0)",
        "product_cnt": " + ".join(f"coalesce(cast({one} as integer), 0)" for one in _PRODUCT_LINES),
        "contact_last_channel": "latest.channel",
        "contact_last_result": "latest.result",
        "rfm": "'R' || rfm_r || 'F' || rfm_f || 'M' || rfm_m",
    }
    found |= {
        f"aum_chg_{letter}": f"coalesce(dep_chg_{letter}, 0) + coalesce(invested_chg_{letter}, 0)"
        for letter in CHANGES
    }
    return found | _active_days(segments, day)


def _active_days(segments: Sequence[date], day: date) -> dict[str, str]:
    return {
        f"flow_active_days_{days}d": " + ".join(
            f"coalesce(bit_count(active_{number}), 0)"
            for number, since in enumerate(segments)
            if (day - since).days < days
        )
        for days in WINDOWS
    }


def rolled_up(table: str, measures: Mapping[str, str]) -> str:
    """A table of measures per place as one per customer, in its stead."""
    columns = ",\n    ".join(
        over_places(name, kind) for name, kind in measures.items() if name != "place_id"
    )
    return (
        f"create temp table c_{table} as\nselect\n    customer_id,\n    {columns}\n"
        f"from {table}\njoin places using (place_id)\ngroup by customer_id;\ndrop table {table}"
    )


def final_columns(
    columns: Mapping[str, tuple[str, bool]], made: Mapping[str, str], known: Iterable[str]
) -> dict[str, str]:
    """How each final column, given with its SQL type and whether nothing is 0, is selected if it is
    known or made."""
    found = {}
    measures = set(known)
    for name, (kind, has_zero) in columns.items():
        if name in made or name in measures:
            value = f"cast({made.get(name, name)} as {kind})"
            found[name] = f"{f'coalesce({value}, 0)' if has_zero else value} as {name}"
    return found
