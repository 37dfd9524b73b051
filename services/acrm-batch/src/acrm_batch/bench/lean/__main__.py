"""`python -m acrm_batch.bench.lean`: make a date and print what it took."""

import argparse
import resource
import sys
import time
from datetime import date
from pathlib import Path

import duckdb

from acrm_batch.bench.lean.session import beside, make
from acrm_batch.catalogue import Catalogue
from acrm_batch.engines.sql import literal
from crm_shared.errors import CrmError


def main() -> int:
    """Make a date and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m acrm_batch.bench.lean",
                                     description="The final columns as lean SQL.")  # fmt: skip
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--date", type=date.fromisoformat, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="4GB")
    parser.add_argument("--timings", action="store_true", help="also the seconds per table")
    given = parser.parse_args()
    began = time.monotonic()
    try:
        lean = make(given.landing, given.date, given.out, given.warehouse,
                    threads=given.threads, memory_limit=given.memory_limit)  # fmt: skip
    except CrmError as error:
        print(error.sentence, file=sys.stderr)
        return int(error.exit_code)
    seconds = time.monotonic() - began
    if given.timings:
        for name, one in sorted(lean.seconds.items(), key=lambda item: -item[1]):
            print(f"{one:8.2f} s  {name}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{covered(lean.catalogue, given.out)}: {seconds:.1f} s, {peak:.2f} GB")
    return 0


def covered(catalogue: Catalogue, out: Path) -> str:
    """How many of the final columns were written."""
    with duckdb.connect() as connection:

        def written(path: Path) -> set[str]:
            query = f"describe select * from read_parquet({literal(path)})"
            return {str(row[0]) for row in connection.execute(query).fetchall()}

        customers = {one.column for one in catalogue.at_grain("customer")}
        customers |= {tag.column for tag in catalogue.tags}
        places = {one.column for one in catalogue.at_grain("customer_branch")}
        made = written(out) | written(beside(out, "tags"))
        return (
            f"{len(customers & made)} of {len(customers)} final columns per customer,"
            f" {len(places & written(beside(out, 'branches')))} of {len(places)} per customer and"
            " branch"
        )


if __name__ == "__main__":
    sys.exit(main())
