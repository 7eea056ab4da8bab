"""The WSGI application. It refuses to start if the database does not fit the code."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cms.settings")
application = get_wsgi_application()

from django.db import connection  # noqa: E402

from cms.database_fit import refuse_to_start  # noqa: E402 - it needs the loaded models

refuse_to_start()
connection.close()
