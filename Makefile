# Every target first builds the environment that it needs, once, with venv and pip.

PYTHON ?= $(shell python3.11 -c "print('python3.11')" 2>/dev/null || echo python3)
BIN := .venv/bin
OLDEST := .venv-oldest/bin
INSTALL := -m pip install --quiet --quiet --disable-pip-version-check
JOBS ?= 2
DEMO ?= vitrax-demo
# Looking for tests in the others takes longer than these.
FLOAT32 := $(shell grep -rlE "mark[.]float32" tests)

# VITRAX_TEST_PLATFORM=gpu make test: the tests run on the GPU, those that need one too.
ifeq ($(VITRAX_TEST_PLATFORM),gpu)
READY := .venv/.installed .venv/.installed-gpu
FAST := not slow
ALL := slow or not slow
else
READY := .venv/.installed
FAST := not slow and not gpu
ALL := not gpu
endif

.PHONY: help setup demo test test-all test-oldest lint bench docs check lock clean

help:
	@echo "make setup        build .venv"
	@echo "make demo         simulate images of apoferritin and write a report"
	@echo "make test         all fast tests, then some in single precision"
	@echo "make test-all     the slow tests too"
	@echo "make test-oldest  the fast tests on the oldest versions allowed"
	@echo "make lint         format, lint, import order, types"
	@echo "make bench        speed, as ratios"
	@echo "make docs         build site/ from docs/"
	@echo "make check        lint, test and docs"
	@echo "make lock         resolve requirements/dev.txt anew"

setup: $(READY)

demo: $(READY)
	@$(BIN)/vitrax demo $(DEMO) --overwrite

test: $(READY)
	$(BIN)/pytest -q -n $(JOBS) -m "$(FAST)"
	JAX_ENABLE_X64=0 $(BIN)/pytest -q -n $(JOBS) -m "float32 and ($(FAST))" $(FLOAT32)

test-all: $(READY)
	$(BIN)/pytest -q -n $(JOBS) -m "$(ALL)"
	JAX_ENABLE_X64=0 $(BIN)/pytest -q -n $(JOBS) -m "float32 and ($(ALL))" $(FLOAT32)

test-oldest: .venv-oldest/.installed
	$(OLDEST)/pytest -q -n $(JOBS) -m "not slow and not gpu"

lint: $(READY)
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/lint-imports
	$(BIN)/pyright

bench: $(READY)
	$(BIN)/python benchmarks/compare.py

docs: $(READY)
	$(BIN)/python docs/build.py

check: lint test docs

# The lock is what pip serves today for the extras `dev` and `docs`.
lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python $(INSTALL) ".[dev,docs]"
	{ echo "# Development environment, exact. Written by \`make lock\`; installed by every other target."; \
	  build/lock/bin/python -m pip freeze --exclude vitrax; } > requirements/dev.txt
	rm -rf build/lock

clean:
	rm -rf .venv .venv-oldest build site

.venv/.installed: requirements/dev.txt pyproject.toml
	@echo "Building .venv (a minute or two, once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python $(INSTALL) --no-deps -r requirements/dev.txt
	@$(BIN)/python $(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed-gpu: .venv/.installed requirements/gpu.txt
	@echo "Adding the GPU's packages to .venv (a minute or two, once) ..."
	@$(BIN)/python $(INSTALL) --no-deps -r requirements/gpu.txt
	@touch $@

.venv-oldest/.installed: requirements/oldest.txt pyproject.toml
	@echo "Building .venv-oldest (a minute or two, once) ..."
	@$(PYTHON) -m venv .venv-oldest
	@$(OLDEST)/python $(INSTALL) --no-deps -r requirements/oldest.txt
	@$(OLDEST)/python $(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@
