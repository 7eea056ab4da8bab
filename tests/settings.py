"""The project's settings with what makes tests fast and safe: throw-away files, a quick password hash, no mail."""

import os
import tempfile

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="csp-tests-"))
os.environ.setdefault("SECRET_KEY", "tests-only-and-never-anywhere-else-0123456789-abcdefghij")
os.environ.setdefault("CMS_URL", "http://testserver")

from cms.settings import *

# Static files are not collected for tests.
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Death-review notices can be made public by a command here, and only here.
COMMANDS_MAY_PUBLISH_DEATH_REVIEWS = True
# Wagtail updates its search and reference indexes in tasks. Nothing that the tests prove may depend on them.
TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
# Some tests send more requests in a minute than one client may.
GRAPHQL_RATE_LIMIT = RATE_LIMIT = 0
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # A name of its own for each run, so that several may use one server.
    DATABASES["default"]["TEST"] = {"NAME": f"test_{os.environ.get('PYTEST_XDIST_TESTRUNUID') or os.getpid()}"}
