# Hundredfaces: `make` lists the commands.
CONFIG ?= infra/config/local.toml
STATE ?= var
RUN_DATE ?=
MERCHANTS ?=
LIMIT ?=
PORT ?= 8080

export PYTHONPATH := $(CURDIR)
python := .venv/bin/python
# Quoted, and left out when empty.
option = $(if $($(1)),--$(2) '$($(1))')

.DEFAULT_GOAL := help
.PHONY: help setup night airflow test test-all test-faults lint format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo 'settings:      CONFIG=$(CONFIG) STATE=$(STATE) RUN_DATE=YYYY-MM-DD MERCHANTS=a,b LIMIT=n PORT=$(PORT)'

setup: ## .venv with Delta's jars; needs Python 3.11+ and Java 17+, costs nothing when it is there
	@infra/setup.sh

night: setup ## one night through the DAG: a release, a drop per merchant, a report
	@$(python) -m infra.night --config '$(CONFIG)' --state '$(STATE)' \
		$(call option,RUN_DATE,run-date) $(call option,MERCHANTS,merchants) $(call option,LIMIT,limit)

airflow: setup ## Airflow's scheduler and page on http://127.0.0.1:PORT, with the DAG
	@exec env HUNDREDFACES_CONFIG='$(CONFIG)' HUNDREDFACES_MERCHANTS='$(MERCHANTS)' HUNDREDFACES_LIMIT='$(LIMIT)' \
		$(python) -m infra.airflow_home serve --state '$(STATE)' --port $(PORT)

lint: setup ## ruff and mypy
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

test: lint ## lint and the tests
	@$(python) -m pytest -n 2 --dist loadscope

test-all: test ## also the slow tests: the real scheduler, whole nights
	@$(python) -m pytest -m slow

test-faults: setup ## kills whole nights 50 times and compares them with one that was left alone; an hour
	@$(python) -m tests.faults --kills 50 --seed 1

format: setup ## ruff's fixes and formatting
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

clean: ## removes the tools' caches; states and .venv stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache
