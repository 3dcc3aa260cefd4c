# What a person types here; `make help` lists it. Nothing is needed beforehand but Python 3.11 and make.
PYTHON ?= python3
VENV ?= .venv
DVC_VENV ?= .venv-dvc
FRAMEWORKS_VENV ?= .venv-frameworks
TENSORFLOW_VENV ?= .venv-tensorflow
READERS_VENV ?= .venv-readers
BENCH_VENV ?= .venv-bench
LOADER_BENCH_VENV ?= .venv-bench-loader
PYTEST_OPTIONS ?=
# Tests run in one process a core; each keeps kernels of its own, some hundred megabytes. `make test TEST_PROCESSES=0` runs them in one.
TEST_PROCESSES ?= logical --maxprocesses=4
BENCH_OPTIONS ?=
CHAOS_ROUNDS ?= 50
CHAOS_SEED ?= 0
QUICKSTART := datasets/quickstart

# One minor version of each, so that an environment made today and one made next month run the same tests.
DVC_REQUIREMENT := dvc>=3.67.1,<4
FRAMEWORKS_REQUIREMENTS := 'torch>=2.13,<2.14' 'jax>=0.10,<0.11' 'sympy>=1.14,<1.15' 'lightning>=2.6,<2.7' 'datasets>=5.2,<5.3' 'grain>=0.2.18,<0.3'
TENSORFLOW_REQUIREMENT := 'tensorflow-cpu>=2.21,<2.22'
# What others read published datasets with, in the versions that were tried.
READERS_REQUIREMENTS := 'datasets>=5.2,<5.3' 'mlcroissant>=1.1.1,<1.2' 'rocrate>=0.16,<0.17' 'datacite>=1.4.1,<1.5' 'dysts==0.96'

PIP := -m pip --disable-pip-version-check --quiet --quiet
INSTALLED := $(VENV)/.installed
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup browser demo test test-frameworks test-tensorflow test-readers test-integration test-chaos bench bench-engine bench-reach bench-loader lint format repro wheel clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf '  make %-16s %s\n' "$$name" "$$what"; done

setup: $(INSTALLED) ## the environment .venv with the package, editable, and its tools

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Attractory needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 2; }
	@echo "Setting up $(VENV) (once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python $(PIP) install --editable '.[pipeline,certify,cluster,dashboard,s3,test]'
	@touch $@

$(DVC_VENV)/.installed: Makefile
	@echo "Setting up $(DVC_VENV) (once) …"
	@$(PYTHON) -m venv $(DVC_VENV)
	@$(DVC_VENV)/bin/python $(PIP) install '$(DVC_REQUIREMENT)'
	@touch $@

# The tests of `attractory gallery` look at its site in Debian's Chromium, and are skipped where there is none.
browser: ## Debian's Chromium and its driver, as root, for the tests that look at pages
	@if ! { command -v chromium && command -v chromedriver; } >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium chromium-driver >/dev/null; fi
	@command -v chromium

# The package itself is read from the checkout, so that one such environment serves several checkouts.
$(FRAMEWORKS_VENV)/.installed: Makefile pyproject.toml
	@echo "Setting up $(FRAMEWORKS_VENV): torch is large, this takes minutes (once) …"
	@$(PYTHON) -m venv $(FRAMEWORKS_VENV)
	@$(FRAMEWORKS_VENV)/bin/python $(PIP) install $(FRAMEWORKS_REQUIREMENTS) numpy zarr fsspec pydantic ruamel.yaml pytest hypothesis
	@touch $@

# Installed without what they ask for: the_well wants an fsspec of 2024, cffconvert a jsonschema that does not know DataCite's draft.
$(READERS_VENV)/.installed: Makefile
	@echo "Setting up $(READERS_VENV): torch is large, this takes minutes (once) …"
	@$(PYTHON) -m venv $(READERS_VENV)
	@$(READERS_VENV)/bin/python $(PIP) install $(READERS_REQUIREMENTS) 'torch>=2.13,<2.14' h5py einops pyyaml xarray \
	    'jsonschema>=4.26' pykwalify requests ruamel.yaml click pytest
	@$(READERS_VENV)/bin/python $(PIP) install --no-deps 'the_well==1.2.0' 'cffconvert==2.0.0'
	@touch $@

demo: setup ## catalog -> store -> report -> published folder -> one epoch of batches
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" bash examples/demo.sh $(QUICKSTART)

test: setup $(DVC_VENV)/.installed ## the tests that need no framework
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" DVC="$(CURDIR)/$(DVC_VENV)/bin/dvc" $(VENV)/bin/python -m pytest --numprocesses=$(TEST_PROCESSES) --dist=worksteal $(PYTEST_OPTIONS)

$(TENSORFLOW_VENV)/.installed: Makefile pyproject.toml
	@echo "Setting up $(TENSORFLOW_VENV) (once) …"
	@$(PYTHON) -m venv $(TENSORFLOW_VENV)
	@$(TENSORFLOW_VENV)/bin/python $(PIP) install $(TENSORFLOW_REQUIREMENT) numpy zarr fsspec pytest hypothesis
	@touch $@

# torch and JAX do not share a process well: one after the other. SymPy (which torch brings) wants an older mpmath than `certify` does.
test-frameworks: $(FRAMEWORKS_VENV)/.installed ## the tests that need torch, jax, what builds on them, or sympy, in an environment of their own
	@PYTHONPATH=pipeline $(FRAMEWORKS_VENV)/bin/python -m pytest $(PYTEST_OPTIONS) $(addprefix tests_frameworks/test_,torch.py lightning.py huggingface.py)
	@PYTHONPATH=pipeline $(FRAMEWORKS_VENV)/bin/python -m pytest $(PYTEST_OPTIONS) $(addprefix tests_frameworks/test_,jax.py grain.py)
	@PYTHONPATH=pipeline $(FRAMEWORKS_VENV)/bin/python -m pytest $(PYTEST_OPTIONS) tests_frameworks/test_sympy.py

test-tensorflow: $(TENSORFLOW_VENV)/.installed ## the tests that need TensorFlow, which is large and slow to start: not part of .ci/run
	@PYTHONPATH=pipeline $(TENSORFLOW_VENV)/bin/python -m pytest $(PYTEST_OPTIONS) tests_frameworks/test_tf.py
# Attractory is not in that environment: its readers see what a stranger sees. Our own one publishes for them.
test-readers: setup $(READERS_VENV)/.installed ## a published dataset, read by the real datasets, the_well, mlcroissant, dysts and others
	@PUBLISHER="$(CURDIR)/$(VENV)/bin/python" $(READERS_VENV)/bin/python -m pytest $(PYTEST_OPTIONS) tests_readers

# As root on Debian, what is missing is installed; elsewhere, tests that lack something are skipped and say what.
test-integration: setup ## one recipe through a real SLURM and MPI, started by the tests
	@bash tests/integration/install $(VENV)
	@$(VENV)/bin/python -m pytest tests/integration -rs $(PYTEST_OPTIONS)

# CHAOS_ROUNDS=5 for a shorter one; CHAOS_SEED=1 for other moments. Some minutes; a full disk is tried as root alone.
test-chaos: setup ## runs that are killed, find the disk full, or are damaged: fifty rounds and every moment
	@$(VENV)/bin/python tests/chaos/rounds.py --rounds $(CHAOS_ROUNDS) --seed $(CHAOS_SEED)
	@$(VENV)/bin/python tests/chaos/moments.py kill full repair --every 1
	@$(VENV)/bin/python -W ignore tests/chaos/publishing.py --to folder
	@$(VENV)/bin/python -W ignore tests/chaos/publishing.py --to s3
	@$(VENV)/bin/python -m pytest tests/integration/test_full_disk.py -rs $(PYTEST_OPTIONS)

$(BENCH_VENV)/.installed: Makefile pyproject.toml benchmarks/requirements.txt
	@echo "Setting up $(BENCH_VENV) with the programs to measure beside (once) …"
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python $(PIP) install --editable '.[pipeline]' --requirement benchmarks/requirements.txt
	@touch $@

bench: $(BENCH_VENV)/.installed ## speed and memory beside other programs, one core
	@$(BENCH_VENV)/bin/python benchmarks/run.py $(BENCH_OPTIONS)

bench-engine: $(BENCH_VENV)/.installed ## the engine beside other integrators at equal error, and its parts; some 25 minutes
	@$(BENCH_VENV)/bin/python benchmarks/bench_engine.py $(BENCH_OPTIONS)

bench-reach: $(BENCH_VENV)/.installed ## delays, maps, switches and more digits beside other programs; some 5 minutes
	@$(BENCH_VENV)/bin/python benchmarks/reach.py $(BENCH_OPTIONS)

$(LOADER_BENCH_VENV)/.installed: Makefile pyproject.toml benchmarks/requirements-loader.txt
	@echo "Setting up $(LOADER_BENCH_VENV) with the readers to measure beside: torch is large, this takes minutes (once) …"
	@$(PYTHON) -m venv $(LOADER_BENCH_VENV)
	@$(LOADER_BENCH_VENV)/bin/python $(PIP) install --editable '.[pipeline]' --requirement benchmarks/requirements-loader.txt
	@$(LOADER_BENCH_VENV)/bin/python $(PIP) install --no-deps 'the_well==1.2.0'
	@touch $@

bench-loader: $(LOADER_BENCH_VENV)/.installed ## the loader beside other readers on the same numbers, one core; some 5 minutes
	@$(LOADER_BENCH_VENV)/bin/python benchmarks/loader.py --keep $(BENCH_OPTIONS)

lint: setup ## ruff, mypy and the import contracts
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo

format: setup ## let ruff format the code and mend what it can
	@$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format .

repro: setup $(DVC_VENV)/.installed ## every dataset of params.yaml, as DVC stages: only what changed runs
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(DVC_VENV)/bin/dvc repro

wheel: setup ## dist/attractory-*.whl
	@$(VENV)/bin/python $(PIP) wheel --no-deps --wheel-dir dist .

clean: ## caches and builds; never environments or datasets
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
