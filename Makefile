# Everything a newcomer needs: make run, make test. All tools live in .venv and .tools; nothing is installed elsewhere.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= .rolecall/tutorial
PORT ?= 4500
BENCH ?=

.PHONY: help run setup test check doors soak bench tutorial-reset fix clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup $(BIN)/.aws ## start the server with the tutorial's world (stop it with Ctrl-C)
	@$(BIN)/python tools/welcome.py --data $(DATA) --port $(PORT) --aws .tools/aws
	@exec $(BIN)/rolecall serve --data $(DATA) --port $(PORT) --account 123456789012 --tutorial

setup: $(BIN)/.ready ## prepare .venv

$(BIN)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) tools/bootstrap.py $(VENV) $(if $(filter file,$(origin PYTHON)),,chosen)
	@touch $@

$(BIN)/.aws: $(BIN)/.ready
	@$(BIN)/python tools/clients.py aws1
	@touch $@

tutorial-reset: ## start the tutorial's story over
	@$(PYTHON) tools/reset.py $(DATA)

test: setup ## run all tests
	@$(BIN)/python tools/clients.py aws1 aws2
	@$(BIN)/pytest -q -n 2 --dist loadscope -m "not doors and not soak"

doors: setup ## run other people's clients
	@$(BIN)/python tools/clients.py aws1 aws2 doors trailscraper undenied ansible js
	@$(BIN)/pytest -q -m doors

soak: setup ## long runs: an hour of faults, load and generated cases (SOAK_MINUTES=10 for less)
	@$(BIN)/pip install --quiet --constraint constraints.txt -e '.[soak]'
	@$(BIN)/python tools/soak.py

check: setup ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: setup ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## the benchmarks, as a table (BENCH=--peers for others beside it, BENCH=--full for everything)
	@command -v wrk >/dev/null || { echo "make bench drives its load with wrk: sudo apt-get install wrk"; exit 1; }
	@$(if $(findstring --peers,$(BENCH))$(findstring --full,$(BENCH)),$(BIN)/pip install --quiet --constraint constraints.txt -e '.[peers]')
	@$(BIN)/python -m bench $(BENCH)

clean: ## remove what was built (not the data)
	@rm -rf $(VENV) .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis
