# Everything sets itself up: a machine with Python 3.11 or later, git and make is enough.
PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python

.PHONY: help setup report test test-slow check goldens notebooks sample docs pictures benchmark lock

help: ## say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.ready: requirements.lock pyproject.toml
	@echo "Setting up .venv (once; a minute or two)"
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: .venv/.ready ## set up .venv from the lock file

report: .venv/.ready ## write the report of the sample, public and internal, into reports/
	$(BIN)/iop-outcomes report data/sample --quarter 2025Q4 --out reports

test: .venv/.ready ## every test but the long simulations
	OPENBLAS_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile -m "not slow" --doctest-modules src/iop_outcomes tests

test-slow: .venv/.ready ## the long simulations
	OPENBLAS_NUM_THREADS=1 $(PY) -m pytest -n 2 -m slow tests

check: .venv/.ready ## style, types, import contracts, docs in step
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) -m pytest -q -n 0 tests/house

notebooks: .venv/.ready ## execute the notebooks from their .py sources
	$(PY) notebooks/build.py

sample: .venv/.ready ## write data/sample again
	$(BIN)/iop-outcomes sample data/sample --people 600 --seed 1 --overwrite

goldens: ## run the R scripts of tests/golden again (needs R with survival, cmprsk, survey, mice, geepack, boot, metafor)
	@for script in tests/golden/*/make.R; do echo $$script; (cd $$(dirname $$script) && Rscript make.R); done

docs: .venv/.ready ## write the pages made from the code and build the site into docs/_build/html
	$(PY) docs/pages.py
	$(PY) -m sphinx -W --keep-going -q -b html docs docs/_build/html

pictures: .venv/.ready ## draw the pictures of the docs from the executed notebooks and the report
	$(PY) docs/pictures.py

benchmark: .venv/.ready ## time the quarterly computation against pandas, R and a bare scan (an hour on two cores)
	OPENBLAS_NUM_THREADS=1 $(PY) benchmarks/scale.py

lock: ## resolve the dependencies again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet \
	  --extra notebooks --group dev pyproject.toml -o requirements.lock
