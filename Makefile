# Everything sets itself up: a virtual environment in $(VENV), installed from constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := core plugins adapters schemas

.PHONY: demo test lint typecheck unit docs browser integration stress links lowest changelog dist clean

demo: $(VENV)/.demo  ## the main job: pp → tt̄ at 13 TeV to unweighted events and a report
	$(BIN)/crosshook run examples/ttbar.yaml --overwrite

test: lint typecheck unit docs  ## everything CI checks

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(VENV)/.dev
	.ci/typing_links
	$(BIN)/mypy

unit: $(VENV)/.dev  ## a process for each core, one thread each
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal --cov --cov-report=term

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

browser:  ## the distribution's Chromium, in which reports are tested; without one those tests are skipped
	command -v chromium chromium-browser google-chrome >/dev/null || \
	    apt-get install --quiet --yes --no-install-recommends chromium

integration: $(VENV)/.dev  ## other programs from PyPI, each in an environment of its own in .integration/
	$(BIN)/pytest -m integration tests/integration

links:  ## asks the addresses that the documentation links to
	$(PYTHON) .ci/external_links

SMOKE := tests/cli/test_files.py tests/core/test_plot_events.py tests/core/test_run.py tests/core/test_integral.py \
    tests/core/events $(addprefix tests/adapters/,hepmc lhe lheh5 parquet root)

lowest:  ## event files, runs and integrals with the oldest dependencies that pyproject.toml allows, but torch
	$(PYTHON) -m venv --clear .lowest
	.ci/lowest_constraints > .lowest/constraints.txt
	.lowest/bin/python -m pip install --quiet --disable-pip-version-check -c .lowest/constraints.txt \
	    '.[parquet,lheh5,hepmc,zstd]' pytest hypothesis
	OMP_NUM_THREADS=1 .lowest/bin/pytest -W default -p no:cacheprovider $(SMOKE)

changelog: $(VENV)/.dev  ## fragments of changes/ into CHANGELOG.md, `make changelog VERSION=0.2.0`; without VERSION, shown only
	$(BIN)/towncrier build $(if $(VERSION),--yes --version $(VERSION),--draft --version next)

dist: $(VENV)/.dev  ## source distribution and wheel, checked
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

stress: $(VENV)/.dev  ## hours: pulls of twenty known integrands, a hundred seeds each; runs and workers killed at any time; damaged event files
	$(BIN)/python benchmarks/pulls.py
	$(BIN)/python tests/core/killed_runs.py examples/ttbar-flow.yaml runs/killed --random 20 \
	    --set sampling.evaluations=40000 --set generate.events=5000 --set output.formats=[lhe]
	OMP_NUM_THREADS=1 CROSSHOOK_KILLS=20 $(BIN)/pytest tests/core/test_run_faults.py -k killed_workers
	$(BIN)/python tests/fuzz/event_files.py --minutes 30
	if $(BIN)/python -c 'import atheris' 2>/dev/null; then \
	    $(BIN)/python tests/fuzz/event_files.py --minutes 30 --engine atheris; fi

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) .integration .lowest .typing .mypy_cache .ruff_cache .pytest_cache .coverage build dist site runs *.egg-info
