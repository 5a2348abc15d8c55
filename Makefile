# make app    set everything up and start the dashboard
# make test   set everything up and run all tests
# make check  lint and types
# The environment is made once and again when the requirements change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app test check clean

app: $(VENV)/app
	$(BIN)/python -m core study run --preset quick --dataset digits --detach
	$(BIN)/streamlit run app.py

test: $(VENV)/dev
	$(BIN)/python -m tests.browser.find_chromium
	$(BIN)/python -m pytest

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/app: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/app
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV)
