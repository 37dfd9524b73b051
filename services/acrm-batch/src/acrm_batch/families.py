"""Families of indicators: what one row of each speaks of, and the models made of them.

| key of `ind_<family>` | measures of | grains |
|---|---|---|
| customer_id, branch_id | a customer's business at a branch | every one |
| customer_id | a customer, placed at the lead branch and manager | all but customer × branch |
| branch_id | a branch | branch, legal entity, union |
| branch_id, manager_id | what somebody did at a branch | manager, branch, legal entity, union |
"""

from collections.abc import Mapping

from acrm_batch.catalogue import UNITS, Indicator
from acrm_batch.model import Model
from crm_shared.errors import UsageError

PLACE, CUSTOMER, BRANCH = ("customer_id", "branch_id"), ("customer_id",), ("branch_id",)
MANAGER = ("branch_id", "manager_id")

#: The key of what managers, branches, legal entities and the union have.
UNIT = ("grain", "org_id", "manager_id")


def key_of(family: str, models: Mapping[str, Model]) -> tuple[str, ...]:
    """What one row of a family speaks of; `UsageError` where no roll-up is known for it."""
    model = models.get(f"ind_{family}")
    if model is None:
        raise UsageError(f"Family {family} of the catalogue has no model ind_{family}.")
    if model.key not in (PLACE, CUSTOMER, BRANCH, MANAGER):
        raise UsageError(
            f"Model {model.name} has the key ({', '.join(model.key)}); a family has customer_id,"
            " branch_id, both in this order, or branch_id and manager_id."
        )
    return model.key


def family_of(one: Indicator, grain: str) -> str:
    """The family that has an indicator at a grain."""
    return one.elsewhere.get(grain, one.family)


def typed(one: Indicator, sql: str) -> str:
    """A value as the type of the indicator's unit."""
    return f"cast({sql} as {UNITS[one.unit][0]})"


def made_of(name: str, description: str, key: tuple[str, ...], sql: str, **more: object) -> Model:
    """A model that follows from the catalogue."""
    return Model(name=name, kind="rollup", description=description, partition="as_of", sql=sql,
                 key=key, **more)  # type: ignore[arg-type]  # fmt: skip
