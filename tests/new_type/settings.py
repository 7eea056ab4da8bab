"""The settings of the tests with the app of the worked example, and a database of its own."""

import os

from tests.settings import *

INSTALLED_APPS = ["tests.new_type", *INSTALLED_APPS]
GRAPPLE = {**GRAPPLE, "APPS": [*GRAPPLE["APPS"], "new_type"]}
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE_OF_NEW_TYPE"]}}
WEBSITE_PREVIEW_URL = "https://www.example.org/preview"
