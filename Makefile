# make        = make check: ruff, mypy (strict on the package), tests
# make demo   = from nothing to a trained model on data that needs no download
# make test   = the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TRAINWRIGHT_TEST_DATA ?= $(wildcard ../shared/data)

.PHONY: check demo test crash pages lint bench clean

check: lint test

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: $(VENV)/.installed
	$(BIN)/trainwright train python-docs

test: $(VENV)/.developed
	$(BIN)/python -m pytest

# Every sweep of tests/crash in full, with a table at the end: runs killed, calls of fit stopped, full disks, rotten files, odd settings; and a network compiled to C++; hours.
crash: $(VENV)/.developed
	TRAINWRIGHT_CRASH=full OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 0 tests/crash tests/training/test_autotune.py

# Every page in every width and colour scheme, and every number of docs/understand.md; `make test` takes a sample.
pages: $(VENV)/.developed
	TRAINWRIGHT_PAGES=full $(BIN)/python -m pytest tests/browser tests/test_understand.py

lint: $(VENV)/.developed
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/mypy

# Against the peers, in an environment of their own; takes hours on two cores.
bench: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) .venv-peers build .pytest_cache .mypy_cache .ruff_cache .hypothesis
