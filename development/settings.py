"""The settings for `make dev`: debug mode, and django-debug-toolbar on every page.

Only this package imports the toolbar. The container image leaves out this folder.
"""

import os

os.environ.setdefault("DEBUG", "true")

from cms.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "debug_toolbar"]
# The toolbar comes after the middleware that sets headers and serves static files.
MIDDLEWARE = [
    "development.policy.allow_toolbar",
    *MIDDLEWARE[:3],
    "debug_toolbar.middleware.DebugToolbarMiddleware",
    *MIDDLEWARE[3:],
]
ROOT_URLCONF = "development.urls"
INTERNAL_IPS = ["127.0.0.1", "::1"]
