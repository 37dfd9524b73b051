"""`python -m deploy.bench.alerting`, which `make bench-alerting` runs: how fast alerting is.

`share`: the same topics are read in turn by plain kafka-python, which decodes nothing, by
quixstreams and by faust-streaming with two of the rules and nothing durable, and by `alerting run`
with all rules and PostgreSQL. `memory`: of `alerting run` over many events. `latency`: from an
event to its reminder in the topic, at two rates. `scaling`: with one, two and four processes.
`growth`: as many events of few and of very many customers, who meet the rules as often and whose
earlier events are stored.

What is compared runs right after one another, because other work on a machine comes and goes; the
figures are medians of rounds.
"""

import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from crm_shared.errors import CrmError
from deploy.bench import latency
from deploy.bench.figures import Figures
from deploy.bench.measured import measure
from deploy.bench.members import LOOKS, Bench
from deploy.local.servers import LocalServers

BENCH = Path(".local/bench")

_PARTS = ("share", "memory", "latency", "scaling", "growth")
_PROCESSES = (1, 2, 4)
_FEW, _MANY = 10_000, 5_000_000
_RATES = ((1_000, 240), (5_000, 60))

#: Batches are full and caches filled when this share of the events is done.
_SETTLED = 0.2

#: Where one of two banks raises so many times the reminders of the other, costs do not compare.
_UNLIKE = 1.1


def share(bench: Bench, figures: Figures, rounds: int) -> None:
    """Events a second beside plain polling, quixstreams and faust-streaming."""
    bench.fill()
    packages = {"PYTHONPATH": str((BENCH / "packages").absolute())}
    plain, quix, ours, faust = [], [], [], []
    for number in range(rounds):
        bench.say(f"round {number + 1} of {rounds}")
        plain.append(bench.reader("deploy.bench.polling", f"plain-{number}"))
        quix.append(bench.reader("deploy.bench.quix", f"quix-{number}", packages))
        faust.append(bench.reader("deploy.bench.faust_streaming", f"faust-{number}", packages))
        ours.append(bench.members(1).rate)
    figures.add("records", bench.records, "events")
    figures.add("plain_polling", statistics.median(plain), "events/s")
    figures.add("quixstreams", statistics.median(quix), "events/s")
    figures.add("faust_streaming", statistics.median(faust), "events/s")
    figures.add("alerting", statistics.median(ours), "events/s")
    figures.add("share_of_plain_polling", _ratio(ours, plain), "ratio", at_least=0.6)
    figures.add("times_quixstreams", _ratio(ours, quix), "ratio", at_least=4)
    figures.add("times_faust_streaming", _ratio(ours, faust), "ratio")


def memory(bench: Bench, figures: Figures) -> None:
    """Memory of one process while very many events pass, from where batches are full."""
    bench.fill()
    found = bench.members(1).megabytes
    bench.say(f"MB at equal parts of the events: {', '.join(f'{one:.0f}' for one in found)}")
    if len(found) != LOOKS:
        raise CrmError(
            f"Memory was looked at {len(found)} times of {LOOKS}, so what it tells of a part of the"
            " events is not of that part; take more events."
        )
    settled = found[int(_SETTLED * len(found)) - 1]
    figures.add("memory_records", bench.records, "events")
    figures.add("memory_at_a_fifth", settled, "MB")
    figures.add("memory_at_most_after_it", max(found), "MB")
    figures.add("memory_at_the_end_to_a_fifth", found[-1] / settled, "ratio", at_most=1.1)


def scaling(bench: Bench, figures: Figures, rounds: int) -> None:
    """Events a second by several processes of one group."""
    bench.fill()
    found: dict[int, list[float]] = {number: [] for number in _PROCESSES}
    for number in range(rounds):
        for processes in _PROCESSES:
            bench.say(f"{processes} processes, round {number + 1} of {rounds}")
            found[processes].append(bench.members(processes).rate)
    for processes in _PROCESSES:
        figures.add(f"processes_{processes}", statistics.median(found[processes]), "events/s")
        figures.add(f"processes_{processes}_to_1", _ratio(found[processes], found[1]), "ratio")


def growth(few: Bench, many: Bench, figures: Figures, rounds: int) -> None:
    """What an event of one of five million customers costs, against one of ten thousand: processor
    time of alerting and of PostgreSQL. `CrmError` where they do not meet the rules as often."""
    few.fill(_FEW)
    many.fill(_MANY)
    cost: tuple[list[float], list[float]] = [], []
    for number in range(rounds):
        few.say(f"few and many customers, round {number + 1} of {rounds}")
        runs = few.members(1, _FEW), many.members(1, _MANY)
        rates = [run.fired for run in runs]
        few.say("reminders of a thousand events: " + ", ".join(f"{one:.2f}" for one in rates))
        if max(rates) > _UNLIKE * min(rates):
            raise CrmError(
                f"Of a thousand events {rates[0]:.2f} and {rates[1]:.2f} raised a reminder, so"
                " costs would compare rules and not sizes; take more events."
            )
        for costs, run in zip(cost, runs, strict=True):
            costs.append(run.cpu_seconds)
    figures.add("growth_records", few.records, "events")
    figures.add(f"cpu_per_event_{_MANY}_to_{_FEW}_customers", _ratio(cost[1], cost[0]), "ratio",
                at_most=1.2)  # fmt: skip


def _ratio(ones: list[float], others: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def main(
    records: Annotated[int, typer.Option(help="Events in the topics.")] = 100_000,
    rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 3,
    parts: Annotated[str, typer.Option(help="Which parts, with commas.")] = ",".join(_PARTS),
    bootstrap: Annotated[
        str | None, typer.Option(help="Another broker than the local one, such as Apache Kafka.")
    ] = None,
) -> None:
    """Measure alerting; the figures are written to .local/bench/alerting.json."""
    console = Console()
    wanted = parts.split(",")
    if unknown := set(wanted) - set(_PARTS):
        raise typer.BadParameter(f"no part {', '.join(sorted(unknown))}; choose of {_PARTS}")
    figures = Figures(BENCH / "alerting.json")
    BENCH.mkdir(parents=True, exist_ok=True)
    try:
        for part in wanted:
            with (
                TemporaryDirectory(dir=BENCH, prefix="run-") as folder,
                LocalServers(Path(folder) / "servers", report=console.print) as servers,
            ):
                Path(folder).chmod(0o711)
                known = servers.environment()
                if bootstrap:
                    known["CRM_KAFKA_BOOTSTRAP"] = bootstrap
                measure("alerting", "migrate", environment=known)
                # The topics of a broker that is not ours may outlive this run.
                run = Path(folder).name.removeprefix("run-")

                def bench(name: str, known: dict[str, str] = known, run: str = run) -> Bench:
                    return Bench(f"{name}-{run}", known, records, console.print)

                _measure(part, bench, figures, rounds)
    except CrmError as error:
        console.print(str(error))
        raise typer.Exit(int(error.exit_code)) from None
    finally:
        figures.print(console)


def _measure(part: str, bench: Callable[[str], Bench], figures: Figures, rounds: int) -> None:
    if part == "share":
        share(bench("share"), figures, rounds)
    elif part == "memory":
        memory(bench("memory"), figures)
    elif part == "scaling":
        scaling(bench("scaling"), figures, rounds)
    elif part == "growth":
        growth(bench("few"), bench("many"), figures, rounds)
    else:
        for rate, seconds in _RATES:
            latency.add(bench(f"latency-{rate}"), figures, rate, seconds)


if __name__ == "__main__":
    typer.run(main)
