# Needs Python 3.11 to 3.14, git and make; everything else is installed into .venv.
.DEFAULT_GOAL := help
.PHONY: help run journey test test-long soak soak-api check format bench lock clean
export PYTHON ?=
# Kept bytecode halves every start.
export PYTHONDONTWRITEBYTECODE :=
BIN := .venv/bin
ARGS ?=

help: ## show this
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## start everything: database, API, worker, simulators (Ctrl-C stops it)
	@scripts/bootstrap.sh run
	@REDUMBRELLA_FOLLOW_PARENT=1 exec $(BIN)/redumbrella run $(ARGS)

journey: ## in another terminal: from scanning a code to money received (ARGS="--json")
	@scripts/bootstrap.sh run
	@exec $(BIN)/redumbrella journey $(ARGS)

test: ## the tests, in parallel, on a database of its own (ARGS="-k words")
	@scripts/bootstrap.sh dev
	@$(BIN)/pytest -n auto --dist loadgroup -m "not long" $(ARGS)

test-long: ## walks over every route, whole services killed, models and fuzzing
	@scripts/bootstrap.sh dev
	@$(BIN)/pytest -n logical --dist loadgroup -m long $(ARGS)

soak: ## claims, a journey and a model of claims while all is killed (ARGS="claims journey model")
	@scripts/bootstrap.sh dev
	@$(BIN)/python -m tests.soak $(ARGS)

soak-api: ## fuzz the API from its own document for minutes (EXAMPLES=50 for each operation)
	@scripts/bootstrap.sh dev
	@$(BIN)/pytest -q tests/soak/api_fuzzing.py $(ARGS)

check: ## formatting, lint, types, layers, migrations, Dockerfile
	@scripts/bootstrap.sh dev
	@scripts/check.sh

format: ## put the code into shape
	@scripts/bootstrap.sh dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: ## our hot paths against a bare handler doing the same SQL; one JSON line per path
	@scripts/bootstrap.sh dev
	@$(BIN)/python -m benchmarks $(ARGS)

lock: ## recompile the locks after a change in pyproject.toml (ARGS="--upgrade")
	@scripts/bootstrap.sh dev
	@scripts/lock.sh $(ARGS)

clean: ## forget caches and test data; .data and .venv stay
	@rm -rf .test-data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
