# Every habit of the project as a target; `make` alone lists them.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON       ?= python3
VENV         := .venv
BIN          := $(VENV)/bin
REQUIRE_PYTHON = command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not there: install Python 3.11 or newer, or set PYTHON=…"; exit 1; }
STAMP        := $(VENV)/.installed
ARCHITECTURE ?= arm64
LAYER        := build/ecs_gitops-layer-$(ARCHITECTURE).zip
UNPACKED     := build/layer-$(ARCHITECTURE)
LAYER_PYTHON ?=
LAYER_PARTS  := $(shell find lambda_src/ecs_gitops -name '*.py') lambda_src/build_layer.py lambda_src/requirements.txt
CODE         := lambda_src local_aws examples/local tests
PYTEST       := $(BIN)/python -m pytest
WORKERS      ?= 2
# Tests on a local AWS wait most of their time.
STACKS       ?= 4
# Each worker has a local AWS of its own; the last file destroys what stands on the one that it runs on.
BY_FILE      := --dist loadfile --no-loadscope-reorder
export PYTHONPATH := lambda_src:local_aws/src:examples/local:tests

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: venv
venv: $(STAMP) ## create the virtual environment with the locked tools
# Only what the layer, and so an apply, does not need is asked for here.
# --no-deps: the lock is complete, and pip would look for newer versions of what has extras.
$(STAMP): requirements/dev.txt
	@$(REQUIRE_PYTHON)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed; set PYTHON=…"; exit 1; }
	@command -v terraform >/dev/null || { echo "terraform is not there: install Terraform 1.9 or newer"; exit 1; }
	@command -v git >/dev/null || { echo "git is not there"; exit 1; }
	@echo "virtual environment: installing locked tools into $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements/dev.txt
	@touch $@

.PHONY: layer
layer: $(LAYER) ## build the Lambda layer with Python alone (ARCHITECTURE=arm64 or x86_64; LAYER_PYTHON=python3.13 adds bytecode)
$(LAYER): $(LAYER_PARTS) build/.layer-python
	@$(REQUIRE_PYTHON)
	@$(PYTHON) lambda_src/build_layer.py --architecture $(ARCHITECTURE) $(if $(LAYER_PYTHON),--bytecode-with $(LAYER_PYTHON))

# Written when LAYER_PYTHON is another one than in the last build.
build/.layer-python: FORCE
	@mkdir -p build; echo '$(LAYER_PYTHON)' | cmp -s - $@ || echo '$(LAYER_PYTHON)' > $@
.PHONY: FORCE
FORCE:

.PHONY: demo
demo: $(STAMP) $(LAYER) ## the main job on this machine: apply, push, watch, change, break, destroy
	@$(BIN)/python -m playground.demo

.PHONY: local-up
local-up: $(STAMP) $(LAYER) ## keep the local AWS running to play with by hand
	@$(BIN)/python -m playground.demo up

.PHONY: local-watch
local-watch: $(STAMP) ## follow each release of what `make local-up` started, and show its notices
	@$(BIN)/python -m playground.demo watch

.PHONY: local-down
local-down: $(STAMP) ## end what `make local-up` started
	@$(BIN)/python -m playground.demo down

.PHONY: test
test: $(STAMP) $(LAYER) ## run every test: unit, integration, Terraform, end to end
	@$(PYTEST) tests/unit -m "not exhaustive" -n $(WORKERS) --cov --cov-report=term -q
	@$(PYTEST) tests/unit -m exhaustive -n $(WORKERS) -q
	@$(MAKE) --no-print-directory test-layer
	@$(PYTEST) local_aws/tests -n $(STACKS) --dist loadfile -q --durations=5
	@$(PYTEST) tests/terraform tests/contract tests/integration tests/e2e -n $(STACKS) $(BY_FILE) -v --durations=10

.PHONY: test-unit
test-unit: $(STAMP) ## run the unit and property tests alone
	@$(PYTEST) tests/unit -q

# The emulator pins another botocore than the layer has. `botocore`: the tests that depend on it.
.PHONY: test-layer
test-layer: $(STAMP) $(UNPACKED) ## run the unit tests that depend on botocore on the one that the layer ships
	@PYTHONPATH=$(PYTHONPATH):$(UNPACKED)/python ECS_GITOPS_TEST_PINS=lambda_src/requirements.txt $(PYTEST) tests/unit -m "botocore and not exhaustive" -n $(WORKERS) -q
$(UNPACKED): $(LAYER)
	@rm -rf $@
	@$(PYTHON) -m zipfile -e $(LAYER) $@
	@touch $@

.PHONY: bench
bench: $(STAMP) $(LAYER) ## measure releases on the local AWS against ECS's own time (more than an hour; BENCH=--quick: five minutes)
	@$(BIN)/python -m bench $(BENCH)

.PHONY: soak
soak: $(STAMP) $(LAYER) ## thousands of releases under faults, in memory and on the local AWS
	@$(BIN)/python -m soak

.PHONY: mutations
mutations: $(STAMP) ## break each rule of what releases remember, each alone, and see whether the model notices
	@$(BIN)/python -m mutations

.PHONY: fuzz
fuzz: $(STAMP) ## the worst manifests and events, then hostile ones, images and texts for a minute (SECONDS=60)
	@$(BIN)/python -m worst_cases manifests all
	@$(BIN)/python -m worst_cases events all
	@$(BIN)/python -m fuzz --seconds $(or $(SECONDS),60)

.PHONY: lint
lint: $(STAMP) ## ruff, mypy, import contracts, terraform fmt, state machine lint
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@terraform fmt -check -recursive .
	@$(BIN)/python -m lint_state_machine

.PHONY: fmt
fmt: $(STAMP) ## format Python and Terraform
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)
	@terraform fmt -recursive .

.PHONY: check
check: lint test ## what CI runs

.PHONY: docs
docs: $(STAMP) ## write the published JSON Schema
	@$(BIN)/python -m ecs_gitops schema > docs/deployment.schema.json

.PHONY: lock
lock: ## pin the newest allowed versions, with hashes (needs uv)
	uv pip compile --upgrade --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q requirements/dev.in -o requirements/dev.txt
	uv pip compile --upgrade --python-version 3.13 --python-platform aarch64-manylinux2014 --generate-hashes --no-header --no-emit-index-url -q lambda_src/requirements.in -o lambda_src/requirements.txt

.PHONY: clean
clean: ## remove what the targets made
	@rm -rf $(VENV) build .local .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
