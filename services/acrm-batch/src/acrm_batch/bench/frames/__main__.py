"""`python -m acrm_batch.bench.frames`: deposits and flows with Polars."""

import argparse
import resource
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl

from acrm_batch.bench.landed import Landed
from acrm_batch.engines.compare import differences
from acrm_batch.engines.sql import literal
from acrm_batch.inputs import File
from acrm_batch.project import Project
from acrm_batch.warehouse import partition_path
from crm_shared.errors import CrmError
from crm_shared.landing import TABLES

PLACE = ["customer_id", "branch_id"]

MONEY = pl.Decimal(18, 2)
WIDE = pl.Decimal(38, 2)


PRODUCTS = {"demand": "demand", "time": "time", "cert": "certificate"}

IS_IN = pl.col("direction") == "credit"
IS_OTHER = ~IS_IN & pl.col("counterparty_bank").is_not_null()


def _count(test: pl.Expr) -> pl.Expr:
    return test.sum().cast(pl.Int64)


class Frames:
    """A date's frames, lazy until they are collected."""

    def __init__(self, landed: Landed, averaging_days: int) -> None:
        self.landed = landed
        self.day = landed.day
        first = landed.first_day
        self.month = max(first, self.day.replace(day=1))
        self.year = max(first, self.day.replace(month=1, day=1))
        self.recent = max(first, self.day - timedelta(days=averaging_days - 1))
        self.quarter = max(first, self.day - timedelta(days=89))

    def scan(self, table: str, files: list[File], *columns: str) -> pl.LazyFrame:
        """Columns of files of a table, with the day of each file."""
        paths = [file.path(self.landed.folder) for file in files if file.rows]
        frame = pl.scan_parquet(paths, hive_partitioning=True, try_parse_hive_dates=True)
        return frame.select(*columns, "business_date")

    def state(self, table: str, *columns: str) -> pl.LazyFrame:
        """A table as it stands on the date: the newest row per key."""
        files = self.landed.inputs.state(table, self.day)
        if len(files) == 1:
            return self.scan(table, files, *columns)
        frame = self.scan(table, files, *columns)
        return frame.sort("business_date").unique(TABLES[table].key, keep="last")

    def ledger(self, since: date, *columns: str) -> pl.LazyFrame:
        """Columns of the bookings from a day on."""
        files = self.landed.inputs.events("transactions", since, self.day)
        return self.scan("transactions", files, *columns)

    def accounts(self) -> pl.DataFrame:
        """Every account with today's balance."""
        balances = self.state("balances", "account_id", "balance").drop("business_date")
        closed = pl.col("closed_on") <= self.day
        return (
            self.state("deposit_accounts", "account_id", *PLACE, "product", "opened_on",
                       "matures_on", "closed_on")
            .drop("business_date")
            .join(balances, on="account_id", how="left")
            .with_columns(
                is_open=(pl.col("opened_on") <= self.day) & ~closed.fill_null(value=False),
                balance=pl.col("balance").fill_null(0),
            )
            .collect(engine="streaming")
        )  # fmt: skip

    def moves(self) -> pl.LazyFrame:
        """Per account: what bookings take from balances × days since each of the three days."""
        signed = (
            pl.when(pl.col("direction") == "credit")
            .then(pl.col("amount"))
            .otherwise(-pl.col("amount"))
        ).cast(WIDE)  # fmt: skip
        spans = {"recent": self.recent, "month": self.month, "year": self.year}
        start = min(spans.values())

        def taken(since: date) -> pl.Expr:
            days = (pl.col("business_date") - since).dt.total_days()
            counted = pl.when(pl.col("business_date") > since).then(days).otherwise(0)
            return (pl.col("signed") * counted.cast(WIDE)).sum()

        return (
            self.ledger(start, "account_id", "direction", "amount")
            .with_columns(signed=signed)
            .group_by("account_id")
            .agg(**{f"{name}_taken": taken(since) for name, since in spans.items()})
        )

    def matured(self, accounts: pl.DataFrame) -> pl.LazyFrame:
        """What lay on term deposits that matured this month at the end of the day before."""
        matured = accounts.lazy().filter(self._is_matured())
        later = (
            self.ledger(self.month, "account_id", "direction", "amount")
            .join(matured.select("account_id", "matures_on"), on="account_id")
            .filter(pl.col("business_date") >= pl.col("matures_on"))
            .group_by("account_id")
            .agg(
                moved=pl.when(pl.col("direction") == "credit")
                .then(pl.col("amount"))
                .otherwise(-pl.col("amount"))
                .sum()
            )
        )
        return matured.join(later, on="account_id", how="left").select(
            "account_id", matured=pl.col("balance") - pl.col("moved").fill_null(0)
        )

    def _is_matured(self) -> pl.Expr:
        return (pl.col("product") != "demand") & pl.col("matures_on").is_between(
            self.day.replace(day=1), self.day
        )

    def _of(self, product: str) -> pl.Expr:
        return pl.col("is_open") & (pl.col("product") == product)

    def _ahead(self) -> pl.Expr:
        return pl.col("is_open") & (pl.col("product") != "demand") & (
            pl.col("matures_on") > self.day)  # fmt: skip

    def _known(self, accounts: pl.DataFrame) -> pl.LazyFrame:
        """Every account with its sums of balance × days and what lay there when it matured."""

        def days_of(name: str, since: date) -> pl.Expr:
            days = pl.lit((self.day - since).days + 1).cast(WIDE)
            return pl.col("balance").cast(WIDE) * days - pl.col(f"{name}_taken").fill_null(0)

        return (
            accounts.lazy()
            .join(self.moves(), on="account_id", how="left")
            .join(self.matured(accounts), on="account_id", how="left")
            .with_columns(
                month_days=days_of("month", self.month),
                year_days=days_of("year", self.year),
                recent_days=pl.when(pl.col("is_open")).then(days_of("recent", self.recent)),
            )
        )

    def _balances(self) -> list[pl.Expr]:
        """The deposit columns of `ind_balances`."""
        balance = pl.col("balance")
        return [
            pl.col("is_open").any().alias("has_open"),
            balance.filter(pl.col("is_open")).sum().cast(MONEY).alias("dep_bal"),
            *(
                balance.filter(self._of(product)).sum().cast(MONEY).alias(f"dep_{name}_bal")
                for name, product in PRODUCTS.items()
            ),
            _count(pl.col("is_open")).alias("dep_acct_cnt"),
        ]

    def _measures(self) -> list[pl.Expr]:
        """The columns of `ind_deposits` but for what was placed again."""
        is_open, month_start = pl.col("is_open"), self.day.replace(day=1)

        def maturing(days: int) -> pl.Expr:
            until = pl.col("matures_on") <= self.day + timedelta(days=days)
            return pl.col("balance").filter(self._ahead() & until).sum().cast(MONEY)

        return [
            pl.col("recent_days").sum().alias("recent_balance_days"),
            pl.col("month_days").sum().alias("month_balance_days"),
            pl.col("year_days").sum().alias("year_balance_days"),
            maturing(30).alias("dep_maturing_30d"),
            maturing(90).alias("dep_maturing_90d"),
            _count(is_open & (pl.col("opened_on") >= month_start)).alias("dep_opened_m"),
            _count(pl.col("closed_on").is_between(month_start, self.day)).alias("dep_closed_m"),
            pl.col("opened_on").filter(is_open).min().alias("dep_first_opened_on"),
            pl.col("matures_on").filter(self._ahead()).min().alias("dep_next_matures_on"),
            *(
                _count(self._of(product)).alias(f"dep_{name}_cnt")
                for name, product in PRODUCTS.items()
            ),
            pl.col("matured").sum().cast(MONEY).alias("dep_matured_m"),
            pl.col("matures_on").filter(self._is_matured()).min().alias("first_matured_on"),
        ]

    def deposits(self, accounts: pl.DataFrame) -> pl.DataFrame:
        """The deposit columns of `ind_balances`, and `ind_deposits`."""
        known = self._known(accounts)
        measured = known.group_by(PLACE).agg(*self._balances(), *self._measures())
        again = (
            known.filter(pl.col("is_open") & (pl.col("product") != "demand"))
            .join(measured.select(*PLACE, "first_matured_on"), on=PLACE)
            .filter(pl.col("opened_on") >= pl.col("first_matured_on"))
            .group_by(PLACE)
            .agg(again=pl.col("balance").sum())
        )
        taken_up = pl.min_horizontal("dep_matured_m", pl.col("again").fill_null(0)).cast(MONEY)
        frame = measured.join(again, on=PLACE, how="left").with_columns(dep_taken_up_m=taken_up)
        return frame.drop("first_matured_on", "again").collect(engine="streaming")

    def _windows(self, days: int) -> list[pl.Expr]:
        """Money in and out, and active days, over the last days."""
        late = pl.col("business_date") > self.day - timedelta(days=days)
        found = []
        for way, test in (("in", IS_IN), ("out", ~IS_IN), ("other", IS_OTHER)):
            amount = pl.col("amount").filter(late & test)
            found.append(amount.sum().cast(MONEY).alias(f"flow_{way}_amt_{days}d"))
            found.append(amount.len().cast(pl.Int64).alias(f"flow_{way}_cnt_{days}d"))
            if way != "other":
                most = amount.max().fill_null(0).cast(MONEY)
                found.append(most.alias(f"flow_{way}_max_{days}d"))
        active = pl.col("business_date").filter(late).n_unique().cast(pl.Int64)
        return [*found, active.alias(f"flow_active_days_{days}d")]

    def flows(self, accounts: pl.DataFrame) -> pl.DataFrame:
        """`ind_flow`."""
        places = accounts.lazy().select("account_id", *PLACE)
        booked = self.ledger(self.quarter, "txn_id", "account_id", "direction", "amount",
                             "counterparty_bank", "counterparty_account",
                             "reverses_txn_id")  # fmt: skip
        reversed_ = booked.select(txn_id="reverses_txn_id").drop_nulls()
        live = (
            booked.filter(pl.col("reverses_txn_id").is_null())
            .join(reversed_, on="txn_id", how="anti")
            .join(places, on="account_id")
        )
        sums = live.group_by(PLACE).agg(
            *(column for days in (7, 30, 90) for column in self._windows(days)),
            pl.col("business_date").max().alias("flow_last_on"),
        )
        parties = (
            live.filter(IS_OTHER)
            .group_by(*PLACE, "counterparty_bank", "counterparty_account")
            .agg(last_on=pl.col("business_date").max())
            .group_by(PLACE)
            .agg(
                (pl.col("last_on") > self.day - timedelta(days=days)).sum().cast(pl.Int64)
                .alias(f"flow_other_parties_{days}d")
                for days in (7, 30, 90)
            )
        )  # fmt: skip
        return (
            sums.join(parties, on=PLACE, how="left")
            .with_columns(pl.col("^flow_other_parties_.*$").fill_null(0))
            .collect(engine="streaming")
        )


def check(frames: dict[str, pl.DataFrame], warehouse: Path, day: date, aside: Path) -> list[str]:
    """What differs from the partitions that the batch made; a sentence each."""
    found = []
    balances = [name for name in frames["deposits"].columns if name.startswith("dep_") and (
        name.endswith("_bal") or name == "dep_acct_cnt")]  # fmt: skip
    parts = {
        "ind_balances": frames["deposits"].filter(pl.col("has_open")).select(*PLACE, *balances),
        "ind_deposits": frames["deposits"].drop("has_open", *balances),
        "ind_flow": frames["flows"],
    }
    with duckdb.connect() as connection:
        for model, frame in parts.items():
            ours, theirs = aside / f"{model}.frame.parquet", aside / f"{model}.batch.parquet"
            frame.write_parquet(ours)
            made = f"read_parquet({literal(partition_path(warehouse, model, day))})"
            where = "where dep_acct_cnt > 0" if model == "ind_balances" else ""
            connection.execute(
                f"copy (select {', '.join(frame.columns)} from {made} {where})"
                f" to {literal(theirs)} (format parquet)"
            )
            found += [f"{model}: {one}" for one in differences(connection, PLACE, ours, theirs)]
    return found


def main() -> int:
    """Make the frames, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m acrm_batch.bench.frames",
                                     description="Deposits and flows with Polars.")  # fmt: skip
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--date", type=date.fromisoformat, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a folder")
    parser.add_argument("--check", type=Path, help="a warehouse with the batch's partitions")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        days = int(
            Project.load().catalogue.union_wide(
                "coverage.averaging_days", given.date, "the comparison with Polars"
            )
        )
        made = Frames(Landed(given.landing, given.date), days)
        accounts = made.accounts()
        frames = {"deposits": made.deposits(accounts)}
        between = time.monotonic()
        frames["flows"] = made.flows(accounts)
    except CrmError as error:
        print(error.sentence, file=sys.stderr)
        return int(error.exit_code)
    for name, frame in frames.items():
        frame.write_parquet(given.out / f"{name}.parquet")
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"deposits {between - began:.1f} s, flows {seconds - between + began:.1f} s,"
          f" {peak:.2f} GB")  # fmt: skip
    found = check(frames, given.check, given.date, given.out) if given.check else []
    if given.check:
        print("\n".join(found) or "every column is equal to the batch's")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
