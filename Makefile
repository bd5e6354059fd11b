# make demo    balance a pole with the workshop's solution; GPU=1 after it installs PyTorch for GPUs on Linux
# make test    the tests, in at most 3 minutes on two cores; PYTEST_FLAGS are added, as they are to the next
# make endurance    the tests that take long by nature, in 6 minutes more: kills, cuts at every byte, a browser, a cluster
# make lint    the style and the types of the code
# make experiments    the benchmarks that experiments/README.md and the README tell of, anew: several hours on two cores
# Each makes .venv and installs in it what it needs, where that has not been done: requirements.txt to run, and the
# group "dev" of pyproject.toml to test and lint, which pip knows from 25.1 on.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
SYSTEM := $(shell uname -s)
endif
INSTALLED := .venv/.installed
DEV_INSTALLED := .venv/.installed-dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# PyPI's PyTorch for Linux is one for GPUs, of gigabytes. Where the small one cannot be reached, PyPI's will do.
ifeq ($(SYSTEM)$(GPU),Linux)
SMALL_TORCH = $(PIP) --no-deps --retries 1 --timeout 10 --index-url https://download.pytorch.org/whl/cpu \
	`grep '^torch==' requirements.txt` || echo "The small PyTorch cannot be reached: another comes with the others."
endif
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
	@$(PYTHON) workshop/supported.py || (echo "or name one that is there: make PYTHON=python3.12"; false)
	$(PYTHON) -m venv .venv
	$(SMALL_TORCH)
	$(PIP) -r requirements.txt
	$(BIN)/python -c "open('$(INSTALLED)', 'w').close()"

$(DEV_INSTALLED): $(INSTALLED) pyproject.toml
	$(PIP) "pip>=25.1"
	$(PIP) --group dev
	$(BIN)/python -c "open('$(DEV_INSTALLED)', 'w').close()"
