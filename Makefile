# tokenplan: two commands on a machine with Python 3.11 or later, pip and make.
#   make plan    install, and plan the samples
#   make test    install, and check everything
# PYTHON=/path/to/python chooses the Python; WORKERS=n the test processes.

VENV    := .venv
BIN     := $(VENV)/bin
OUT     := out
WORKERS ?= 2
YARD    := benchmarks/.venv
DATA    ?= ../shared/data

# Build tools are pinned as well (pip 25.3 and later); older pips ignore this.
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help plan test test-slow test-spark test-system manual notebooks pages pictures bench-accuracy bench-alerts bench-exports bench-launches bench-law bench-month bench-plan bench-shelf bench-speed bench-track bench-warehouse yardsticks lint format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

plan: $(VENV)/.runtime ## install into .venv, plan both samples, write charts, workbook and page under out/
	$(BIN)/tokenplan plan data/samples/organisation.toml --out $(OUT)/organisation
	$(BIN)/tokenplan plan data/samples/burstgpt.toml --out $(OUT)/burstgpt

test: lint ## lint, types, import contracts, then the tests, README code and notebooks
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-slow: $(VENV)/.dev ## the tests that take longer
	$(call marked,slow,0 slow tests yet.)

test-system: $(VENV)/.dev ## the tests that need the system's package manager, installing what they need
	$(call marked,system,0 system tests yet: nothing to install.)

test-spark: $(VENV)/.spark ## the tests that need PySpark and Java 17; PySpark takes 500 MB
	$(call marked,spark,0 tests of PySpark yet.)

pictures: $(VENV)/.dev ## draw the pictures of docs/pictures.md again, which the tests hold against
	$(BIN)/python -m tests.pictured

manual: $(VENV)/.dev ## build the manual into out/manual; any warning fails it
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --jobs $(WORKERS) \
		--conf-dir docs --doctree-dir $(OUT)/manual.doctrees . $(OUT)/manual
	@echo "The manual: $(OUT)/manual/index.html"

pages: $(VENV)/.dev ## write what the code writes of docs/ anew: command, formats, plan file, scenarios, tutorials
	$(BIN)/python docs/_pages

notebooks: $(VENV)/.dev ## make the notebooks from notebooks/text, run, with their output; ONLY="01 05": some
	$(BIN)/python notebooks/render.py $(ONLY)

bench-accuracy: $(VENV)/.dev $(YARD)/.made ## accuracy and coverage beside published scores and other programs; DATA=folder
	$(BIN)/python benchmarks/run.py accuracy --data $(DATA) --jobs $(WORKERS) --out $(OUT)/bench

bench-speed: $(VENV)/.dev $(YARD)/.made ## time and memory of 5,000 series beside other programs
	$(BIN)/python benchmarks/run.py speed --jobs $(WORKERS) --out $(OUT)/bench

bench-law: $(VENV)/.dev ## the shipped law of errors fitted anew, beside the constants in the code; one minute
	$(BIN)/python benchmarks/error_law.py --jobs $(WORKERS)

bench-shelf: $(VENV)/.dev ## every model's bands of totals on made-up organisations, raw and calibrated; 40 minutes
	$(BIN)/python benchmarks/shelf.py --origins 1 --jobs $(WORKERS) --out $(OUT)/bench

bench-launches: $(VENV)/.dev ## cold starts at 0, 7 and 30 days of history, beside the run rate; 5 minutes
	$(BIN)/python benchmarks/launches.py --judge --repeat 3 --jobs $(WORKERS) --out $(OUT)/bench

bench-plan: $(VENV)/.dev ## the Monte Carlo engine beside a plain program: time, memory, errors; two Dask workers; 15 minutes
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/plan.py
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/plan.py --dask 100000

bench-track: $(VENV)/.dev ## how often P80 budgets held at past dates of the frozen configurations, beside rules of thumb; 20 minutes
	$(BIN)/python benchmarks/track_record.py --jobs $(WORKERS) --out $(OUT)/bench

bench-exports: $(VENV)/.dev ## every export of the sample organisation's plan: seconds of CPU and of the clock
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/exports.py

bench-month: $(VENV)/.dev ## month-to-date projections beside the run rate; 15 minutes
	$(BIN)/python benchmarks/month_to_date.py --jobs $(WORKERS) --out $(OUT)/bench

bench-warehouse: $(VENV)/.dev ## 5 and 50 million spend-log rows beside the bare query; 15 minutes, 4 GB of disk
	$(BIN)/python benchmarks/warehouse.py --folder $(OUT)/warehouse

bench-alerts: $(VENV)/.dev ## false alarms and what alerts find, 1,000 series and NYC taxis; DATA=folder; 10 minutes
	$(BIN)/python benchmarks/alerts.py --judge --taxi $(DATA)/usage/nab_nyc_taxi.csv --jobs $(WORKERS) --out $(OUT)/bench

yardsticks: $(YARD)/.made ## the environment of the programs that the benchmarks compare with

lint: $(VENV)/.dev ## ruff, mypy and import contracts, changing nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --num-workers $(WORKERS)
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev ## format, and fix what ruff can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove everything made but the environments and benchmarks/.cache (to start anew: rm -rf .venv)
	rm -rf $(OUT) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . \( -path ./$(VENV) -o -path ./$(YARD) \) -prune -o -type d -name __pycache__ -exec rm -rf {} +

# pytest leaves with 5 when it finds no test: said, and no failure.
define marked
@status=0; $(BIN)/python -m pytest -m $(1) --collect-only -q >/dev/null || status=$$?; \
if [ $$status -eq 5 ]; then echo "$(2)"; else $(BIN)/python -m pytest -m $(1); fi
endef

# ------------------------------------------------------------------------------------------------------- install
# A stamp for what runs the plan, and one for what runs the tests. A stamp older than pyproject.toml or
# constraints.txt installs again; so does a .venv whose Python is gone, or that was made in another folder.

USABLE := $(BIN)/python -c "import pip" >/dev/null 2>&1 && grep -qF "$(CURDIR)/$(VENV)" $(BIN)/activate
$(shell { $(USABLE); } || rm -f $(VENV)/.runtime $(VENV)/.dev)

$(VENV)/.runtime: pyproject.toml constraints.txt | venv
	$(call install,.)
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | venv
	$(call install,.[dev])
	@touch $(VENV)/.runtime $@

$(VENV)/.spark: $(VENV)/.dev
	$(call install,.[dev$(comma)spark])
	@touch $@

# statsforecast needs pandas before 3: an environment of its own, made by the Python of the other.
$(YARD)/.made: benchmarks/yardsticks/requirements.txt | $(VENV)/.runtime
	@echo "Installing the yardsticks into $(YARD) ..."
	@rm -rf $(YARD)
	@$(BIN)/python -m venv $(YARD)
	@$(YARD)/bin/python -m pip install --quiet -r $<
	@touch $@

comma := ,
define install
@echo "Installing tokenplan into $(VENV) (a few minutes the first time) ..."
@$(BIN)/python -m pip install --quiet -c constraints.txt -e "$(1)" || { \
	echo; \
	echo "The installation failed; pip's message stands above. Usual causes:"; \
	echo "  - no network, or a proxy: pip must reach a package index. Behind a proxy set HTTPS_PROXY;"; \
	echo "    for a mirror set PIP_INDEX_URL, or 'index-url' by 'pip config set'."; \
	echo "  - 'No matching distribution' or a compiler error: this Python ($$($(BIN)/python -V 2>&1)) or platform has"; \
	echo "    no ready package of a pinned version. Try another Python from 3.11: rm -rf $(VENV); make PYTHON=python3.12"; \
	echo "  - no space left: about 1.5 GB is needed."; \
	echo "Then run make again."; \
	exit 1; }
endef

.PHONY: venv
venv:
	@if $(USABLE); then exit 0; fi; \
	fits='import sys; sys.exit(sys.version_info < (3, 11))'; \
	python=; \
	for name in $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3 python); do \
		if command -v "$$name" >/dev/null 2>&1 && "$$name" -c "$$fits" >/dev/null 2>&1; then python="$$name"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11 or later: looked for $(or $(PYTHON),python3.14 to python3.11 and for python3 and python) on the path."; \
		echo "Install one, or name it: make PYTHON=/path/to/python3"; \
		exit 1; \
	fi; \
	echo "Creating $(VENV) with $$("$$python" -V) ($$python)"; \
	rm -rf $(VENV); \
	"$$python" -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "$$python cannot create a virtual environment: its venv module is missing or broken."; \
		echo "On Debian and Ubuntu: apt install python3-venv. Or name another Python: make PYTHON=/path/to/python3"; \
		exit 1; \
	}
