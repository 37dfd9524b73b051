"""The festivals as a relation: known beforehand, and from no extract."""

from acrm_batch.model import Model
from crm_shared.festivals import FESTIVALS


def festivals() -> Model:
    """`int_festivals`: code and day of every festival of `crm_shared.festivals`."""
    rows = ",\n    ".join(f"('{one.code}', date '{one.day}')" for one in FESTIVALS)
    return Model(
        name="int_festivals",
        kind="base",
        description="Festivals on which key customers are greeted, whatever the date.",
        partition="as_of",
        key=("code", "day"),
        sql="-- One row per festival.\nselect code, day\nfrom (values\n    "
        f"{rows}\n) as festival (code, day)",
    )
