"""Settings of the batch, read from the environment (`ACRM_…` and `CRM_…`)."""

import os
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BatchSettings(BaseSettings):
    """Where the batch reads and writes, and how much of the machine it may use."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True)

    database_url: SecretStr = Field(
        validation_alias=AliasChoices("ACRM_DATABASE_URL"),
        description="PostgreSQL, as the role that owns schema acrm.",
    )
    landing_dir: Path = Field(
        default=Path("landing"),
        validation_alias=AliasChoices("CRM_LANDING_DIR"),
        description="Where the core bank delivers its days.",
    )
    warehouse_dir: Path = Field(
        default=Path("warehouse"),
        validation_alias=AliasChoices("CRM_WAREHOUSE_DIR"),
        description="Where the partitions of the models are kept.",
    )
    parameters_file: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("ACRM_PARAMETERS"),
        description="The bank's own values of parameters, as entries of catalogue/params.",
    )
    engine: Literal["duckdb", "spark"] = Field(
        default="duckdb",
        validation_alias=AliasChoices("ACRM_ENGINE"),
        description="What makes the models: duckdb, or spark where PySpark and Java are.",
    )
    spark_master: str = Field(
        default="",
        validation_alias=AliasChoices("ACRM_SPARK_MASTER"),
        description="Spark's master (spark://…, k8s://…, yarn); empty: on this machine.",
    )
    memory_limit: str = Field(
        default="2GB",
        validation_alias=AliasChoices("ACRM_MEMORY_LIMIT"),
        description="What DuckDB (and Spark here) may use before it spills to disk.",
    )
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        validation_alias=AliasChoices("ACRM_THREADS"),
        ge=1,
        description="Threads of DuckDB.",
    )
    keep_dates: int = Field(
        default=40,
        validation_alias=AliasChoices("ACRM_KEEP_DATES"),
        ge=1,
        description="Published business dates kept in PostgreSQL, beside month ends.",
    )
    keep_snapshots: int = Field(
        default=7,
        validation_alias=AliasChoices("ACRM_KEEP_SNAPSHOTS"),
        ge=1,
        description="Snapshot files kept, the newest ones.",
    )
