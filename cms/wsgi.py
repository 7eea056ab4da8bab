"""The WSGI application, with kept answers in front of it. It refuses to start if the database does not fit the code."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cms.settings")
application: Application = get_wsgi_application()

# These need the loaded models.
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from cms.database_fit import refuse_to_start  # noqa: E402
from cms.response_cache.wsgi import ResponseCache  # noqa: E402

refuse_to_start()
connection.close()
if settings.RESPONSE_CACHE_MB and not settings.DEBUG:  # in debug mode, templates may change at any time
    application = ResponseCache(application, settings.RESPONSE_CACHE_MB * 1024 * 1024)
