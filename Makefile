# Each target is one command. `make demo` runs the platform without Docker, `make test` checks everything.
PYTHON ?= python3
UV ?= .uv/bin/uv
ALL = --all-extras --all-groups
# Whoever has everything keeps it. Never --inexact: what a package left behind shares files with its successor.
ML = $(if $(wildcard .venv/.all),$(ALL),--no-default-groups --extra ml)
# Compiled once here, or every Python process of a new environment would compile for itself.
export UV_COMPILE_BYTECODE := 1
# Tests that fit models side by side: threads that spin while they wait take the processors from each other.
export OMP_WAIT_POLICY := PASSIVE
# The commit goes into the images, model tags and manifests.
export CODE_VERSION ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools:$(PATH)

.PHONY: help demo up down logs token generate lint types unit without-ray with-ray random browser stack drills stack-drills test digests digests-check images scan bench bench-serving bench-front bench-prepare bench-batch bench-forecast bench-answers bench-replay bench-report bench-busy clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 16

.uv/bin/uv:
	@echo "Installing uv into .uv (once)"
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet 'uv>=0.9,<1'

# uv finds a Python of the version that pyproject.toml asks for, and fetches one where this machine has none.
define python
@$(UV) python find >/dev/null 2>&1 || $(UV) python install 3.13 || { echo \
	'Python 3.11, 3.12 or 3.13 is needed: here is none, and none could be fetched. Install one, then try again:'; echo \
	'  Debian, Ubuntu: apt install python3.12 (or 3.11, 3.13: what your release has)   macOS: brew install python@3.13'; \
	exit 1; } >&2
endef

.venv/.ml: uv.lock | .uv/bin/uv
	$(python)
	$(UV) sync --frozen $(ML)
	@touch $@

.venv/.all: uv.lock | .uv/bin/uv
	$(python)
	$(UV) sync --frozen $(ALL)
	@touch $@ .venv/.ml

demo: .venv/.ml ## Without Docker: sample data, four models, four live routes, one request
	turo demo

generate: .venv/.ml ## Write the synthetic sample into datas/
	turo generate

up: ## Build and start the whole stack, wait until it is healthy
	docker compose up -d --build --wait

down: ## Stop the stack; data, models and history stay
	docker compose down

logs: ## Follow the logs of all services
	docker compose logs -f --tail 50

token: ## Print the JupyterLab token
	docker compose exec jupyter cat /run/secrets/jupyter/token

lint: .venv/.all ## Every kind of file: Python, shell, Docker, YAML, workflows, rules
	.ci/lint

types: .venv/.all ## mypy
	mypy

# Two clusters of Ray at a time starve each other on a small machine. While the tests of one wait, those without run.
unit: .venv/.all ## Unit, contract and embedded tests, no Docker needed
	@$(MAKE) -k -j2 -O without-ray with-ray

without-ray: .venv/.all
	pytest -m 'not (stack or ray or slow or browser)'

with-ray: .venv/.all
	pytest -m '(ray or slow) and not (stack or browser)'

random: .venv/.all ## The state machine of the serving with other examples each time; a failure prints its steps
	pytest tests/serving/state_machine/test_platform_states.py --hypothesis-profile=at-random --timeout=1500

browser: .venv/.all ## The pages in a real browser; ARGS=--screenshots draws docs/images/ anew
	pytest tests/browser $(ARGS)

stack: .venv/.all ## The real compose stack, tested from outside (needs Docker)
	pytest -m stack tests/stack $(ARGS)

drills: .venv/.all ## On a real stack what breaks it: each service killed, paused; disks filled; models spoilt (needs Docker)
	pytest -m stack tests/drills $(ARGS)

# In one session, so that the stack is built and started once.
stack-drills: .venv/.all ## Both, one after the other on the same stack
	pytest -m stack tests/stack tests/drills $(ARGS)

test: .venv/.all ## Everything, but what `make stack` and `make drills` have for themselves as it takes long
	@$(MAKE) -j2 lint types
	@$(MAKE) unit
	@if python tests/support/real_browser.py; then $(MAKE) browser; \
	else echo 'The browser tests did not run; then run `make browser`.'; fi
	@if docker info >/dev/null 2>&1; then $(MAKE) stack-drills ARGS='-m "stack and not long"'; \
	else echo 'No Docker engine answers: stack tests and drills did not run. Start Docker and run `make stack-drills`.'; fi

# Every Compose file, each followed by its digests where `make digests` wrote them; any domain will do.
COMPOSE_ALL = TURO_DOMAIN=turo.example.com docker compose --profile '*' \
	$(foreach name,docker-compose docker-compose.tls,-f $(name).yml $(addprefix -f ,$(wildcard $(name).digests.yml)))

digests: .venv/.all ## Write the digest of every pinned image into docker-compose*.digests.yml (needs a registry)
	.ci/digests.py

digests-check: .venv/.all ## Does each tag still mean the digest that is written down
	.ci/digests.py --check

images: ## Build our images and pull the others, by digest where it is written down
	$(COMPOSE_ALL) build
	$(COMPOSE_ALL) pull --ignore-buildable

scan: .venv/.all ## What is in each image (sbom/), and holes of it that are severe and mended (needs syft, grype)
	.ci/scan.py $$($(COMPOSE_ALL) config --images)

bench: bench-prepare bench-batch bench-serving ## Every speed claim of the README

bench-prepare: .venv/.all ## Table preparation against pandas, one process, and on two nodes
	python benchmarks/prepare_bench.py
	python benchmarks/prepare_nodes.py

bench-serving: .venv/.all ## The routes against other model servers, and arrays against pipelines, explanations
	python benchmarks/serving_bench.py
	python benchmarks/serving_pipelines.py
	python benchmarks/serving_explain.py

bench-front: .venv/.all ## Pages of the front door, of 100 and of 5,000 vehicles
	python benchmarks/front_bench.py

bench-batch: .venv/.all ## A thousand rows in each form against the bare model
	python benchmarks/serving_batch.py

bench-forecast: .venv/.all ## Distributions of generated fleets against the process that made them, and of a real hotel's bookings
	python benchmarks/forecast_bench.py $(ARGS)
	python benchmarks/forecast_hotel.py

bench-answers: .venv/.all ## Chances and verdicts of the report against generated fleets, whose future is known
	python benchmarks/answers_calibration.py $(ARGS)
	python benchmarks/answers_pace.py

bench-replay: .venv/.all ## A year of Mondays of the sample fleet replayed on this machine
	python benchmarks/replay_bench.py $(ARGS)

bench-report: .venv/.all ## How long the report of 100 and of 5,000 vehicles takes, and how large it is
	python benchmarks/report_bench.py $(ARGS)

bench-busy: ## Answers while jobs run: p99 idle and during prepare_data, in the running stack
	docker compose exec -T ray python - $(ARGS) < benchmarks/serving_busy.py

clean: ## Remove what the demo and the tests left
	rm -rf demo sbom .pytest_cache .mypy_cache .ruff_cache .hypothesis
