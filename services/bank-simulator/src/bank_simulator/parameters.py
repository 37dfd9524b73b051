"""The parameters under which the planted answers are true: those of docs/rules, or a set of values.

A set is a YAML file `code: value`; what it leaves out keeps the default. The cases are made for its
values. The other customers are true of any value within the limits here, which are refused beyond.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

import yaml

from crm_shared.errors import UsageError

#: code: (default, lowest, highest). Without limits: a value that the simulated bank is built on,
#: or that alerting keeps in its own rule sets; a set cannot change it.
_CODES: dict[str, tuple[str, ...]] = {
    "coverage.averaging_days": ("30", "16", "30"),
    "coverage.hysteresis_pct": ("10", "1", "30"),
    "coverage.hysteresis_month_ends": ("2",),
    "coverage.settled_loan_days": ("90", "61", "200"),
    "key_customer.min_deposit_average": ("500000.00", "450000", "5000000"),
    "key_customer.min_loan_balance": ("1000000.00", "750000", "1500000"),
    "key_customer.clean_years": ("1", "1", "5"),
    "contact.cap": ("4", "3", "6"),
    "contact.cap_days": ("30", "28", "60"),
    "due.loan_days": ("30", "8", "60"),
    "due.repayment_days": ("7", "2", "60"),
    "due.card_days": ("3", "2", "12"),
    "due.deposit_days": ("15", "2", "90"),
    "due.wealth_days": ("15", "2", "90"),
    "due.document_days": ("30", "2", "90"),
    "due.risk_profile_days": ("30", "2", "90"),
    "due.birthday_days": ("3", "1", "60"),
    "due.festival_days": ("7", "1", "60"),
    "due.visit_quota_days": ("7", "0", "31"),
    "overdue.days": ("30", "2", "85"),
    "overdue.card_nights": ("30", "2", "60"),
    "reminder.event_nights": ("3", "1", "10"),
    "maintenance.days": ("90", "31", "90"),
    "visits.min_loan_balance": ("1000000.00", "750000", "1500000"),
    "visits.per_month": ("1", "1", "3"),
    "movement.individual_min_amount": ("500000.00",),
    "movement.business_min_amount": ("5000000.00",),
    "frequent_transfers.min_count": ("5",),
    "frequent_transfers.window_hours": ("24",),
    "card_spend.min_amount": ("50000.00",),
    "potential.valid_days": ("30", "1", "90"),
    "potential.reference_amount": ("100000.00", "1000", "1000000"),
    "potential.flow_days": ("30", "15", "60"),
    "potential.idle_days": ("30", "10", "60"),
    "potential.idle_balance": ("50000.00", "1000", "100000"),
    "potential.time_days": ("30", "2", "90"),
    "potential.payroll_moved_pct": ("70", "10", "100"),
    "potential.other_bank_out_min": ("10000.00", "1000", "100000"),
    "potential.proceeds_min": ("100000.00", "1000", "200000"),
    "potential.line_min": ("50000.00", "1000", "500000"),
    "potential.settled_days": ("60", "10", "60"),
    "potential.turnover_days": ("90", "30", "90"),
    "potential.turnover_min": ("100000.00", "1000", "200000"),
    "potential.mortgage_years": ("3", "2", "10"),
    "potential.seasonal_days": ("45", "5", "90"),
    "potential.spend_min": ("5000.00", "100", "50000"),
    "potential.utilisation_pct": ("80", "50", "100"),
    "potential.punctual_months": ("12", "3", "24"),
    "potential.activation_days": ("30", "5", "90"),
    "potential.next_tier_pct": ("90", "80", "99"),
    "potential.wealth_days": ("15", "2", "90"),
    "potential.counter_days": ("90", "30", "90"),
    "potential.counter_min": ("3", "2", "6"),
    "potential.silent_days": ("90", "10", "90"),
    "potential.fall_pct": ("5", "1", "50"),
    "potential.no_txn_days": ("90", "31", "90"),
    "potential.closing_max": ("100.00", "0", "900"),
    "potential.closing_min": ("10000.00", "1000", "100000"),
    "potential.channel_ended_days": ("30", "2", "60"),
    "tier.affluent": ("50000.00", "20000", "100000"),
    "tier.wealth": ("500000.00", "200000", "1000000"),
    "tier.private": ("6000000.00", "2000000", "9000000"),
    "contribution.ftp_demand_pct": ("1.40", "1", "1.80"),
    "contribution.ftp_time_pct": ("1.70", "1.30", "2.10"),
    "contribution.ftp_certificate_pct": ("1.90", "1.50", "2.30"),
    "contribution.ftp_loan_pct": ("2.20", "1.80", "2.60"),
    "contribution.cost_account": ("1.00", "0.50", "3"),
    "contribution.cost_counter": ("5.00", "1", "10"),
    "contribution.cost_self_service": ("0.50", "0.10", "2"),
    "contribution.cost_digital": ("0.10", "0.01", "1"),
    "contribution.lgd_pct": ("45.00", "20", "80"),
    "contribution.pd_normal_pct": ("1.00", "0.50", "2"),
    "contribution.pd_special_mention_pct": ("10.00", "5", "20"),
    "contribution.pd_default_pct": ("100.00", "80", "100"),
    "tier.gold_aum": ("500000.00", "200000", "2000000"),
    "tier.profit_aum": ("50000.00", "20000", "100000"),
    "tier.gold_contribution": ("2000.00", "1500", "5000"),
    "tier.profit_contribution": ("200.00", "150", "500"),
    "tier.keep_pct": ("90", "50", "95"),
    "tier.down_month_ends": ("2",),
    "tier.grow_aum": ("10000.00", "5000", "15000"),
    "tier.exit_aum": ("100.00", "1", "500"),
    "lifecycle.new_days": ("90", "10", "90"),
    "lifecycle.dormant_days": ("90", "31", "90"),
    "lifecycle.dormant_aum": ("10000.00", "1000", "50000"),
    "lifecycle.change_pct": ("10", "1", "50"),
    "lifecycle.change_min": ("1000.00", "100", "1000"),
    "rfm.days": ("90", "30", "90"),
    "campaign.days_back": ("90", "30", "90"),
    "campaign.response_days": ("30", "1", "60"),
    "campaign.cost_sms": ("0.05", "0", "10"),
    "campaign.cost_call": ("2.00", "0", "100"),
    "campaign.cost_visit": ("30.00", "0", "500"),
    "campaign.cost_app": ("0.01", "0", "10"),
    "campaign.cost_wechat": ("0.01", "0", "10"),
    "campaign.cost_mail": ("2.00", "0", "100"),
    "campaign.cost_counter": ("1.00", "0", "100"),
}  # fmt: skip

#: The parameters of docs/rules, code by code.
DEFAULTS: dict[str, str] = {code: values[0] for code, values in _CODES.items()}

#: What no set can change.
FIXED = frozenset(code for code, values in _CODES.items() if len(values) == 1)


@dataclass(frozen=True, slots=True)
class Parameters:
    """A set of values, by code, and its name."""

    name: str = "default"
    values: Mapping[str, str] = field(default_factory=lambda: DEFAULTS)

    def number(self, code: str) -> int:
        """The value of a parameter that counts days, years, percent or things."""
        return int(self.values[code])

    def money(self, code: str) -> Decimal:
        """The value of a parameter that is an amount, in yuan with two decimals."""
        return Decimal(self.values[code]).quantize(Decimal("0.01"))

    def variables(self) -> dict[str, int]:
        """What SQL reads as getvariable('p_<code with _>'): numbers, and amounts in cents."""
        return {
            f"p_{code.replace('.', '_')}":
                int(self.money(code) * 100) if "." in DEFAULTS[code] else self.number(code)
            for code in self.values
        }  # fmt: skip


def load(path: Path | None) -> Parameters:
    """The set of a YAML file, or the defaults without one; raises `UsageError` with a sentence."""
    if path is None:
        return Parameters()
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not YAML"
        raise UsageError(
            f"The parameters {path} cannot be read ({reason}): name a YAML file of `code: value`."
        ) from None
    if not isinstance(given, dict) or not given:
        raise UsageError(f"{path} has no parameters: write lines like `due.loan_days: 45`.")
    values = DEFAULTS | {str(code): _checked(path, str(code), v) for code, v in given.items()}
    _check_together(path, values)
    return Parameters(path.stem, values)


def _checked(path: Path, code: str, value: object) -> str:
    if code not in _CODES:
        raise UsageError(f"{path} has {code}, which docs/rules does not know: take it out.")
    default, *limits = _CODES[code]
    try:
        number = Decimal(str(value))
        whole = "." in default or number == int(number)
    except (InvalidOperation, ValueError, OverflowError):
        number, whole = Decimal(0), False
    if not whole or number != number.quantize(Decimal("0.01")):
        raise UsageError(
            f"{path}: {code} is {value!r}; write a number like {default}, which is its default."
        )
    low, high = (Decimal(limit) for limit in (limits or (default, default)))
    if not low <= number <= high:
        between = f"give {low} to {high}" if limits else f"leave it at {default}"
        raise UsageError(f"{path}: the simulated bank cannot plant {code} {value}: {between}.")
    return f"{number:.2f}" if "." in default else str(int(number))


def _check_together(path: Path, values: Mapping[str, str]) -> None:
    """Limits that hold between two parameters."""
    days = int(values["coverage.averaging_days"])
    least = Decimal(12_000_000) / days
    if days % 2:
        raise UsageError(f"{path}: coverage.averaging_days {days} is odd: give an even number.")
    if Decimal(values["key_customer.min_deposit_average"]) < least:
        raise UsageError(
            f"{path}: with coverage.averaging_days {days}, customers with large movements would "
            f"be key customers: give a key_customer.min_deposit_average of {least:.0f} or more."
        )
    for low, high in (
        ("tier.affluent", "tier.wealth"), ("tier.wealth", "tier.private"),
        ("tier.profit_aum", "tier.gold_aum"),
    ):  # fmt: skip
        if Decimal(values[low]) * 2 > Decimal(values[high]):
            raise UsageError(
                f"{path}: {high} {values[high]} is too near to {low} {values[low]}: raise it."
            )
