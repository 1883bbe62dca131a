# Everything a contributor types. A machine needs make, sh and Python 3.11 or newer; the targets make the rest.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# The first Python on the path that is new enough; `make PYTHON=/path/to/python3` overrides it.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c '$(NEW_ENOUGH)' 2>/dev/null && { echo "$$p"; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
UV := $(BIN)/uv
UV_VERSION := 0.13.9
SOURCES := src tests bench

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: run
run: $(READY) ## start the gateway on the example tree; prints an address, a key and a curl to try
	@export CLINX_LOG_FORMAT=$${CLINX_LOG_FORMAT:-text}; exec $(BIN)/clinx serve --demo

.PHONY: test
test: $(READY) ## run the tests on both cores (PostgreSQL: CLINX_TEST_POSTGRES_URL, Redis: CLINX_TEST_REDIS_URL)
	@$(BIN)/pytest -n 2 -q $(TESTS)

.PHONY: soak
soak: $(READY) ## kill processes for SOAK_MINUTES (10) on each engine, take PostgreSQL away, fuzz with FUZZ_CASES (50000)
	@SOAK_MINUTES=$${SOAK_MINUTES:-10} $(BIN)/pytest -q \
		tests/laws/test_kill.py tests/laws/test_kill_gateway.py tests/laws/test_database_stopped.py \
		tests/laws/test_reload_under_load.py
	@FUZZ_CASES=$${FUZZ_CASES:-50000} $(BIN)/pytest -q tests/laws/test_fuzz.py

.PHONY: cover
cover: $(READY) ## run the tests and show which lines and branches they miss
	@$(BIN)/pytest -n 2 -q --cov --cov-report=term-missing:skip-covered $(TESTS)

.PHONY: check
check: lint types imports spelling architecture wheel-test ## everything that must hold besides the tests

.PHONY: lint
lint: $(READY) ## style and formatting (ruff)
	@echo "check: ruff"
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check

.PHONY: types
types: $(READY) ## types, strict (basedpyright)
	@echo "check: types"
	@$(BIN)/basedpyright

.PHONY: imports
imports: $(READY) ## who may import whom (import-linter)
	@echo "check: imports"
	@$(BIN)/lint-imports --no-logo

.PHONY: spelling
spelling: $(READY) ## spelling in code and documentation (codespell)
	@echo "check: spelling"
	@$(BIN)/codespell

.PHONY: architecture
architecture: $(READY) ## sizes, names, docs and schema parity (tests/architecture)
	@echo "check: architecture"
	@$(BIN)/pytest -q tests/architecture

.PHONY: wheel-test
wheel-test: $(READY) ## build the wheel, install it into an empty environment and use it in an empty folder
	@echo "check: wheel"
	@sh .ci/wheel-test $(BIN)/python

.PHONY: fmt
fmt: $(READY) ## format, and fix what can be fixed
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

.PHONY: bench
bench: $(READY) ## measure the gateway beside a stub and the installed peers (BENCH="--seconds 5 --peers none")
	@$(BIN)/python -m bench $(BENCH)

.PHONY: regression
regression: $(READY) ## does a request cost more than it did? a ratio, so that any machine can say
	@$(BIN)/python -m bench.regression

.PHONY: bench-peers
bench-peers: $(READY) ## install LiteLLM (and Portkey's gateway, when npm is here) for `make bench`
	@$(BIN)/python -m bench.peers

.PHONY: lock
lock: $(UV) ## write both lock files from pyproject.toml (LOCK=--upgrade takes newer versions)
	@$(UV) pip compile -q --no-strip-extras pyproject.toml --universal --python-version 3.11 --generate-hashes $(LOCK) -o requirements.lock
	@$(UV) pip compile -q --no-strip-extras pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes $(LOCK) -o requirements-dev.lock

.PHONY: clean
clean: ## remove the environment, caches and results; .clinx (the demo's database) stays
	rm -rf $(VENV) build dist bench/results bench/.peers .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Clinx needs Python 3.11 or newer; none is on the path (make PYTHON=/path/to/python3)." >&2; exit 1; }
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' || { echo "Clinx needs Python 3.11 or newer; $(PYTHON) is older or missing." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@"$(PYTHON)" -m venv $(VENV)

$(LOCKED): requirements-dev.lock | $(BIN)/python
	@echo "installing the locked dependencies into $(VENV) (a minute, the first time)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# The build backend is in the lock, so building fetches nothing.
$(READY): pyproject.toml $(LOCKED)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(UV): | $(BIN)/python
	@$(PIP) install uv==$(UV_VERSION)
