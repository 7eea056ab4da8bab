# The two commands that matter: `make demo` and `make test`. `make help` lists the others.
# PORT chooses the port of the demo, DATA_DIR where its database and files go, PYTHON the interpreter (3.11 or later).

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= $(CURDIR)/var
VENV := .venv
RUN := $(VENV)/bin/python
export PORT DATA_DIR

.DEFAULT_GOAL := help
.PHONY: help demo test test-postgres screenshots lint types check requirements schema land-migrations

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s:

# Each step says what it does; a step that fails says what to do.
define step
	@echo "==> $(1)"
	@$(2) || { echo "*** That failed. $(3)" >&2; exit 1; }
endef

$(VENV)/.made:
	$(call step,Making a virtual environment in $(VENV),$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3$(comma) 11))',Install Python 3.11 or later$(comma) or name it: make PYTHON=python3.12 …)
	@$(PYTHON) -m venv $(VENV) || { echo "*** That failed. Install the venv module of Python (on Debian: apt install python3-venv)." >&2; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.txt
	$(call step,Installing the packages of requirements.txt (about a minute the first time),$(RUN) -m pip install -qq --no-compile --disable-pip-version-check --require-hashes -r requirements.txt,Look at the message above: is the package index reachable?)
	@touch $@

$(VENV)/.installed-tests: $(VENV)/.installed tests/requirements.txt
	$(call step,Installing the packages of the tests,$(RUN) -m pip install -qq --no-compile --disable-pip-version-check --require-hashes -r tests/requirements.txt,Look at the message above: is the package index reachable?)
	@touch $@

comma := ,

demo: $(VENV)/.installed ## Install, load the demo content and serve it (PORT=8000, DATA_DIR=var)
	$(call step,Preparing the database in $(DATA_DIR),$(RUN) manage.py migrate --verbosity 0,Mend what the message above names. If the folder holds data of another version$(comma) choose another DATA_DIR.)
	$(call step,Setting up groups and workflows,$(RUN) manage.py set_up_moderation,Look at the message above.)
	$(call step,Loading the demo content (what is there is kept),$(RUN) manage.py load_demo,Look at the message above.)
	$(call step,Creating the demo accounts,$(RUN) manage.py make_demo_accounts,Look at the message above.)
	$(call step,Collecting static files,$(RUN) manage.py collectstatic --noinput --verbosity 0,Look at the message above.)
	@echo
	@echo "    Admin     http://localhost:$(PORT)/admin/     (accounts above)"
	@echo "    GraphQL   http://localhost:$(PORT)/graphql/"
	@echo "    GraphiQL  http://localhost:$(PORT)/graphiql/"
	@echo "    Feeds     http://localhost:$(PORT)/feeds/"
	@echo "    Start     http://localhost:$(PORT)/           (stop with Ctrl and C)"
	@echo
	@exec $(VENV)/bin/granian --interface wsgi --host 127.0.0.1 --port $(PORT) --workers 1 --blocking-threads 4 --log-level warning cms.wsgi:application \
		|| { echo "*** The server stopped. Is port $(PORT) in use? Choose another: make demo PORT=8001" >&2; exit 1; }

test: $(VENV)/.installed-tests ## Run the whole test suite (with npm also real clients, with Chromium a browser)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory tests/node_modules/.installed; fi
	@echo "==> Running the tests"
	@env -u DATA_DIR -u PORT $(RUN) -m pytest -n 2 --dist worksteal || { echo "*** Tests failed: the summary above names them." >&2; exit 1; }

test-postgres: $(VENV)/.installed-tests ## Run the whole test suite on PostgreSQL (the server that DATABASE_URL names)
	@case "$$DATABASE_URL" in postgres*) ;; *) echo "*** Set DATABASE_URL, as in postgres://user:password@localhost/name" >&2; exit 1;; esac
	@$(MAKE) --no-print-directory test

tests/node_modules/.installed: tests/package.json tests/package-lock.json tests/.npmrc
	$(call step,Installing the npm packages of the tests,npm ci --prefix tests --no-audit --no-fund --silent,Is the npm registry reachable?)
	@touch $@

screenshots: $(VENV)/.installed-tests ## Take the pictures of docs/editors.md into .artifacts/screenshots (with Chromium)
	@CI=true $(RUN) -m pytest -q tests/browser/test_sign_in.py tests/browser/test_editors_day.py tests/browser/test_moderators_day.py

lint: $(VENV)/.installed-tests ## Check style, format and who imports whom
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types: $(VENV)/.installed-tests ## Check types
	$(VENV)/bin/mypy

check: $(VENV)/.installed-tests ## Check migrations, the printed schema and production settings
	$(RUN) manage.py makemigrations --check --dry-run
	$(RUN) manage.py print_schema --check
	CMS_URL=https://cms.example.org SECRET_KEY=$$($(RUN) -c 'import secrets; print(secrets.token_hex(40))') \
		$(RUN) manage.py check --deploy --fail-level WARNING

requirements: $(VENV)/.installed-tests ## Write the locked requirement files from pyproject.toml
	$(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make requirements" pyproject.toml -o requirements.txt
	$(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make requirements" --group test -c requirements.txt -o tests/requirements.txt

schema: $(VENV)/.installed ## Print the GraphQL schema to cms/graphql/schema.graphql
	$(RUN) manage.py print_schema

land-migrations: ## Enter new migrations into tests/landed_migrations.txt; from then on they are never edited
	@for file in */migrations/[0-9]*.py; do \
		grep -q "  $$file$$" tests/landed_migrations.txt || sha256sum "$$file" | tee -a tests/landed_migrations.txt; done
