"""Why a figure is what it is: explain."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer

from acrm_batch import batch, coverage, explain_indicator, explain_tag
from acrm_batch.cli.coverage import say_why
from acrm_batch.cli.options import Json, Landing, MaybeDay, Warehouse, settings_of
from acrm_batch.cli.output import errors, plain, print_json, print_table, say, sentences
from acrm_batch.ledger import Ledger
from acrm_batch.progress import Progress
from acrm_batch.rehearsal import rehearsing
from acrm_batch.rule_words import Vocabulary
from acrm_batch.settings import BatchSettings
from crm_shared.errors import NotReadyError, UsageError

app = typer.Typer()

_SHOWN_ROWS = 30


@app.command()
def explain(
    customer: Annotated[int, typer.Argument(help="Number of the customer.")],
    code: Annotated[str, typer.Argument(help="Code of an indicator or tag, or `coverage`.")],
    *,
    day: MaybeDay = None, landing: Landing = None, warehouse: Warehouse = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Explain a figure, a tag or the coverage of a customer, by default as last published."""
    with sentences():
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse)
        of = day or _newest(settings)
        if code == "coverage":
            with rehearsing(settings, of, Progress(errors, quiet=True)) as stage:
                found = coverage.why(stage, of, customer, stage.runner.project.catalogue)
            print_json(found) if as_json else say_why(found)
            return
        with batch.looking(settings) as (runner, _):
            indicator = explain_indicator.indicator_of(runner.project.catalogue, code)
            if indicator is not None:
                runner.accept(None, of, settings.threads)
                figure = explain_indicator.explain_indicator(runner, of, customer, indicator)
                print_json(asdict(figure)) if as_json else _say_figure(figure)
                return
            tag = explain_tag.tag_of(runner.project.catalogue, code)
            if tag is None:
                raise UsageError(
                    f"Nothing is called {code}; `acrm dictionary` lists the codes, and `coverage`"
                    " explains who covers the customer."
                )
            told = explain_tag.explain_tag(runner, of, customer, tag)
            words = runner.project.catalogue.words
        print_json(_as_data(told)) if as_json else _say_tag(told, words)


def _newest(settings: BatchSettings) -> date:
    with Ledger.open(settings.database_url.get_secret_value(), "acrm explain") as ledger:
        published = ledger.published_dates()
    if not published:
        raise NotReadyError("No date is published; name one with --date, or run one.")
    return published[-1]


def _as_data(told: explain_tag.TagExplanation) -> dict[str, Any]:
    return asdict(told) | {"condition": _condition_data(told.condition)}


def _condition_data(one: explain_tag.Condition) -> dict[str, Any]:
    if one.joined_by:
        parts = [_condition_data(part) for part in one.parts]
        return {"joined_by": one.joined_by, "holds": one.holds, "parts": parts}
    return {
        "text": one.text,
        "words_zh": one.words[0] if one.words else None,
        "words_en": one.words[1] if one.words else None,
        "holds": one.holds,
        "values": dict(one.values),
        "thresholds": [asdict(threshold) for threshold in one.thresholds],
    }


def _say_tag(told: explain_tag.TagExplanation, words: Vocabulary) -> None:
    holds = "成立, holds" if told.holds else "不成立, does not hold"
    say(f"{told.path} ({told.name_zh}, {told.name_en}) of customer {told.customer_id} on"
        f" {told.business_date}: {holds}.")  # fmt: skip
    say(f"{told.formula_zh}\n{told.formula_en}")
    if told.strength is not None:
        say(f"强度 strength {told.strength}, 有效至 valid until {told.valid_until}")
    for depth, line in _lines(told.condition, 1, words):
        say("  " * depth + line)
    if not told.is_published_so:
        say("The partition says otherwise: the catalogue changed after it was made; run the date"
            " again.")  # fmt: skip


def _lines(one: explain_tag.Condition, depth: int, words: Vocabulary) -> Iterator[tuple[int, str]]:
    """A condition and its parts; a comparison with its words, its values and its thresholds."""
    mark = "未知 unknown" if one.holds is None else "是 yes" if one.holds else "否 no"
    if one.joined_by:
        joined = {"and": "全部 all of", "or": "任一 any of", "not": "非 not"}
        yield depth, f"{mark}: {joined[one.joined_by]}"
        for part in one.parts:
            yield from _lines(part, depth + 1, words)
        return
    yield depth, f"{mark}: {' / '.join(one.words) if one.words else one.text}"
    for name, value in one.values:
        called = " ".join(words.name_of(name) or ())
        yield (
            depth + 2,
            f"{called} ({name}) = {_or_nothing(value)}"
            if called
            else (f"{name} = {_or_nothing(value)}"),
        )
    for t in one.thresholds:
        whose = "全部 all" if t.legal_entity_id == "*" else t.legal_entity_id
        yield (
            depth + 2,
            (f"{t.name_zh} {t.name_en} ({t.code}) = {t.value} ({whose}, since {t.effective_from})"),
        )


def _or_nothing(value: object) -> str:
    return plain(value) or "无 nothing"


def _say_figure(told: explain_indicator.IndicatorExplanation) -> None:
    say(f"{told.code} ({told.name_zh}, {told.name_en}) of customer {told.customer_id} on"
        f" {told.business_date}: {plain(told.value) or 'nothing'}")  # fmt: skip
    say(f"{told.formula_zh}\n{told.formula_en}\n= {told.aggregate} over")
    print_table("Parts", told.parts)
    if told.parts_add_up is not None:
        say("The parts add up to it." if told.parts_add_up else "THE PARTS DO NOT ADD UP TO IT.")
    for table, rows in told.sources.items():
        say(f"\n{table}: {len(rows)} rows")
        print_table(table, rows[:_SHOWN_ROWS])
        if len(rows) > _SHOWN_ROWS:
            say(f"… and {len(rows) - _SHOWN_ROWS} more; --json has all of them.")
    if told.carried:
        say(f"\nTaken as made before: {', '.join(told.carried)}.")
    same = "the same" if told.agrees else "SOMETHING ELSE"
    say(f"\nMade again from these rows alone it is {same}: {plain(told.recomputed) or 'nothing'}")
