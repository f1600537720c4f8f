# Every target works from a fresh clone: it makes the environment that it needs from a hashed lock.
# An environment is made anew when its lock has changed, else it's used as it stands.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help serve test lint check format train bench bench-engines bench-serving soak fuzz gateway-soak gameday \
	compat certificate base-test container-test ray-test ray-bench sbom equal-builds audit lock clean

# Installed without bytecode, which pip would make of all; Python keeps what it made of what it used.
export PYTHONDONTWRITEBYTECODE :=

PORT ?= 8000
CONFIG ?= configs/pets.toml
DATA ?= data/pets
RUN ?= runs/pets
CONTAINER ?= ../shared/tools/container
# Tests of these run first, two at a time: no engine has touched the floating-point state of their processes.
FIRST := tests/core tests/nn tests/store
# Tests of these start real servers and browsers, and some measure time: they run one by one, after all others. Of the
# other three it doesn't matter how long they take.
ALONE := $(filter-out $(patsubst %,tests/e2e/test_%.py,readme shipped_model windows),$(wildcard tests/e2e/test_*.py)) \
	tests/fuzz tests/web
PAIRED := --numprocesses=2 --dist=loadgroup --no-loadscope-reorder
covered = $(if $(COVERAGE),--cov $(1) --cov-report= --cov-fail-under=0)
UV_VERSION := 0.13.9

# The first of these commands that runs, is of a supported version and can make environments.
PROBE := import ensurepip, ssl, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifndef PYTHON
PYTHON = $(eval PYTHON := $(shell for python in $$(type -ap python3.11 python3.12 python3.13 python3); do \
	"$$python" -c '$(PROBE)' 2>/dev/null && { echo "$$python"; break; }; done))$(PYTHON)
endif
require_python = $(if $(PYTHON),,$(error No usable Python: install Python 3.11, 3.12 or 3.13 with its venv \
	module (on Debian: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python))

# $(call environment,FOLDER,LOCK): FOLDER holds what requirements/LOCK.txt lists, and nothing else.
define environment
	@$(require_python)stamp="$(1)/.$(2)-$$(cksum <requirements/$(2).txt | tr ' ' -)"; \
	if [ ! -e "$$stamp" ] || ! $(1)/bin/python -c '' 2>/dev/null; then \
		echo "making $(1) from requirements/$(2).txt with $(PYTHON)"; \
		$(PYTHON) -m venv --clear $(1); \
		$(1)/bin/python -m pip install --quiet --no-input --no-compile --disable-pip-version-check \
			--require-hashes -r requirements/$(2).txt; \
		touch "$$stamp"; \
	fi
endef

# cpu or gpu: what libcuda shows on this machine
VARIANT = $(require_python)$(eval VARIANT := $(shell $(PYTHON) -B -c 'from app.inference.devices import visible_gpus as seen; \
	print("gpu" if seen() else "cpu")'))$(VARIANT)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: ## install what serving needs and serve on $PORT (8000)
	$(call environment,.venv-serve,serve-$(VARIANT))
	@exec .venv-serve/bin/python -m app.cli serve --port $(PORT) $(ARGS)

test: .venv ## install what the tests need and run them; COVERAGE=yes measures coverage, too, and takes a third longer
ifdef ARGS
	.venv/bin/python -m pytest $(ARGS)
else
	.venv/bin/python -m pytest $(PAIRED) $(call covered) $(FIRST)
	.venv/bin/python -m pytest $(PAIRED) $(call covered,--cov-append) $(patsubst %,--ignore=%,$(FIRST) $(ALONE))
	.venv/bin/python -m pytest $(if $(COVERAGE),--cov --cov-append --cov-report=term) $(ALONE)
endif

lint: .venv ## formatting, lint, types, import contract
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

check: COVERAGE := yes
check: lint test ## lint and test with coverage: what CI runs

format: .venv ## format and apply safe lint fixes
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

train: ## train on DATA (data/pets) as CONFIG (configs/pets.toml) says, into RUN (runs/pets); ARGS are passed on
	$(call environment,.venv-train,train)
	@test -e .venv-train/bin/segserve || \
		.venv-train/bin/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
	.venv-train/bin/segserve train $(CONFIG) --data $(DATA) --run $(RUN) $(ARGS)

bench: bench-engines bench-serving ## measure engines, servers, overload, start, stages; not while anything else runs
	.venv/bin/python -m benchmarks.overload --plot docs/images/overload.png
	.venv/bin/python -m benchmarks.cold_start
	.venv/bin/python -m benchmarks.large
	.venv/bin/python -m benchmarks.stages
	.venv/bin/python -m benchmarks.processor_time

bench-engines: .venv ## measure the engines and a request end to end
	.venv/bin/python -m benchmarks $(ARGS)

bench-serving: .venv ## measure the service against other servers
	$(call environment,.venv-bench,bench)
	.venv/bin/python -m benchmarks.serving $(ARGS)

soak: .venv ## 100,000 requests of mixed traffic, mistakes and hang-ups while versions change: an hour
	.venv/bin/python -m benchmarks.soak --plot docs/images/soak.png $(ARGS)

gameday: .venv ## break a real service in every way there is a remedy for, and print what its clients saw
	.venv/bin/python -m pytest -q -o python_files='fault_*.py' tests/gameday $(ARGS)

gateway-soak: .venv ## 10,000 requests through the gateway while its replicas are restarted one by one
	GATEWAY_REQUESTS=10000 .venv/bin/python -m pytest -rs -s -o faulthandler_timeout=0 tests/e2e/test_restarts.py $(ARGS)

certificate: ## make a certificate that vouches for itself, to try the gateway's TLS with
	deploy/tls/make-certificate

fuzz: .venv ## twenty thousand mutated pictures, hostile requests, and all that the OpenAPI document allows or not
	$(call environment,.venv-fuzz,fuzz)
	.venv/bin/python -m tests.fuzz $(ARGS)

compat: .venv ## other people's clients, as they are released, against a served model
	$(call environment,.venv-compat,compat)
	.venv-compat/bin/python -m pytest -c tests/compat/pytest.ini tests/compat $(ARGS)

base-test: ## in an environment with the base install alone: train, serve, segment
	@$(require_python)$(PYTHON) .ci/base_install.py

container-test: .venv ## build the image, run it behind a real nginx and send pictures through
	CONTAINER=$(CONTAINER) .venv/bin/python -m pytest -rs -s tests/container $(ARGS)

# A node gives its agent 15 seconds, which are too few where it is compiled first.
COMPILED_RAY = @.venv-ray/bin/python -c 'import ray.dashboard.agent, ray.data, ray.serve'
ray-test: ## jobs on real Ray clusters that lose workers, nodes and drivers, and the service under Ray Serve
	$(call environment,.venv-ray,ray)
	$(COMPILED_RAY)
	.venv-ray/bin/python -m pytest -q -o python_files='cluster_*.py' -o filterwarnings=default tests/cluster $(ARGS)

ray-bench: ## a job on 1,000 pictures: plain, on Ray clusters, and on such that lose workers; not while anything else runs
	$(call environment,.venv-ray,ray)
	$(COMPILED_RAY)
	.venv-ray/bin/python -m benchmarks.jobs $(ARGS)

CONTENTS = $(CONTAINER) sh python -c "$$(cat deploy/image/contents.py)"
sbom: ## what the image holds, Debian's packages and Python's, as CycloneDX: sbom.json
	$(call environment,.venv-audit,audit)
	$(CONTAINER) build
	$(CONTENTS) packages | .venv-audit/bin/python deploy/image/sbom.py >sbom.json

equal-builds: ## build the image twice from nothing and compare every file
	@mkdir -p build
	for build in first second; do $(CONTAINER) build --no-cache && $(CONTENTS) files >build/$$build.txt; done
	diff build/first.txt build/second.txt && wc -l build/first.txt

audit: ## known vulnerabilities of what the locks install; fails, and says so, where their database cannot be reached
	$(call environment,.venv-audit,audit)
	for lock in serve-cpu serve-gpu train; do echo "$$lock:"; \
		.venv-audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/$$lock.txt; done

.PHONY: .venv
.venv:
	$(call environment,.venv,dev)
	@test -e .venv/bin/segserve || .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .

# The other locks are constrained by dev's, so that what is tested is what is served; but for compat's: nothing of
# ours is in it. TensorFlow is left out of serve-cpu.
COMPILE = .venv-lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --custom-compile-command 'make lock' $(UPGRADE) pyproject.toml
lock: ## resolve pyproject.toml into requirements/*.txt; UPGRADE=--upgrade for newer releases
	@$(require_python)test -d .venv-lock || $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(COMPILE) --extra cpu --extra train --extra quantize --extra traces --group dev -o requirements/dev.txt
	$(COMPILE) --extra train -c requirements/dev.txt -o requirements/train.txt
	$(COMPILE) --excludes <(echo tensorflow) --extra cpu --extra traces -c requirements/dev.txt -o requirements/serve-cpu.txt
	$(COMPILE) --extra gpu --extra traces -c requirements/dev.txt -o requirements/serve-gpu.txt
	$(COMPILE) --excludes <(echo tensorflow) --extra cpu --extra ray --group ray -c requirements/dev.txt -o requirements/ray.txt
	$(filter-out pyproject.toml,$(COMPILE)) --group bench -c requirements/dev.txt -o requirements/bench.txt
	$(filter-out pyproject.toml,$(COMPILE)) --group audit -c requirements/dev.txt -o requirements/audit.txt
	$(filter-out pyproject.toml,$(COMPILE)) --group fuzz -c requirements/dev.txt -o requirements/fuzz.txt
	$(filter-out pyproject.toml,$(COMPILE)) --group compat -o requirements/compat.txt

clean: ## remove environments, caches and build output
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis .coverage* build dist
	rm -rf *.egg-info
	find app tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
