# make demo and make test set everything up by themselves; see README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test check lint peers kernels clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml firmware/stubs.lock
	@echo 'Setting up $(VENV): two minutes or so, the first time'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target typings --require-hashes -r firmware/stubs.lock
	$(BIN)/python -m midge.virtual.interpreter
	touch $@

demo: setup
	$(BIN)/midge demo gesture

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file firmware/mypy.ini

# A file's tests stay together: they share boards and models that are slow to make.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile

test: setup lint
	$(BIN)/pytest $(PARALLEL)

check: test
	HYPOTHESIS_PROFILE=deep $(BIN)/pytest -m check

# What neighbours cost on the same work: their packages go into a folder of their own.
PEERS := build/peers
peers: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.txt
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --no-build-isolation --require-hashes --dest $(PEERS) -r benchmarks/sources.txt
	$(BIN)/python benchmarks/peers.py

# After changes of firmware/native, with clang-22 for ESP32 (Debian, Ubuntu: apt-get install clang-22): what tables
# are linked with.
kernels: setup
	$(BIN)/python -m midge.compile.kernels_build

clean:
	rm -rf $(VENV) typings build dist .pytest_cache .mypy_cache .ruff_cache
