"""The deposit and flow families with Polars, as a good user of it would write them.

    python -m acrm_batch.bench.frames --landing DIR --date DATE [--out FOLDER] [--check WAREHOUSE]

Needs Polars, which is no dependency of the batch: `.local/bench/packages` (`make bench-acrm`). Lazy
scans of the landing files, one streaming pass over the ledger since the year began, and the same
thrift as the lean SQL: balances of earlier days and averages follow from today's balances and what
was booked since. Made are the columns of deposits of `ind_balances`, `ind_deposits` and `ind_flow`,
per customer and branch. `--check` compares them with the partitions that the batch made.
"""
