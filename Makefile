# The commands of a contributor; `make` alone lists them.
#
# PYTHON is the Python that creates .venv: make lab PYTHON=python3.12
PYTHON = python3
# Relative, so that the path of the folder may contain a space.
BIN = .venv/bin
LAB_ARGS =
# Two processes; the tests of a file stay in one of them, in the order of conftest.py.
PYTEST_ARGS = --numprocesses 2 --dist loadfile --no-loadscope-reorder
LOCK_ARGS =

.DEFAULT_GOAL := help
.PHONY: help set-up lab test quick lint format notebooks book lock

help:
	@echo "make lab        open the first notebook in JupyterLab   (LAB_ARGS=\"--port 8899\")"
	@echo "make test       run all tests and all notebooks         (PYTEST_ARGS=\"-k losses\")"
	@echo "make quick      run the quick unit tests, in under two minutes"
	@echo "make lint       check format, style, types and imports"
	@echo "make format     format the code, and fix what can be fixed automatically"
	@echo "make notebooks  run the notebooks and save their outputs"
	@echo "make book       build the book into docs/_build/html"
	@echo "make lock       update requirements.lock               (LOCK_ARGS=--upgrade)"
	@echo ""
	@echo "Each of them sets up .venv first. PYTHON=python3.12 selects another Python."

set-up:
	@$(PYTHON) tools/set_up.py

lab: set-up
	@$(BIN)/python -m siamlab lab . -- $(LAB_ARGS)

# On two cores, the threads of two processes would wait for each other.
test quick: export TF_NUM_INTRAOP_THREADS = 1
test quick: export TF_NUM_INTEROP_THREADS = 1

test: set-up
	$(BIN)/python -m pytest $(PYTEST_ARGS)

quick: set-up
	$(BIN)/python -m pytest tests -m "not slow and not browser" $(PYTEST_ARGS)

lint: set-up
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: set-up
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: set-up
	$(BIN)/python tools/run_notebooks.py

# The pages of modules that no longer exist are deleted first.
book: set-up
	rm -rf docs/_build docs/api
	$(BIN)/python -m sphinx -W --keep-going -q -c docs . docs/_build/html
	@echo "docs/_build/html/index.html"

# Versions that still fit are kept; LOCK_ARGS=--upgrade takes the newest ones.
# --python-version: the lock is valid for the oldest Python and all newer ones.
lock: set-up
	$(BIN)/python -m pip install --quiet --target .boot --upgrade uv
	.boot/bin/uv pip compile pyproject.toml --extra test --extra lint --extra docs \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(LOCK_ARGS) \
	  --quiet --output-file requirements.lock
