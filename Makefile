# The study and its tests on a machine with Python >= 3.11 and make; the environment is made in VENV.

PYTHON ?= python3
VENV ?= .venv
CONFIG ?= config/config.yaml
CORES ?= all
REPORT ?= results/report.zip
BUNDLE ?= results/$(basename $(notdir $(CONFIG))).zip

export PATH := $(abspath $(VENV))/bin:$(PATH)

.PHONY: reproduce status report paper test test-all check docs coverage mutation

reproduce: $(VENV)/installed
	@infoplane check $(CONFIG)
	snakemake --cores $(CORES) --configfile $(CONFIG) --keep-going --rerun-incomplete --show-failed-logs

status: $(VENV)/installed
	@infoplane status $(CONFIG)

# Snakemake's report, and the index of the study with all that it links to.
report: $(VENV)/installed
	snakemake --cores 1 --configfile $(CONFIG) --report $(REPORT)
	infoplane bundle $(CONFIG) --output $(BUNDLE)

# The paper of the study, typeset from its tables and figures: paper.pdf in its folder of results.
paper: $(VENV)/installed
	infoplane paper $(CONFIG)

test: $(VENV)/installed-dev
	pytest -n 2 --dist loadfile -m "not slow"

test-all: $(VENV)/installed-dev
	pytest -n 2 --dist loadfile

# What Numba compiles cannot be seen: the kernels are left out.
coverage: $(VENV)/installed-dev
	coverage erase
	coverage run -m pytest -m "not slow" --hypothesis-profile=ci --ignore tests/cluster
	coverage combine --quiet
	coverage report
	@coverage json --quiet -o - | python tests/lines_and_branches.py

# The modules that decide results; one alone: make mutation MODULES=statistics/phases
MODULES ?= entropy networks/quantization $(addprefix information/,binning corrections estimators estimate) \
    $(addprefix statistics/,$(basename $(notdir $(filter-out %/__init__.py,$(wildcard src/infoplane/statistics/*.py)))))

mutation: $(VENV)/installed-dev
	set -e; for module in $(MODULES); do tests/mutation.sh $$module; done

check: $(VENV)/installed-dev
	ruff check
	ruff format --check
	lint-imports --no-logo
	snakefmt --check Snakefile workflow
	snakemake --lint
	mypy

# The documentation site, in build/site; a broken link or a warning is an error.
docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

$(VENV)/installed: extras := [paper,study]
$(VENV)/installed-dev: extras := [cluster,dev,docs]

$(VENV)/installed $(VENV)/installed-dev: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("infoplane needs Python 3.11 or newer; name one with PYTHON=")'
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	pip install --quiet --constraint constraints.txt --editable .$(extras)
	touch $@
