# make app    set everything up and start the dashboard
# make test   set everything up and run all tests
# make check  lint and types
# make fastdup  add the optional tool of that name, for non-commercial use, in its own environment
# The environment is made once and again when the requirements change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app test check fastdup clean

app: $(VENV)/app
	$(BIN)/python -m core study run --preset quick --dataset digits --detach
	$(BIN)/streamlit run app.py

test: $(VENV)/dev
	$(BIN)/python -m tests.browser.find_chromium
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal

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

# fastdup pins NumPy 1 and has wheels for Python 3.9 to 3.12: make fastdup PYTHON=python3.12
fastdup: .fastdup/done

.fastdup/done: requirements-fastdup.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 9) <= sys.version_info < (3, 13) and "fastdup has wheels for Python 3.9 to 3.12; name one with: make fastdup PYTHON=python3.12")'
	$(PYTHON) -m venv .fastdup
	.fastdup/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

clean:
	rm -rf $(VENV)
