# The study and its tests on a machine with Python >= 3.11 and make; the environment is made in VENV.

PYTHON ?= python3
VENV ?= .venv
CONFIG ?= config/config.yaml
CORES ?= all
REPORT ?= results/report.zip

export PATH := $(abspath $(VENV))/bin:$(PATH)

.PHONY: reproduce status report test test-all check coverage mutation

reproduce: $(VENV)/installed
	@infoplane check $(CONFIG)
	snakemake --cores $(CORES) --configfile $(CONFIG) --keep-going --rerun-incomplete --show-failed-logs

status: $(VENV)/installed
	@infoplane status $(CONFIG)

report: $(VENV)/installed
	snakemake --cores 1 --configfile $(CONFIG) --report $(REPORT)

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

mutation: $(VENV)/installed-dev
	tests/mutation.sh entropy tests/test_entropy.py tests/information/test_arrays.py
	tests/mutation.sh networks/quantization tests/networks/test_quantization.py
	tests/mutation.sh information/binning tests/information/test_binning.py tests/information/test_estimators.py
	tests/mutation.sh information/corrections tests/information/test_corrections.py
	tests/mutation.sh information/estimators tests/information/test_estimators.py tests/information/test_estimate.py
	tests/mutation.sh information/estimate tests/information/test_estimate.py
	tests/mutation.sh statistics/inference tests/test_inference.py \
	    -k "not (equal_effects or agree or mirrored or unit or TestErrorRates)"
	tests/mutation.sh statistics/phases tests/test_statistics.py \
	    -k "TestPhases and not (onset_is_there or constant_added)"
	tests/mutation.sh statistics/errors tests/test_errors.py -k "TestErrors or TestViolations"
	tests/mutation.sh statistics/aggregates tests/test_statistics.py -k "not (TestPhases or paper_scale)"
	tests/mutation.sh statistics/chunks tests/test_statistics_tables.py \
	    -k "any_chunking or row_by_row or only_the_given or (TestRefusals and (specs or other_data or overlapping))"
	tests/mutation.sh statistics/tables tests/test_statistics_tables.py tests/test_claims_tables.py tests/test_errors.py \
	    tests/test_tradeoff.py -k "not (aggregates_are_by_part or phases_are_those or row_by_row or chunks_on or chunks_of \
	    or overlapping or every_claim or what_the_runs_say or help or a_user_may or loop_finds or of_equal_runs \
	    or perfect_order or rho_is or resampled_runs or TestNetworks)"
	tests/mutation.sh statistics/tradeoff tests/test_tradeoff.py
	tests/mutation.sh statistics/cells tests/test_cells.py tests/test_claims.py tests/test_claims_tables.py \
	    -k "not (TestTrace or as_sets or any_order)"
	tests/mutation.sh statistics/claims tests/test_cells.py tests/test_claims.py tests/test_claims_tables.py \
	    -k "not (TestTrace or as_sets or any_order)"

check: $(VENV)/installed-dev
	ruff check
	ruff format --check
	snakefmt --check Snakefile workflow
	snakemake --lint
	mypy

$(VENV)/installed-dev: extras := [cluster,dev]

$(VENV)/installed $(VENV)/installed-dev: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("infoplane needs Python 3.11 or newer; name one with PYTHON=")'
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	pip install --quiet --constraint constraints.txt --editable .$(extras)
	touch $@
