# The daily verbs. `make` alone prints them; python3 is all it takes to begin.

PYTHON := .venv/bin/python
BASE   := .venv/.base
DEV    := .venv/.dev
PINS   := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
          --no-emit-index-url --no-emit-find-links --no-header

.DEFAULT_GOAL := help
.PHONY: help up setup test check fix work demo bench chaos docs shell pins

help: ## print this list
	@echo "Clawbot: an operations room for a team of AI agents."
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## /{ printf "  make %-7s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "Begin with \`make up\`. Settings come from the environment or .env: see docs/settings.md."

up: $(BASE) ## set everything up, start web and workers, print the address and a sign-in link
	@exec $(PYTHON) manage.py up

setup: $(BASE) $(DEV) ## install the pinned packages into .venv and stop there
	@echo "Ready. \`make up\` starts Clawbot, \`make test\` checks it."

test: $(DEV) ## run the whole check: lint, types, templates, migrations, then every test
	@$(PYTHON) bin/check; checks=$$?; $(PYTHON) bin/test $(ARGS); tests=$$?; exit $$((checks || tests))

check: $(DEV) ## run only the quick part: lint, types, templates, migrations, floors, docs
	@$(PYTHON) bin/check && $(PYTHON) -m pytest -q tests/house

fix: $(DEV) ## let the linter mend and format what it can
	@$(PYTHON) -m ruff check --fix . && $(PYTHON) -m ruff format .

work: $(BASE) ## start the workers and their supervisor, without the web
	@exec $(PYTHON) manage.py work

demo: $(BASE) ## keep injecting every sample, so that the board always moves
	@exec $(PYTHON) manage.py demo

bench: $(DEV) ## measure the engine on this machine
	@$(PYTHON) manage.py bench engine $(ARGS)

chaos: $(DEV) ## run the long tests that kill workers and cut connections
	@$(PYTHON) -m pytest -m chaos $(ARGS)

docs: $(DEV) ## write the generated pages and check all of docs/; Clawbot serves them at /help/
	@$(PYTHON) manage.py document && $(PYTHON) -m pytest -q tests/house/test_docs.py

shell: $(BASE) ## open a Python shell with everything loaded
	@exec $(PYTHON) manage.py shell

pins: $(DEV) ## pin every package anew, by hash, from requirements/*.in
	@$(PINS) requirements/base.in -o requirements/base.txt
	@$(PINS) requirements/sqs.in -o requirements/sqs.txt
	@$(PINS) requirements/dev.in -o requirements/dev.txt

$(BASE): requirements/base.txt bin/setup
	@python3 bin/setup base

$(DEV): requirements/dev.txt bin/setup
	@python3 bin/setup dev
