# The study and its tests on a machine with Python >= 3.11 and make; the environment is made in VENV.

PYTHON ?= python3
VENV ?= .venv
CONFIG ?= config/config.yaml
CORES ?= all
REPORT ?= results/report.zip

export PATH := $(abspath $(VENV))/bin:$(PATH)

.PHONY: reproduce status report test test-all check

reproduce: $(VENV)/installed
	@infoplane check $(CONFIG)
	snakemake --cores $(CORES) --configfile $(CONFIG) --keep-going --rerun-incomplete --show-failed-logs

status: $(VENV)/installed
	@infoplane status $(CONFIG)

report: $(VENV)/installed
	snakemake --cores 1 --configfile $(CONFIG) --report $(REPORT)

test: $(VENV)/installed-dev
	pytest -m "not slow"

test-all: $(VENV)/installed-dev
	pytest

check: $(VENV)/installed-dev
	ruff check
	ruff format --check
	snakefmt --check Snakefile workflow
	snakemake --lint
	mypy

$(VENV)/installed-dev: extras := [cluster,dev]

$(VENV)/installed $(VENV)/installed-dev: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("infoplane needs Python 3.11 or newer; name one with PYTHON=")'
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	pip install --quiet --editable .$(extras)
	touch $@
