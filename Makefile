SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := shared services/bank-simulator services/ocrm-api services/acrm-batch services/alerting
SOURCES := $(wildcard $(PACKAGES:%=%/src) deploy tests)
ARGS ?=
# Tests of one file share a bank or a database, so they stay in one process.
ON_EVERY_CORE := -n logical --dist loadfile --no-loadscope-reorder
ON_SPARK := PYTHONPATH=$(CURDIR)/.local/spark

help: ## Show what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

## --- set-up

install: $(VENV)/.packages ## Create .venv and install everything, pinned by hash

$(VENV)/.requirements: requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or newer, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 69; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), and Tulou CRM needs 3.11 or newer: name it with make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 69; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) lacks the modules venv and ensurepip: install them (on Debian and Ubuntu the package is called python3-venv)" >&2; exit 69; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing the packages of requirements.lock into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.packages: $(VENV)/.requirements $(PACKAGES:%=%/pyproject.toml)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation $(PACKAGES:%=-e %)
	@touch $@

lock: ## Compile requirements.lock anew from requirements.in (needs uv)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS) requirements.in -o requirements.lock

lock-spark: ## Compile deploy/spark/requirements.lock anew (needs uv)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock-spark" $(ARGS) deploy/spark/requirements.in -o deploy/spark/requirements.lock

lock-bench: ## Compile deploy/bench/requirements.lock anew (needs uv)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock-bench" $(ARGS) deploy/bench/requirements.in -o deploy/bench/requirements.lock

lock-airflow: ## Compile deploy/airflow/requirements.lock anew (needs uv)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock-airflow" $(ARGS) deploy/airflow/requirements.in -o deploy/airflow/requirements.lock

clean: ## Stop the local servers and remove everything that was generated, their data too
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.kafka down; $(BIN)/python -m deploy.local remove; fi
	@if [ -d .local/spark ]; then $(ON_SPARK) $(BIN)/python -m deploy.spark down; fi
	@rm -rf $(VENV) .local .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find $(PACKAGES) deploy tests -name __pycache__ -type d -prune -exec rm -rf {} +

## --- running

up: install ## Start PostgreSQL, Redis and a Kafka-protocol broker on this machine
	@$(BIN)/python -m deploy.local up $(ARGS)

down: install ## Stop the local servers
	@$(BIN)/python -m deploy.local down

status: install ## Show the local servers
	@$(BIN)/python -m deploy.local status || true

demo: install ## A day at the bank, end to end (ONCE=1, DATA=berka, CUSTOMERS=20000)
	@ONCE="$(ONCE)" DATA="$(DATA)" CUSTOMERS="$(CUSTOMERS)" $(BIN)/python -m deploy.demo

kafka: install ## Fetch Apache Kafka with Maven and start it on loopback (needs Java 17)
	@$(BIN)/python -m deploy.kafka up

spark: install .local/spark/.packages ## Fetch PySpark into .local/spark (500 MB; needs Java 17)

.local/spark/.packages: deploy/spark/requirements.lock
	@echo "installing the packages of deploy/spark/requirements.lock into .local/spark"
	@rm -rf .local/spark
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation --no-deps --target .local/spark -r deploy/spark/requirements.lock
	@touch $@

spark-up: spark ## Start a master and two workers of Spark on loopback
	@$(ON_SPARK) $(BIN)/python -m deploy.spark up

spark-down: spark ## Stop the master and the workers of Spark
	@$(ON_SPARK) $(BIN)/python -m deploy.spark down

kafka-down: install ## Stop Apache Kafka
	@$(BIN)/python -m deploy.kafka down

## --- measuring

bench-generate: install ## How fast a bank is generated, and in how much memory (SIZES="100000 1000000")
	@$(BIN)/python -m bank_simulator.bench $(or $(SIZES),100000 1000000)

bench-acrm: install .local/bench/.packages spark ## The night's batch at full size, beside SQL by hand, Polars and Spark (hours; CUSTOMERS=1000000)
	@$(BIN)/python -m deploy.bench.acrm --customers $(or $(CUSTOMERS),1000000) $(ARGS)

bench-alerting: install .local/bench/.packages ## Alerting beside plain polling, quixstreams and faust; latency, processes, customers (RECORDS=100000)
	@$(BIN)/python -m deploy.bench.alerting --records $(or $(RECORDS),100000) $(ARGS)

bench-alerting-kafka: kafka .local/bench/.packages ## The same on Apache Kafka (RECORDS=500000; needs Java 17)
	@trap '$(BIN)/python -m deploy.kafka down' EXIT; \
	$(BIN)/python -m deploy.bench.alerting --records $(or $(RECORDS),500000) --bootstrap "$$($(BIN)/python -m deploy.kafka address)" $(ARGS)

# Packages that only benches compare with: PYTHONPATH=.local/bench/packages
.local/bench/.packages: deploy/bench/requirements.lock
	@echo "installing the packages of deploy/bench/requirements.lock into .local/bench/packages"
	@rm -rf .local/bench/packages
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target .local/bench/packages -r deploy/bench/requirements.lock
	@touch $@

## --- checking

test: lint typecheck imports check-contracts ## Check and test everything
	@$(BIN)/python -m pytest -q $(ON_EVERY_CORE) $(ARGS)

test-long: install ## What takes too long for every change: 60 days killed three times, 100 drawn banks, three seeds with two parameter sets
	@ACRM_TEST_BACKFILL_DAYS=60 ACRM_TEST_EXAMPLES=100 ACRM_TEST_EVERY_SET=1 $(BIN)/python -m pytest -q --timeout 7200 -n 2 --dist loadfile tests/acrm_batch/test_crashes.py tests/acrm_batch/test_coverage_properties.py tests/end_to_end/test_planted_truth.py $(ARGS)

test-faults: install ## Let everything die, hang or be cut off at random, 25 rounds with 50 kills of alerting; a seed repeats it
	@ALERTING_TEST_FAULT_ROUNDS=$${ALERTING_TEST_FAULT_ROUNDS:-25} $(BIN)/python -m pytest -q -s --timeout 7200 tests/faults $(ARGS)

test-faults-kafka: install ## The same on an Apache Kafka, fetched by Maven, which is also killed and started again with its log (needs Java 17)
	@ALERTING_TEST_FAULT_BROKER=apache-kafka $(MAKE) test-faults

test-kafka: kafka ## Run the Kafka tests against Apache Kafka
	@export CRM_KAFKA_BOOTSTRAP="$$($(BIN)/python -m deploy.kafka address)"; \
	trap '$(BIN)/python -m deploy.kafka down' EXIT; \
	$(BIN)/python -m pytest -q -m kafka $(ARGS)

test-spark: spark ## Compare every model between DuckDB and Spark, local and on two workers
	@$(ON_SPARK) $(BIN)/python -m pytest -q -m spark $(ARGS)

test-airflow: .local/airflow/.requirements ## Load the DAG in Airflow, in an environment of its own
	@.local/airflow/bin/python deploy/airflow/check.py

.local/airflow/.requirements: deploy/airflow/requirements.lock
	@mkdir -p .local
	@$(PYTHON) -m venv --clear .local/airflow
	@echo "installing the packages of deploy/airflow/requirements.lock into .local/airflow"
	@.local/airflow/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/airflow/requirements.lock
	@touch $@

lint: install ## Find faults in style (ruff)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "some files are not formatted: run make format" >&2; exit 1; }

format: install ## Mend style (ruff)
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

typecheck: install ## Check types (mypy --strict)
	@$(BIN)/mypy --no-error-summary $(SOURCES)

imports: install ## Check who may import whom (import-linter)
	@out=$$($(BIN)/lint-imports 2>&1) || { echo "$$out"; exit 1; }

contracts: install ## Write JSON Schema and AsyncAPI of the shared contracts
	@$(BIN)/python -m crm_shared.contracts $(ARGS)

check-contracts: install ## Check that docs/contracts is what the code says
	@$(BIN)/python -m crm_shared.contracts --check

.PHONY: bench-acrm bench-alerting bench-alerting-kafka bench-generate help install lock lock-airflow lock-bench clean up down status demo kafka kafka-down spark spark-up spark-down lock-spark test test-airflow test-faults test-faults-kafka test-long test-kafka test-spark lint format typecheck imports contracts check-contracts
