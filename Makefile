# Every verb sets up what it needs, once: a virtual environment in .venv from a lock with hashes.
PYTHON  ?= python3
WORKERS ?= 2

venv    := .venv
python  := $(venv)/bin/python
pytest  := $(python) -m pytest -n $(WORKERS) --dist worksteal

.PHONY: install demo test test-all check bench soak docs lock clean

install: $(venv)/.dev          ## everything for working on Solvent

demo: $(venv)/.demo            ## a real pipeline on 336,776 flights: run, run again, edit, see why
	@$(python) examples/flights/demo.py

test: $(venv)/.dev             ## under a minute
	$(pytest) -m "not slow and not soak"

test-all: $(venv)/.dev         ## everything but the large numbers
	$(pytest) -m "not soak"

soak: $(venv)/.dev             ## the large numbers; the table of docs/explanations/durability.md
	SOAK_TABLE=$(CURDIR)/docs/explanations/durability.md $(python) -m pytest -m soak -o faulthandler_timeout=0

check: $(venv)/.dev            ## lint, format, types, floors, sizes
	$(venv)/bin/ruff check .
	$(venv)/bin/ruff format --check .
	$(venv)/bin/mypy
	$(venv)/bin/pyright --pythonpath $(python)
	$(venv)/bin/lint-imports
	$(python) -m pytest -q tests/shape

docs: $(venv)/.dev             ## run every snippet of the documentation
	$(pytest) tests/docs tests/shape/test_reference.py

bench: $(venv)/.dev            ## the speed table of bench/README.md
	$(python) bench/run.py

lock:                          ## resolve again; needs uv
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-package solvent --extra dev pyproject.toml -o requirements/dev.txt $(UPGRADE)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --extra examples pyproject.toml requirements/build.in -c requirements/dev.txt -o requirements/demo.txt $(UPGRADE)

clean:
	rm -rf $(venv) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(venv)/.%: requirements/%.txt pyproject.toml
	@sh requirements/install.sh $(PYTHON) $(venv) $<
	@touch $@
