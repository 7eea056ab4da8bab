"""The settings of the tests with the app of the worked example, and a database of its own in memory."""

from tests.settings import *

INSTALLED_APPS = ["tests.new_type", *INSTALLED_APPS]
GRAPPLE = {**GRAPPLE, "APPS": [*GRAPPLE["APPS"], "new_type"]}
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
WEBSITE_PREVIEW_URL = "https://www.example.org/preview"
