"""What a score predicts, for whom and from which columns: `catalogue/score_definitions/`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from yaml import CSafeLoader

from crm_shared.errors import UsageError

#: How a column of the mart enters: as a number, as 1 or 0, as days from a date to the business
#: date, as days from the business date to a date, or as text.
Reading = Literal["number", "flag", "days_since", "days_until", "text"]

#: Whether more of a feature may only raise (`up`) or only lower (`down`) the probability.
Direction = Literal["up", "down", "any"]

_Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]


class Strict(BaseModel):
    """A part of a catalogue file: unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Part = TypeVar("Part", bound=Strict)


class Names(Strict):
    """A label in both languages."""

    zh: str
    en: str


class Feature(Strict):
    """One candidate: an expression over the columns as they are read, and its direction."""

    name: _Name
    label: Names
    expression: str
    direction: Direction = "any"

    @model_validator(mode="after")
    def _divides_safely(self) -> "Feature":
        """x / 0 is infinite in one engine and an error in the other."""
        for after in self.expression.split("/")[1:]:
            if not after.lstrip().startswith("nullif("):
                raise ValueError(
                    f"feature {self.name} divides by something that may be 0; write "
                    "x / nullif(y, 0)"
                )
        return self


class Label(Strict):
    """The event: a query of the customers for whom it happened in `($t, $until]`.

    It reads staging models, as they stand on `$until` (state) or of `($t, $until]` (events), and
    `sample`, the customers of the mart on `$t`. With `resemblance` nothing has to happen: the
    event is a state on `$t`, and the score says how much alike somebody is to those who have it.
    """

    sql: str
    text: Names
    resemblance: bool = False


class Grade(Strict):
    """A grade and what it takes: a rate of events from which it holds, or the share of the
    population with the highest probabilities that has it or a higher one. Training gives it only
    where it can be told from the next one (`grading.py`)."""

    grade: str
    label: Names
    from_probability: float | None = Field(default=None, ge=0, lt=1)
    top_share: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _says_one_of_both(self) -> "Grade":
        if (self.from_probability is None) == (self.top_share is None):
            raise ValueError(f"grade {self.grade} needs from_probability or top_share, not both")
        return self


class Definition(Strict):
    """A score before it is trained.

    It is given to the customers of `population`. It is trained on the same, or on
    `training_population`, where those who have the event are no longer in the population.
    """

    name: _Name
    label: Names
    owner: str
    purpose: Names
    horizon_months: int = Field(ge=1, le=24)
    population: str
    population_text: Names
    training_population: str | None = None
    event: Label
    columns: dict[str, Reading]
    features: tuple[Feature, ...]
    grades: tuple[Grade, ...]
    limits: tuple[Names, ...] = ()

    @property
    def code(self) -> str:
        """Its code in the dictionary."""
        return f"SCORE_{self.name.upper()}"

    @model_validator(mode="after")
    def _names_once(self) -> "Definition":
        names = [feature.name for feature in self.features]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"feature {twice[0]} is there more than once")
        if clash := sorted(set(names) & set(self.columns)):
            raise ValueError(f"feature {clash[0]} has the name of a column; name it differently")
        return self


def load_definition(folder: Path, name: str) -> Definition:
    """The definition of a score; `UsageError` where there is none or it is not right."""
    path = folder / f"{name}.yml"
    if not path.is_file():
        there = ", ".join(sorted(one.stem for one in folder.glob("*.yml"))) or "none"
        raise UsageError(f"No score is called {name!r}; defined are {there}.")
    return parse(Definition, path)


def parse(part: type[Part], path: Path) -> Part:
    """A catalogue file as what it should be; `UsageError` names the file and its first fault."""
    try:
        read = yaml.load(path.read_text(encoding="utf-8"), CSafeLoader)
        return part.model_validate(read)
    except yaml.YAMLError as error:
        raise UsageError(f"{path.name} of the catalogue is not YAML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise UsageError(
            f"{path.name} of the catalogue is not right at {where}: {first['msg']}; correct it."
        ) from None


def same_readings(definitions: Mapping[str, Mapping[str, Reading]]) -> dict[str, Reading]:
    """How every column is read; `UsageError` where two scores read one differently."""
    found: dict[str, tuple[str, Reading]] = {}
    for score, columns in definitions.items():
        for column, reading in columns.items():
            first, other = found.setdefault(column, (score, reading))
            if other != reading:
                raise UsageError(
                    f"Column {column} is read as {other} by score {first} and as {reading} by "
                    f"{score}; let both read it alike."
                )
    return {column: reading for column, (_, reading) in found.items()}
