# The two commands that matter: `make demo` and `make test`. `make help` lists the others.
# PORT chooses the port of the server, DATA_DIR where database and files go, PYTHON the interpreter (3.11 or later), T the
# tests of `make test`.

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= $(CURDIR)/var
VENV := .venv
RUN := $(VENV)/bin/python
export PORT DATA_DIR

.DEFAULT_GOAL := help
.PHONY: help demo dev test test-fast coverage test-postgres screenshots lint format types check docs hooks requirements schema \
	settings land-migrations

help: ## This list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

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

$(VENV)/.installed-dev: $(VENV)/.installed-tests requirements-dev.txt
	$(call step,Installing the packages for developing,$(RUN) -m pip install -qq --no-compile --disable-pip-version-check --require-hashes -r requirements-dev.txt,Look at the message above: is the package index reachable?)
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.made requirements-docs.txt
	$(call step,Installing the packages of the documentation site,$(RUN) -m pip install -qq --no-compile --disable-pip-version-check --require-hashes -r requirements-docs.txt,Look at the message above: is the package index reachable?)
	@touch $@

comma := ,

define content
	$(call step,Preparing the database in $(DATA_DIR),$(RUN) manage.py migrate --verbosity 0,Mend what the message above names. If the folder holds data of another version$(comma) choose another DATA_DIR.)
	$(call step,Setting up groups and workflows,$(RUN) manage.py set_up_moderation,Look at the message above.)
	$(call step,Loading the demo content (what is there is kept),$(RUN) manage.py load_demo,Look at the message above.)
	$(call step,Creating the demo accounts,$(RUN) manage.py make_demo_accounts,Look at the message above.)
endef

demo: $(VENV)/.installed ## Install, load the demo content and serve it (PORT=8000, DATA_DIR=var)
	$(content)
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

dev: export DEBUG = true
dev: export DJANGO_SETTINGS_MODULE = development.settings
dev: $(VENV)/.installed-dev ## As demo, for developing: reloads changed code, with debug mode and django-debug-toolbar
	$(content)
	@exec $(RUN) manage.py runserver $(PORT)

# Two processes; whoever has nothing left takes tests over. The slowest are named in the end.
ALL := -n 2 --dist worksteal --durations=20

test: $(VENV)/.installed-tests ## Run all tests, or some: make test T=tests/test_feeds.py::test_name
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory tests/node_modules/.installed; fi
	@echo "==> Running the tests"
	@env -u DATA_DIR -u PORT -u PYTHONDONTWRITEBYTECODE $(RUN) -m pytest $(or $(T),$(ALL)) || { echo "*** Tests failed: the summary above names them." >&2; exit 1; }

test-fast: ## Run the tests that are not marked as slow
	@$(MAKE) --no-print-directory test T='$(ALL) -m "not slow"'

coverage: ## Run all tests, and name the lines and branches that none of them reaches
	@mkdir -p .artifacts
	@$(MAKE) --no-print-directory test T='$(ALL) --cov --cov-report=term'

test-postgres: $(VENV)/.installed-tests ## Run the whole test suite on PostgreSQL (the server that DATABASE_URL names)
	@case "$$DATABASE_URL" in postgres*) ;; *) echo "*** Set DATABASE_URL, as in postgres://user:password@localhost/name" >&2; exit 1;; esac
	@$(MAKE) --no-print-directory test

tests/node_modules/.installed: tests/package.json tests/package-lock.json tests/.npmrc
	$(call step,Installing the npm packages of the tests,npm ci --prefix tests --no-audit --no-fund --silent,Is the npm registry reachable?)
	@touch $@

screenshots: $(VENV)/.installed-tests ## Take the pictures of docs/editors.md into .artifacts/screenshots (with Chromium)
	@CI=true $(RUN) -m pytest -q tests/browser/test_sign_in.py tests/browser/test_editors_day.py tests/browser/test_moderators_day.py

bench: $(VENV)/.installed-tests ## Measure how long answers take: make bench SIZE=1000 JSON=figures.json
	@mkdir -p .artifacts/bench-$(or $(SIZE),1000)/static
	@DATA_DIR=.artifacts/bench-$(or $(SIZE),1000) RATE_LIMIT=0 GRAPHQL_RATE_LIMIT=0 DJANGO_SETTINGS_MODULE=cms.settings \
		SIZE=$(or $(SIZE),1000) JSON=$(JSON) $(RUN) -m development.bench

lint: $(VENV)/.installed-tests ## Check style, format, who imports whom, and that functions are simple
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/complexipy cms documents feeds pages --max-complexity-allowed 15 --failed --quiet

format: $(VENV)/.installed-tests ## Format the code, and correct what ruff can correct
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

types: $(VENV)/.installed-tests ## Check types
	$(VENV)/bin/mypy

check: $(VENV)/.installed-tests ## Check migrations, the printed schema, docs/settings.md and production settings
	$(RUN) manage.py makemigrations --check --dry-run
	$(RUN) manage.py print_schema --check
	$(RUN) manage.py print_settings --check
	CMS_URL=https://cms.example.org SECRET_KEY=$$($(RUN) -c 'import secrets; print(secrets.token_hex(40))') \
		$(RUN) manage.py check --deploy --fail-level WARNING

docs: $(VENV)/.installed-docs ## Build the documentation site into .artifacts/docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict
	@echo "Open .artifacts/docs/index.html"

hooks: $(VENV)/.installed-dev ## Check style and format before each commit of this checkout (pre-commit)
	$(VENV)/bin/pre-commit install

LOCK := $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make requirements"

requirements: $(VENV)/.installed-tests ## Write the locked requirement files from pyproject.toml
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) --group test -c requirements.txt -o tests/requirements.txt
	$(LOCK) --group dev -c requirements.txt -c tests/requirements.txt -o requirements-dev.txt
	$(LOCK) --group docs -c requirements.txt -c tests/requirements.txt -o requirements-docs.txt

schema: $(VENV)/.installed ## Print the GraphQL schema to cms/graphql/schema.graphql
	$(RUN) manage.py print_schema

settings: $(VENV)/.installed ## Print the settings to docs/settings.md
	$(RUN) manage.py print_settings

land-migrations: ## Enter new migrations into tests/landed_migrations.txt; from then on they are never edited
	@for file in */migrations/[0-9]*.py; do \
		grep -q "  $$file$$" tests/landed_migrations.txt || sha256sum "$$file" | tee -a tests/landed_migrations.txt; done
