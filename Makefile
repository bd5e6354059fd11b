# make demo    balance a pole with the workshop's solution
# make test    the tests, in at most 3 minutes on two cores; PYTEST_FLAGS are added, as they are to the next
# make endurance    the tests that take long by nature, in 6 minutes more: kills, cuts at every byte, a browser, a cluster
# make lint    the style and the types of the code
# make experiments    the benchmarks that experiments/README.md and the README tell of, anew: several hours on two cores
# Each makes .venv and installs in it what it needs, where that has not been done: requirements.txt to run, and
# requirements-dev.txt, which includes it, to test and lint.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
INSTALLED := .venv/.installed
DEV_INSTALLED := .venv/.installed-dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Whoever is done takes over what another has not begun with: files of tests differ too much to be dealt out beforehand
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses=4 --dist=worksteal

.PHONY: demo test endurance lint experiments

demo: $(INSTALLED)
	$(BIN)/python main.py --solution

test: $(DEV_INSTALLED)
	$(PYTEST) -m "not endurance" $(PYTEST_FLAGS)

endurance: $(DEV_INSTALLED)
	$(PYTEST) -m endurance $(PYTEST_FLAGS)

lint: $(DEV_INSTALLED)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

TABLES := to-solve flags epochs batch-size fragment-length network-sizes queries converged choice-models \
    choice-models-noise choice-models-mistakes reward-hacking networks half-cheetah

experiments: $(INSTALLED)
	$(BIN)/python -c "import subprocess, sys; [subprocess.run([sys.executable, 'experiments/tables.py', '--table', name], check=True) for name in '$(TABLES)'.split()]"

$(INSTALLED): requirements.txt
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14) and 'Python 3.11 to 3.14 is needed; name one: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	$(PIP) -r requirements.txt
	$(BIN)/python -c "open('$(INSTALLED)', 'w').close()"

$(DEV_INSTALLED): $(INSTALLED) requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	$(BIN)/python -c "open('$(DEV_INSTALLED)', 'w').close()"
