# `make` lists what there is. Everything runs in the virtual environment .venv, which is made when it is missing.

VENV := .venv
BIN := $(VENV)/bin
# The interpreter for the virtual environment; name another with `make PYTHON=/path/to/python3.12 ...`.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	"$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 \
	&& { command -v "$$name"; break; }; done)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo up test lint format bench bench-bulk bench-scale bench-models proofs compose-test lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.worker-installed ## Install, start everything, make digits and a stylized photo in demo-output/
	@$(BIN)/atelier demo

up: $(VENV)/.worker-installed ## Run everything on this machine until Ctrl-C
	@exec $(BIN)/atelier up

test: lint ## Check code, types and import contracts, and run all tests
	@exec $(BIN)/python -m pytest

chaos: $(VENV)/.dev-installed ## Break everything at random for 40 minutes; 10,000 jobs, 10 seeds. OUT=file keeps the table
	@exec $(BIN)/python -m tests.chaos --jobs 1000 --seeds 1..10 $(if $(OUT),--out "$(OUT)")

lint: $(VENV)/.dev-installed ## Check code, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.dev-installed ## Bring the code into its one form
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev-installed ## Measure the service; prints ratios
	@$(BIN)/python -m bench.overhead
	@$(BIN)/python -m bench.pipeline
	@$(BIN)/python -m bench.footprint

bench-bulk: $(VENV)/.dev-installed ## Measure batches against other ways to do bulk work; prints ratios, in 12 minutes
	@$(BIN)/python -m bench.bulk

bench-scale: $(VENV)/.dev-installed ## Measure 1 to 4 workers before 100 to 100,000 waiting items; draws docs/images/scale.png
	@$(BIN)/python -m bench.scale

bench-models: $(VENV)/.dev-installed ## Measure the models; prints ratios. MNIST=file.npz adds the digits' quality
	@$(BIN)/python -m bench.stylize
	@$(BIN)/python -m bench.generate
	@$(BIN)/python -m bench.large
	@test -z "$(MNIST)" || $(BIN)/python -m bench.gan_quality --data "$(MNIST)"

proofs: $(VENV)/.dev-installed ## Take out what holds each promise, and see its test fail; takes long
	@exec $(BIN)/python -m tests.proofs

compose-test: $(VENV)/.dev-installed ## Run the compose stack and test it; needs a Docker engine
	@exec $(BIN)/python -m pytest -m compose tests/compose

lock: ## Resolve the dependencies anew, within pyproject.toml; needs uv
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/" >&2; exit 1; }
	$(LOCK) --extra dev --output-file requirements/dev.txt
	$(LOCK) --extra worker --constraint requirements/dev.txt --output-file requirements/worker.txt
	$(LOCK) --constraint requirements/dev.txt --output-file requirements/api.txt

clean: ## Remove what building and testing leave behind; keeps .venv and .atelier
	rm -rf build dist *.egg-info demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find api worker shared atelier tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Atelier needs Python 3.11, 3.12 or 3.13, and none was found." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.worker-installed: requirements/worker.txt pyproject.toml | $(VENV)/.made
	@echo "installing what Atelier needs to run (TensorFlow is large: this can take minutes)"
	@$(PIP) --require-hashes -r requirements/worker.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev-installed: requirements/dev.txt pyproject.toml | $(VENV)/.made
	@echo "installing what Atelier needs to run and to be tested"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.worker-installed
