# One command per job, the same locally and in CI. Variables: PYTHON (the interpreter .venv is made with),
# ARGS (given to the command), JOBS (how many test processes).
PY := .venv/bin/python
JOBS ?= 2
export PYTHON JOBS

.PHONY: help setup demo test check coverage bench docs lock services services-down clean
help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## Make .venv with every extra, from requirements.lock
	@scripts/setup

demo: setup ## Train, track, convert, register, deploy and score real digits
	@$(PY) examples/digits/demo.py $(ARGS)

test: setup ## Run every test; as root on Debian the real services come up by themselves
	@scripts/test $(ARGS)

check: setup ## Lint, types, layers, unit and house tests
	@scripts/check

coverage: setup ## Run every test and report coverage by branch
	@scripts/coverage

bench: setup ## Measure us and the peers side by side
	@scripts/bench $(ARGS)

docs: setup ## Write docs/reference anew from the code
	@scripts/docs

lock: setup ## Resolve the dependencies anew, with hashes
	@scripts/lock $(ARGS)

services: ## Bring up the real services that tests use (Debian, root)
	@scripts/services up

services-down: ## Stop them
	@scripts/services down

clean: ## Remove what was made, but for .venv
	@rm -rf build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
