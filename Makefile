# The whole vocabulary:
#
#   make run      watch agents repair a project, survive a mishap, reach out, and work as a crew
#   make test     the tests                        ARGS="tests/history -k undo" chooses
#   make fuzz     the tests of random work, for an hour or so
#   make check    lint, format and types
#   make fmt      put the code in order
#   make bench    measure what a transaction costs
#   make pictures draw the screens that README.md shows
#
# Each sets up what it needs first: once, in .venv. PYTHON=/path/to/python3 chooses the interpreter it is made with.

SHELL := /bin/sh
# Kept bytecode halves what every command of a test costs.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
ARGS ?=

candidates := $(if $(PYTHON),$(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
# The interpreter itself, also where a candidate is a shim or an active virtual environment.
python := $(shell for name in $(candidates); do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11) or print(sys._base_executable))' 2>/dev/null && break; \
	done)

# Named after the place and the interpreter: a checkout that was copied or moved is set up anew.
ready := .venv/ready-$(shell echo "$(CURDIR) $(python)" | cksum | cut -d ' ' -f 1)
bin := .venv/bin
random := tests/whole/test_whole_verbs.py tests/whole/test_whole_machine.py tests/whole/test_whole_revert.py \
	tests/history/test_history_journal.py tests/policies/test_policies_shell_fuzz.py \
	tests/policies/test_policies_laws.py tests/databases/test_databases_sqlite_machine.py \
	tests/requests/test_requests_machine.py
typed := agentrt policies tools sandboxes tui

.PHONY: help run test fuzz check fmt bench pictures

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^The interpreter itself/,$$d'

run: $(ready)
	@$(bin)/python -m examples.repair
	@$(bin)/python -m examples.mishap
	@$(bin)/python -m examples.outward
	@$(bin)/python -m examples.crew

test: $(ready)
	$(bin)/python -m pytest -n auto --maxprocesses 8 --dist worksteal $(ARGS)

fuzz: $(ready)
	$(bin)/python -m pytest -n auto --hypothesis-profile=fuzz $(random) $(ARGS)

check: $(ready)
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy --strict $(typed)
	$(bin)/mypy --explicit-package-bases --exclude /project/ examples scripts

fmt: $(ready)
	$(bin)/ruff check --fix
	$(bin)/ruff format

bench: $(ready)
	$(bin)/python tests/bench/bench.py $(ARGS)

pictures: $(ready)
	$(bin)/python tests/tui/pictures.py docs/pictures

$(ready): pyproject.toml scripts/setup.py
ifeq ($(python),)
	@echo "agentrt needs Python 3.11 or later; none of these is: $(candidates)." >&2
	@echo "Install one, or name yours: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2
	@exit 1
endif
	@$(python) scripts/setup.py .venv
	@touch $@
