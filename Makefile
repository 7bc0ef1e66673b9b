# Two commands on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
SESSIONS ?= 600
SERVE ?= 1
VENV := .venv
BIN := $(VENV)/bin
RESOLVE := --universal --generate-hashes --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" --quiet
APT := chromium postgresql fonts-dejavu-core fonts-noto-core

# Many containers tell Python to keep no bytecode. Wheels are not compiled ahead here, so each of the hundreds of processes
# of a test run would compile Dagster and Great Expectations again, which takes longer than most of them work.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(abspath $(VENV))/bytecode

.PHONY: help setup demo test lint types audit unit e2e-setup bench soak lock docs images clean

help: ## Show what can be made
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed ## Install into .venv

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Rolecall needs Python 3.11 or newer; set PYTHON=") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: setup ## Simulate, ingest, run and serve the dashboard (SERVE=0 ends after the run)
	$(BIN)/rolecall demo --sessions $(SESSIONS) $(if $(filter 0,$(SERVE)),--no-serve)

test: setup e2e-setup lint types ## Linters, types and all tests
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder tests

lint: setup ## Ruff, import-linter and bandit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml assets dashboards governance integrations pipelines

types: setup ## Pyright
	$(BIN)/pyright

# Needs a network, hence no part of `make test`; without one it says so and fails, since nothing was looked up.
audit: setup ## Known faults of the pinned dependencies (pip-audit, needs a network)
	@$(BIN)/pip-audit --strict --progress-spinner off --disable-pip --require-hashes -r requirements.lock || { \
		echo "make audit: pip-audit found a fault (listed above) or could not reach its database;" \
			"without a network, run it where https://pypi.org is reachable"; exit 1; }

# Chromium and PostgreSQL from Debian, and the peers below tests/peers; it says what it cannot install.
e2e-setup: setup
	@tests/install_peers.sh "$(APT)" "$(PYTHON)"

bench: setup ## Benchmarks into benchmarks/results.json
	$(BIN)/python -m benchmarks

soak: setup e2e-setup ## Long fault and fuzz runs into benchmarks/soak.json
	$(BIN)/python -m benchmarks.soak

images: setup e2e-setup ## Screenshots of the demo's pages into docs/images
	$(BIN)/python tests/e2e/screenshots.py

docs: setup ## Generated documentation: data dictionary and command line
	$(BIN)/python -m assets.dictionary
	$(BIN)/python -m pipelines.commands.reference

lock: ## Resolve dependencies anew into requirements.lock and the peers' requirements.txt
	uv pip compile pyproject.toml --all-extras $(RESOLVE) -o requirements.lock
	for peer in tests/peers/*/requirements.in; do \
		uv pip compile $$peer $(RESOLVE) -o $${peer%.in}.txt || exit 1; \
	done

clean: ## Remove the environment and the demo's data
	rm -rf $(VENV) .rolecall
