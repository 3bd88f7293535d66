# `make` lists what there is. Everything runs in the virtual environment .venv, which is made when it is missing.

VENV := .venv
BIN := $(VENV)/bin
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# The interpreter: that of the environment, else the first that fits; name one with `make PYTHON=/path/to/python3.12 ...`.
PYTHON ?= $(shell for name in $(BIN)/python python3.11 python3.12 python3.13 python3; do \
	"$$name" -c '$(FITS)' >/dev/null 2>&1 && { command -v "$$name"; break; }; done)
UV ?= $(BIN)/uv
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header
LOCK := $(COMPILE) pyproject.toml
# Half of the tests' time is waiting; files share what is costly to start, so each goes to one process as a whole.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
LABELS = --build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse HEAD) \
	$(if $(PYTHON_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE))
TAG ?= $(VERSION)
DEVICE ?= cpu

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo up client async-client test quick lint format bench bench-bulk bench-scale bench-models chaos corpus fuzz proofs screenshots compose-test images release lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: for-running ## Install, start everything, make digits and a stylized photo in demo-output/
	@$(BIN)/atelier demo

up: for-running ## Run everything on this machine until Ctrl-C
	@exec $(BIN)/atelier up

client: for-running ## Build the Python client's wheel for other projects; leaves it in dist/
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
		--wheel-dir dist clients/python
	@ls dist/atelier_client-*.whl

async-client: for-testing ## Make the asynchronous client from the synchronous one, after a change of that
	@$(BIN)/python clients/python/async_client

quick: lint ## Check code, types and import contracts, and run the quick tests
	@exec $(PYTEST) -m "not slow"

test: lint ## Check code, types and import contracts, and run all tests
	@exec $(PYTEST)

chaos: for-testing ## Break everything at random for 40 minutes; 10,000 jobs, 10 seeds. OUT=file keeps the table
	@exec $(BIN)/python -m tests.chaos --jobs 1000 --seeds 1..10 $(if $(OUT),--out "$(OUT)")

fuzz: for-testing ## Attack a real service: 20,000 requests, 10,000 spoiled pictures, 16,000 hostile texts
	@$(BIN)/python -m tests.security.fuzz
	@exec $(BIN)/python -m pytest --hypothesis-profile=explore tests/api/requests/test_request_fuzz.py

lint: for-testing ## Check code, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --explicit-package-bases bench
	@$(BIN)/mypy --config-file= --strict deploy/install/*.py
	@$(BIN)/mypy --config-file= --strict deploy/release/*.py
	@$(BIN)/mypy --config-file= --strict clients/python/async_client/*.py
	@$(BIN)/lint-imports

format: for-testing ## Bring the code into its one form
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

bench: for-testing ## Measure the service; prints ratios
	@$(BIN)/python -m bench.service.overhead
	@$(BIN)/python -m bench.service.pipeline
	@$(BIN)/python -m bench.service.footprint

bench-bulk: for-testing ## Measure batches against other ways to do bulk work; prints ratios, in 12 minutes
	@$(BIN)/python -m bench.bulk

bench-scale: for-testing ## Measure 1 to 4 workers before 100 to 100,000 waiting items; draws docs/images/scale.png
	@$(BIN)/python -m bench.service.scale

bench-models: for-testing ## Measure the models; prints ratios. MNIST=file.npz adds the digits' quality
	@$(BIN)/python -m bench.models.stylize
	@$(BIN)/python -m bench.models.precision
	@$(BIN)/python -m bench.models.generate
	@$(BIN)/python -m bench.models.large
	@test -z "$(MNIST)" || $(BIN)/python -m bench.models.gan_quality --data "$(MNIST)"

screenshots: for-testing ## Take pictures of every state of the page into docs/images/page/; needs chromium
	@$(BIN)/python -m tests.web.screenshots --all --output docs/images/page
	@$(BIN)/python -m tests.web.panels.screenshots --all --output docs/images/page

corpus: for-testing ## Compare thousands of pictures of all kinds at strength 0 with what Pillow shows of them
	@exec $(BIN)/python -m tests.corpus

proofs: for-testing ## Take out what holds each promise, and see its test fail; takes long
	@exec $(BIN)/python -m tests.proofs

compose-test: for-testing ## Run the compose stack and test it; needs a Docker engine
	@exec $(BIN)/python -m pytest -m compose tests/compose

images: ## Build the images atelier-api and atelier-worker; DEVICE=gpu builds atelier-worker-gpu. TAG=name
	docker build $(LABELS) --file deploy/docker/api.Dockerfile --tag atelier-api:$(TAG) .
	docker build $(LABELS) --build-arg DEVICE=$(DEVICE) --file deploy/docker/worker.Dockerfile \
		--tag atelier-worker$(if $(filter gpu,$(DEVICE)),-gpu):$(TAG) .

release: for-testing ## Build sources, wheels, lists of packages and checksums of this version into dist/
	@$(BIN)/python deploy/release dist

lock: ## Resolve the dependencies again, to their newest releases within pyproject.toml
	@test -x "$(UV)" || { echo "There is no $(UV) yet: run make lint first, or name one: make UV=/path/to/uv lock" >&2; exit 1; }
	$(LOCK) --extra dev --output-file requirements/dev.txt
	$(LOCK) --extra worker --constraint requirements/dev.txt --output-file requirements/worker.txt
	$(LOCK) --constraint requirements/dev.txt --output-file requirements/api.txt
	$(LOCK) --extra worker --extra gpu --constraint requirements/worker.txt --output-file requirements/worker-gpu.txt
	sed -n 's/^tensorflow==\([^ ]*\).*/tensorflow-cpu==\1/p' requirements/worker.txt \
		| $(COMPILE) --no-deps - --output-file requirements/tensorflow-cpu.txt
	UV="$(UV)" deploy/check-locks

clean: ## Remove what building and testing leave behind; keeps .venv and .atelier
	rm -rf build dist *.egg-info .venv-* demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find api worker shared atelier tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# Both do nothing where the environment holds what the locks say. They say what to do where it cannot.
.PHONY: for-running for-testing python which-python
which-python:
	@echo "$(PYTHON)"

for-running: python
	@"$(PYTHON)" deploy/install "$(VENV)" requirements/worker.txt

for-testing: python
	@"$(PYTHON)" deploy/install "$(VENV)" requirements/dev.txt

python:
	@"$(or $(PYTHON),false)" -c '$(FITS)' 2>/dev/null || { \
		echo "Atelier needs Python 3.11, 3.12 or 3.13, and $(or $(PYTHON) is not one of them,none was found)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12 demo" >&2; exit 1; }
