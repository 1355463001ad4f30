# Everything a person or CI does here. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LISTEN ?= 127.0.0.1:50051
SEED ?= 1
RUNS ?= 10

# Go and Java are for their clients and for generated/ only: without one of them its part is named and skipped.
HAS = $(shell command -v $(1) 2>/dev/null)
GO_TOOLS := $(if $(call HAS,go),$(VENV)/.go)
JAVA_TOOLS := $(if $(and $(call HAS,javac),$(call HAS,mvn)),$(VENV)/.java)

.PHONY: help
help: ## list these commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.server ## simulated venues, the server, and a live table of quotes; Ctrl-C ends it all
	@exec $(BIN)/tickmux serve --demo --listen $(LISTEN)

.PHONY: test
test: check peers ## every check and every test
	@$(BIN)/python -m pytest

.PHONY: check
check: $(VENV)/.dev $(GO_TOOLS) $(JAVA_TOOLS) ## formatting, lint, types, layers, contract, drift of generated/
	@echo "ruff" && $(BIN)/ruff format --check --quiet && $(BIN)/ruff check --quiet
	@echo "mypy --strict" && $(BIN)/mypy --no-error-summary
	@echo "import-linter" && $(BIN)/lint-imports >$(VENV)/layers.log || { cat $(VENV)/layers.log; exit 1; }
	@echo "buf lint, format, breaking" && $(BIN)/buf lint && $(BIN)/buf format --diff --exit-code && $(BIN)/buf breaking --against proto/landed.binpb
	@echo "drift of generated/" && ./generated/generate.sh --check $(VENV)

.PHONY: generate
generate: $(VENV)/.dev $(GO_TOOLS) $(JAVA_TOOLS) ## rewrite generated/ from proto/
	@./generated/generate.sh $(VENV)

.PHONY: golden
golden: $(VENV)/.dev ## rewrite tests/golden from the recordings
	@$(BIN)/python -m tests.golden.produce --write

.PHONY: landed
landed: $(VENV)/.dev ## record the contract as landed, after the breaking check passed
	@test ! -e proto/landed.binpb || $(BIN)/buf breaking --against proto/landed.binpb
	@$(BIN)/buf build --as-file-descriptor-set --exclude-source-info -o proto/landed.binpb

.PHONY: robustness
robustness: $(VENV)/.dev ## let things go wrong, SEED=1 RUNS=10, and hold every promise against what was recorded
	@$(BIN)/python -m tests.robustness --seed $(SEED) --runs $(RUNS)

.PHONY: conformance
conformance: $(VENV)/.dev $(GO_TOOLS) $(JAVA_TOOLS) ## play every scenario to every client library, and print the matrix
	@$(BIN)/python -m tests.conformance

.PHONY: bench
bench: $(VENV)/.dev peers ## print the tables of benchmarks/
	@$(BIN)/python -m benchmarks

.PHONY: peers
peers: $(VENV)/.peers ## other people's venue clients, which the simulators are tested and the parsers measured against

.PHONY: pins
pins: $(VENV)/.dev ## resolve requirements*.txt anew from pyproject.toml
	@compile="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade"; \
	$$compile --extra server --extra simulators pyproject.toml -o requirements.txt; \
	$$compile --extra server --extra simulators --extra pandas --extra polars --group dev pyproject.toml -o requirements-dev.txt; \
	$$compile tests/peers/requirements.in -o tests/peers/requirements.txt

.PHONY: clean
clean: ## remove the environments and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Stamps: an environment is installed anew when its pins or the project's metadata change.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Tickmux needs Python 3.11 or later; this is " + sys.version.split()[0])'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.server: $(BIN)/python requirements.txt pyproject.toml
	@echo "installing the pinned requirements"
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps -e .
	@touch $@

$(VENV)/.dev: $(BIN)/python requirements-dev.txt pyproject.toml
	@echo "installing the pinned development requirements"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.server

$(VENV)/.peers: $(BIN)/python tests/peers/requirements.txt
	@echo "installing the peers, apart from our own environment"
	@test -x $(VENV)/peers/bin/python || $(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r tests/peers/requirements.txt
	@touch $@

$(VENV)/.go: go.mod go.sum go.tools.mod go.tools.sum | $(BIN)/python
	@echo "building the pinned tools for Go, and fetching the modules of its client"
	@go mod download
	@GOBIN="$(CURDIR)/$(VENV)/go" go install -modfile=go.tools.mod tool
	@touch $@

$(VENV)/.java: generated/java-generators.sha256 generated/fetch-java-generators.sh | $(BIN)/python
	@echo "fetching the pinned generators for Java"
	@./generated/fetch-java-generators.sh $(VENV)/java
	@touch $@
