"""The batch's final columns of a date as the leanest DuckDB SQL for that date alone.

    python -m acrm_batch.bench.lean --landing DIR --date DATE --out FILE [--warehouse DIR]

Landing files are read directly in one session: no partitions, audits, ledger, staged Parquet, nor
models of other days. Balances of earlier days and averages follow from today's balances and the
ledger, which is read once. Written at the end are FILE (a row per customer), FILE with `_tags`
(leaf tags and scores) and FILE with `_branches` (a row per customer and branch).

What is decided with a history of its own is read as the batch made it, from `--warehouse`:
`int_tiers` (tiers move down after two month ends), `int_lead_decisions` and `int_coverage` (so do
lead branches), `int_key_customers` of the month end before, `int_active_weeks` (all weeks ever),
and `int_matured_years` (what lay on term deposits when they matured this year).
The conditions of leaf tags and the points of scores are those of the catalogue.
"""
