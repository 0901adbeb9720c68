# The two commands of the README are `make reproduce` and `make test`; each sets up what it needs.
#
#   make reproduce [SCALE=smoke]   the experiments: tables, figures and manifests under results/
#   make gallery [SCALE=smoke]     one story for each centre that ships, and all of them held against the world
#   make real [SCALE=smoke]        what public samples say of leaving and of calling again, where they are at hand
#   make studies [SCALE=smoke]     how far answers and twins can be trusted: in full, hours; long ones go on where they broke off
#   make test                      all tests and doctests, two processes
#   make quick                     the part every supported Python has to pass
#   make lint | types | docs       style and layering; mypy --strict; the pages, under docs/_build
#   make format | coverage | lock  rewrite in house style; coverage with the JIT off; both lock files
#   make clean                     everything that make made, but for results/
#
# PYTHON=python3.13 make test uses that interpreter, in an environment of its own (.venv-3.13).

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAIN := compare_schemes dropped_calls
.PHONY: reproduce $(MAIN) gallery real studies test quick lint format types docs coverage lock clean
.DEFAULT_GOAL := test

ifneq (,$(filter undefined default,$(origin PYTHON)))
PYTHON := python3
endif
SCALE ?= full
WORKERS ?= 2

# where this is set, each process would compile the source of pandas and the like anew: five seconds
unexport PYTHONDONTWRITEBYTECODE

# python3.13, or a path that ends so, has .venv-3.13; python and python3 have .venv
release := $(filter-out 3,$(patsubst python%,%,$(notdir $(PYTHON))))
VENV := .venv$(addprefix -,$(release))
BIN := $(VENV)/bin
READY := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

# side by side: while one compiles the kernel, the other reads a log
reproduce: $(READY)
	$(MAKE) --no-print-directory -j2 $(MAIN)

$(MAIN):
	$(BIN)/python -m experiments.$@ --scale $(SCALE) --out results/$@

STORIES := false_saves paid_not_to_sell scorecard_weight spoiled_week last_place plausibility

gallery: $(READY)
	for story in $(STORIES); do \
		$(BIN)/python -m experiments.$$story --scale $(SCALE) --out results/$$story; \
	done

SAMPLES := telco_churn outbound_fatigue

real: $(READY)
	for sample in $(SAMPLES); do \
		$(BIN)/python -m experiments.$$sample --scale $(SCALE) --out results/$$sample; \
	done

STUDIES := recovery few_teams pilot_size twin_drift

studies: $(READY)
	for study in $(STUDIES); do \
		$(BIN)/python -m experiments.$$study --scale $(SCALE) --out results/$$study; \
	done

# a file's tests in one process: what they share is worked out once
test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --durations 30

quick: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) -m quick

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/deptry . --no-ansi

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(DEV)
	$(BIN)/mypy

docs: $(DEV)
	$(BIN)/python -m sphinx -n -W --keep-going -b html docs docs/_build/html
	$(BIN)/python docs/_offline.py docs/_build/html

coverage: $(READY)
	$(BIN)/python -m coverage erase
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n $(WORKERS) -m "not slow" --cov --cov-report=term --cov-report=html

# One resolution for every supported Python, without the address of any index in it.
UV_COMPILE = $(VENV)-lock/bin/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --quiet
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet uv
	$(UV_COMPILE) --group test -o requirements.lock
	$(UV_COMPILE) --group dev --constraints requirements.lock -o requirements-dev.lock

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "incentives needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": name another, as in PYTHON=python3.13 make test")'
	$(PYTHON) -m venv $(VENV)

$(READY): requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps -e .
	touch $@

# The tools join the same environment; their lock is made under the constraints of the first.
$(DEV): requirements-dev.lock $(READY)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

clean:
	rm -rf .venv .venv-* build dist htmlcov .coverage .coverage.* docs/_build docs/_generated docs/reference/generated
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
