# make demo    balance a pole with the workshop's solution
# make test    the whole suite, in several processes; PYTEST_FLAGS are added
# make lint    the style and the types of the code
# make experiments    the benchmarks that experiments/README.md and the README tell of, anew: several hours on two cores
# Each makes .venv and installs requirements.txt first, where that has not been done.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
INSTALLED := .venv/.installed

.PHONY: demo test lint experiments

demo: $(INSTALLED)
	$(BIN)/python main.py --solution

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --maxprocesses=4 --dist=loadscope $(PYTEST_FLAGS)

lint: $(INSTALLED)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

experiments: $(INSTALLED)
	$(BIN)/python experiments/comparisons_to_solve.py
	$(BIN)/python experiments/experiments.py
	$(BIN)/python experiments/studies.py
	$(BIN)/python experiments/tricks.py
	$(BIN)/python experiments/reward_hacking.py
	$(BIN)/python experiments/pendulum.py
	$(BIN)/python experiments/half_cheetah.py

$(INSTALLED): requirements.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or later is needed; name one: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -c "open('$(INSTALLED)', 'w').close()"
