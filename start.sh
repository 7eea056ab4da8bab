#!/bin/sh
# Starts the CMS in a container: brings the database up to date, then serves. Arguments run a command instead, as in
# `docker run … community-safety-cms python manage.py load_demo`.
set -eu
[ $# -eq 0 ] || exec "$@"
# The server processes count wrong passwords together, and know the codes that were used.
export CACHE_URL="${CACHE_URL:-file:///tmp/cms-cache}"
python manage.py migrate --noinput --verbosity 0
python manage.py set_up_moderation
exec granian --interface wsgi --host 0.0.0.0 --port "$PORT" --workers "${WORKERS:-2}" --blocking-threads 4 \
    --respawn-failed-workers --log-level warning cms.wsgi:application
