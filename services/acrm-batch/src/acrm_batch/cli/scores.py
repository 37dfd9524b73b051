"""Scores: train, train-lifetime."""

from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from acrm_batch import acceptance, batch
from acrm_batch.cli.options import Json, Landing, Warehouse, parsed_date, settings_of
from acrm_batch.cli.output import print_json, say, sentences, warn
from acrm_batch.scoring.definition import Definition, load_definition
from acrm_batch.settings import BatchSettings
from crm_shared.business_calendar import month_end_after

app = typer.Typer()


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A score of catalogue/score_definitions.")],
    *,
    first: Annotated[date, typer.Option("--from", parser=parsed_date, metavar="MONTH_END",
                                        help="The first month end to learn from.")],
    last: Annotated[date, typer.Option("--to", parser=parsed_date, metavar="MONTH_END",
                                       help="The month end to test on.")],
    horizon: Annotated[int | None, typer.Option(
        min=1, max=24, help="Months in which the event may happen [as defined].")] = None,
    catalogue: Annotated[Path | None, typer.Option(
        help="Catalogue folder to read from and write to [the package's].")] = None,
    cards: Annotated[Path, typer.Option(help="Folder of the model card.")] = Path("docs/models"),
    source: Annotated[str, typer.Option(help="What the data are, for the model card.")] = "",
    landing: Landing = None, warehouse: Warehouse = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Train a score on past month ends, and write its card and its page."""
    with sentences():
        # scikit-learn takes a second to import, and a night needs none of it.
        from acrm_batch.scoring.report import model_card, verdict  # noqa: PLC0415
        from acrm_batch.scoring.train import train as trained_on  # noqa: PLC0415
        from acrm_batch.scoring.writing import card_of  # noqa: PLC0415

        folder = catalogue or Path(str(files("acrm_batch"))) / "catalogue"
        definition = load_definition(folder / "score_definitions", name)
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse)
        months = horizon or definition.horizon_months
        with batch.looking(settings) as (runner, _):
            runner.accept(None, _newest(settings, definition, last, months), settings.threads)
            trained = trained_on(runner, definition, first=first, last=last, horizon=months,
                                 source=source, say=warn if as_json else say)  # fmt: skip
        card = card_of(trained, folder / "scores")
        card.write(folder / "scores" / f"{name}.yml")
        page = cards / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(model_card(trained, card), encoding="utf-8")
        if as_json:
            print_json({"name": name, "version": card.version, "card": str(page),
                        **card.metrics})  # fmt: skip
        else:
            say(f"Version {card.version} of {name} is written; its page is {page}.")
            say(verdict(trained).en)


def _newest(settings: BatchSettings, definition: Definition, last: date, months: int) -> date:
    """The last day that the training may look at: the end of the last horizon, or what is there."""
    until = last if definition.event.resemblance else month_end_after(last, months)
    return max(acceptance.delivered(settings.landing_dir, until), default=until)


@app.command(name="train-lifetime")
def train_lifetime(
    *,
    first: Annotated[date, typer.Option("--from", parser=parsed_date, metavar="MONTH_END",
                                        help="The month end to fit on.")],
    last: Annotated[date, typer.Option("--to", parser=parsed_date, metavar="MONTH_END",
                                       help="The month end until which it is tested.")],
    margin: Annotated[float, typer.Option(
        min=0, max=1, help="Contribution of one unit of turnover.")] = 0.002,
    discount: Annotated[float, typer.Option(min=0, max=1, help="Discount rate of a year.")] = 0.06,
    catalogue: Annotated[Path | None, typer.Option(
        help="Catalogue folder to write to [the package's].")] = None,
    cards: Annotated[Path, typer.Option(help="Folder of the model card.")] = Path("docs/models"),
    landing: Landing = None, warehouse: Warehouse = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Fit the customer lifetime value, and write its card and its page."""
    with sentences():
        # SciPy, as above.
        from acrm_batch.scoring.lifetime_report import lifetime_page  # noqa: PLC0415
        from acrm_batch.scoring.lifetime_train import train_lifetime as fitted_on  # noqa: PLC0415

        folder = catalogue or Path(str(files("acrm_batch"))) / "catalogue"
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse)
        with batch.looking(settings) as (runner, _):
            runner.accept(None, first, settings.threads)
            card = fitted_on(runner, first=first, last=last, margin=margin, discount=discount,
                             folder=folder, say=warn if as_json else say)  # fmt: skip
        card.write(folder / "lifetime.yml")
        page = cards / "lifetime.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(lifetime_page(card), encoding="utf-8")
        if as_json:
            print_json({"version": card.version, "card": str(page), **card.metrics})
        else:
            say(f"Version {card.version} of the lifetime value is written; its page is {page}.")
