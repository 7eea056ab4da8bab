"""Every setting of the project, read from environment variables with a safe default.

docs/settings.md lists the variables; `manage.py print_settings` makes it from this file. With invalid values the
process exits, and prints one line per variable.
"""

import re
import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management.utils import get_random_secret_key
from environs import Env, EnvValidationError, ValidationError, validate

env = Env(eager=False)
BASE_DIR = Path(__file__).resolve().parent.parent


def _web_address(value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValidationError("must be a web address such as https://www.example.org")


# --- Environment variables ---------------------------------------------------------------------------------
# docs/settings.md is made from this part by `manage.py print_settings`: the headings, each variable with its type,
# limits and default, and the "#:" comment above it. A line "#: Default: …" describes a default that is computed.

# -- Addresses --

#: The port of `make demo` and `make dev`. It is also the port in the default of `CMS_URL`.
PORT = env.int("PORT", 8000, validate=validate.Range(min=1, max=65535))
#: The address of this CMS, without a path. An address that begins with `https://` switches on secure cookies, the
#: redirect to HTTPS and HSTS.
#: Default: `http://localhost:` and `PORT`
CMS_URL = (env.str("CMS_URL", "", validate=lambda v: _web_address(v) if v else None) or "").rstrip("/")
CMS_URL = CMS_URL or f"http://localhost:{PORT}"
#: The address of the public website. Without it, the CMS serves each page as a simple HTML page.
WEBSITE_URL = (env.str("WEBSITE_URL", "", validate=lambda v: _web_address(v) if v else None) or "").rstrip("/")
#: The address at which the public website shows drafts, such as `https://www.example.org/preview`. The CMS adds
#: `?urlPath=…&token=…` to it. Without it, editors have no "Website" preview.
WEBSITE_PREVIEW_URL = env.str("WEBSITE_PREVIEW_URL", "", validate=lambda v: _web_address(v) if v else None) or ""
#: How many minutes the token of a preview on the website is valid.
PREVIEW_MINUTES = env.int("PREVIEW_MINUTES", 15, validate=validate.Range(min=1, max=120))
#: A WebSub hub, which notifies the subscribers of a feed at once when it changes, such as `https://hub.example.org/`
#: (<https://www.w3.org/TR/websub/>).
WEBSUB_HUB = env.str("WEBSUB_HUB", "", validate=lambda v: _web_address(v) if v else None) or ""

# -- Server and security --

#: Django's debug mode. Never switch it on in production: error pages then show settings and data.
DEBUG = env.bool("DEBUG", False)
#: The key that signs sessions and links, encrypts second factors and the outbox, and hashes names. Set it if several
#: machines serve one site. After a change, everybody must set up a new second factor.
#: Default: generated once, and stored in `DATA_DIR`
SECRET_KEY_FROM_ENV = env.str("SECRET_KEY", "")
#: The host names that the CMS serves. `localhost` and `127.0.0.1` are always added.
#: Default: the host of `CMS_URL`
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [])
#: Whether to trust `X-Forwarded-Proto` and the last address of `X-Forwarded-For`. Switch it on only behind one proxy
#: that always sets both.
TRUSTED_PROXY = env.bool("TRUSTED_PROXY", False)
#: How many seconds browsers remember to use HTTPS only (HSTS). It is used only if `CMS_URL` begins with `https://`.
HSTS_SECONDS = env.int("HSTS_SECONDS", 31_536_000, validate=validate.Range(min=0))
#: How many pages, feeds and files one client may request in a minute; `0` switches the limit off. GraphQL has its own
#: limit, `GRAPHQL_RATE_LIMIT`. See [Accounts](operators.md#accounts).
RATE_LIMIT = env.int("RATE_LIMIT", 3_000, validate=validate.Range(min=0))
#: The cache that counts rate limits and remembers used codes. All server processes should share it. The container sets
#: `file:///tmp/cms-cache`. See [Accounts](operators.md#accounts).
#: Default: `locmem://`
CACHE_URL = env.dj_cache_url("CACHE_URL", "locmem://")
#: The web addresses of the HTTP caches in front of the CMS. They must support `PURGE`.
FRONTEND_CACHE_URLS: list[str] = env.list("FRONTEND_CACHE_URLS", [], subcast=str)
#: Where to report vulnerabilities, for `/.well-known/security.txt` (RFC 9116): addresses such as
#: `mailto:security@example.org`. Set it together with `SECURITY_EXPIRES`. Without it, the file is not served.
SECURITY_CONTACT: list[str] = env.list("SECURITY_CONTACT", [], subcast=str)
#: When `SECURITY_CONTACT` expires, with a time zone, such as `2027-06-30T12:00:00Z`. Afterwards the file is not served.
SECURITY_EXPIRES: datetime | None = env.datetime("SECURITY_EXPIRES", None)

#: How many megabytes of memory each server process may use to keep answers to readers; `0` switches that off. See
#: [Speed](performance.md).
RESPONSE_CACHE_MB = env.int("RESPONSE_CACHE_MB", 64, validate=validate.Range(min=0, max=16_384))

# -- Database, files and search --

#: The folder of the SQLite database, the uploaded files and the generated secret key.
#: Default: the folder `var` of the checkout; `/data` in the container
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "var"))).resolve()
#: The database, as `sqlite:///…` or `postgres://user:password@host/name`.
#: Default: an SQLite database in `DATA_DIR`
DATABASE_URL = env.dj_db_url("DATABASE_URL", f"sqlite:///{DATA_DIR / 'cms.sqlite3'}")
#: How many seconds a connection to the database stays open for further requests; `0` opens a new one for each request.
#: Each thread of each server process has one connection.
DATABASE_CONN_MAX_AGE = env.int("DATABASE_CONN_MAX_AGE", 600, validate=validate.Range(min=0))
#: The folder of the collected static files.
#: Default: the folder `static` in `DATA_DIR`
STATIC_ROOT_FROM_ENV = env.str("STATIC_ROOT", "")
#: Where uploaded files are stored: in `DATA_DIR` (`local`), or in a storage with the S3 protocol (`s3`).
STORAGE = env.str("STORAGE", "local", validate=validate.OneOf(["local", "s3"]))
#: The name of the bucket, which must be private. It is required with `STORAGE=s3`.
S3_BUCKET = env.str("S3_BUCKET", "")
#: The address of the S3 storage, if it is not Amazon's.
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", "")
#: The region of the bucket, if the storage has regions.
S3_REGION = env.str("S3_REGION", "")
#: The access key for the bucket. Without it, boto3 looks for credentials in its usual places.
S3_ACCESS_KEY_ID = env.str("S3_ACCESS_KEY_ID", "")
#: The secret that belongs to `S3_ACCESS_KEY_ID`.
S3_SECRET_ACCESS_KEY = env.str("S3_SECRET_ACCESS_KEY", "")
#: What sends a file after the CMS has allowed it. `signed-redirect` needs `STORAGE=s3`; the two that begin
#: with `x-` need `STORAGE=local`. See [Who sends the files](operators.md#who-sends-the-files).
FILE_DELIVERY = env.str(
    "FILE_DELIVERY",
    "stream",
    validate=validate.OneOf(["stream", "x-accel-redirect", "x-sendfile", "signed-redirect"]),
)
#: How many seconds caches and browsers may store a public file before they ask again.
FILE_MAX_AGE = env.int("FILE_MAX_AGE", 60, validate=validate.Range(min=0, max=3600))
#: The search backend of the public search and the admin, in the form of Wagtail's setting of the same name. See
#: [Search](operators.md#search).
#: Default: the database
WAGTAILSEARCH_BACKENDS = env.json("WAGTAILSEARCH_BACKENDS", {"default": {"BACKEND": "cms.admin.search_backend"}})

# -- Sign-in and mail --

#: Whether people who can publish, handle restricted content or manage accounts need a second factor.
#: Default: `true` if `CMS_URL` begins with `https://`
REQUIRE_MFA = env.bool("REQUIRE_MFA", CMS_URL.startswith("https://"))
#: How many minutes a session lasts without work in the admin. It also ends when the browser closes.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", 60, validate=validate.Range(min=5, max=1440))
#: The issuer of single sign-on over OpenID Connect. Set it with `OIDC_CLIENT_ID` and `OIDC_CLIENT_SECRET`: all three or
#: none. See [Accounts](operators.md#accounts).
OIDC_SERVER_URL = (env.str("OIDC_SERVER_URL", "", validate=lambda v: _web_address(v) if v else None) or "").rstrip("/")
#: The client ID under which the identity provider knows this CMS.
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
#: The secret that belongs to `OIDC_CLIENT_ID`.
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", "")
#: The words after “Sign in with” on the button for single sign-on.
OIDC_NAME = env.str("OIDC_NAME", "your organisation's account")
#: The mail domains whose addresses count as verified even if the identity provider does not confirm it.
OIDC_EMAIL_DOMAINS: list[str] = env.list("OIDC_EMAIL_DOMAINS", [])
#: Whether single sign-on counts as a second factor. Switch it off if the identity provider does not require one.
OIDC_COUNTS_AS_MFA = env.bool("OIDC_COUNTS_AS_MFA", True)
#: The mail server, such as `smtp+tls://user:password@host:587`. `console:` prints mail instead of sending it.
#: Default: `console:`
EMAIL_URL = env.dj_email_url("EMAIL_URL", "console:")
#: The sender of all mail.
EMAIL_FROM = env.str("EMAIL_FROM", "cms@localhost")

# -- Deadlines and retention --

#: When agendas are due: a week before the meeting, or five clear working days or five clear days before it.
AGENDA_POLICY = env.str(
    "AGENDA_POLICY",
    "week_before",
    validate=validate.OneOf(["week_before", "five_clear_working_days", "five_clear_days"]),
)
#: How many days after a meeting its minutes are due. The partnership decides this.
MINUTES_DUE_DAYS = env.int("MINUTES_DUE_DAYS", 28, validate=validate.Range(min=1, max=365))
#: The deadlines that a lawyer has confirmed as binding. The others are shown as "to be verified".
BINDING_DEADLINES: list[str] = env.list(
    "BINDING_DEADLINES", [], subcast=str, validate=validate.ContainsOnly(["agenda", "plan", "public_meeting"])
)
#: The minimum number of months for which a death-review notice stays online.
DEATH_REVIEW_MINIMUM_MONTHS = env.int("DEATH_REVIEW_MINIMUM_MONTHS", 12, validate=validate.Range(min=1, max=120))

# -- GraphQL --

#: The maximum size of a GraphQL request, in bytes.
GRAPHQL_MAX_BODY = env.int("GRAPHQL_MAX_BODY", 100_000, validate=validate.Range(min=1_000, max=2_000_000))
#: The maximum number of tokens (words and punctuators) in a query. The largest query of `cms/graphql/contract/` has
#: 191.
GRAPHQL_MAX_TOKENS = env.int("GRAPHQL_MAX_TOKENS", 1_500, validate=validate.Range(min=200, max=20_000))
#: The maximum depth of a query. The usual introspection query has depth 15.
GRAPHQL_MAX_DEPTH = env.int("GRAPHQL_MAX_DEPTH", 15, validate=validate.Range(min=8, max=50))
#: The maximum number of aliases in a query. Aliases of scalar fields are not counted, except in introspection.
GRAPHQL_MAX_ALIASES = env.int("GRAPHQL_MAX_ALIASES", 20, validate=validate.Range(min=0, max=1_000))
#: The maximum number of aliases for one field of `Query`, or for one list with `first`.
GRAPHQL_MAX_ALIASES_PER_FIELD = env.int("GRAPHQL_MAX_ALIASES_PER_FIELD", 3, validate=validate.Range(min=1, max=100))
#: The maximum number of fields of `Query` in one operation. The queries of `cms/graphql/contract/` have up to 6.
GRAPHQL_MAX_ROOT_FIELDS = env.int("GRAPHQL_MAX_ROOT_FIELDS", 12, validate=validate.Range(min=6, max=100))
#: The maximum estimated [cost](graphql.md#limits) of a query. The most expensive query of `cms/graphql/contract/` costs
#: 3,089.
GRAPHQL_MAX_COST = env.int("GRAPHQL_MAX_COST", 10_000, validate=validate.Range(min=5_000, max=1_000_000))
#: The maximum number of seconds for a response, counted from the arrival of the request.
GRAPHQL_TIME_BUDGET = env.float("GRAPHQL_TIME_BUDGET", 5.0, validate=validate.Range(min=0.1, max=60))
#: How many requests one client may make in a minute; `0` switches the limit off. A request counts once, and once more
#: for each 1,000 of its cost.
GRAPHQL_RATE_LIMIT = env.int("GRAPHQL_RATE_LIMIT", 2_400, validate=validate.Range(min=0))
#: How many seconds caches and browsers may store the response to a registered document before they ask again.
GRAPHQL_MAX_AGE = env.int("GRAPHQL_MAX_AGE", 60, validate=validate.Range(min=0, max=3600))
#: Whether the API runs only registered documents. `manage.py register_documents` registers them.
GRAPHQL_TRUSTED_DOCUMENTS_ONLY = env.bool("GRAPHQL_TRUSTED_DOCUMENTS_ONLY", False)
#: The origins whose scripts may read the API in browsers (CORS), such as `https://www.example.org`; `*` allows all.
GRAPHQL_CORS_ORIGINS: list[str] = env.list("GRAPHQL_CORS_ORIGINS", [], subcast=str)

_problems: dict[str, list[str]] = {}
try:
    env.seal()
except EnvValidationError as error:
    _problems = dict(error.error_messages)  # type: ignore[arg-type]
if STORAGE == "s3" and not S3_BUCKET:
    _problems["S3_BUCKET"] = ["is needed when STORAGE is s3"]
if FILE_DELIVERY == "signed-redirect" and STORAGE != "s3":
    _problems["FILE_DELIVERY"] = ["can be signed-redirect only when STORAGE is s3"]
if (FILE_DELIVERY or "").startswith("x-") and STORAGE != "local":
    _problems["FILE_DELIVERY"] = [f"can be {FILE_DELIVERY} only when STORAGE is local"]
try:
    for _address in FRONTEND_CACHE_URLS or []:
        _web_address(_address)
except ValidationError as error:
    _problems["FRONTEND_CACHE_URLS"] = [str(error)]
for _origin in GRAPHQL_CORS_ORIGINS or []:
    _parts = urlsplit(_origin)
    if _origin != "*" and (_origin != f"{_parts.scheme}://{_parts.netloc}" or _parts.scheme not in ("http", "https")):
        _problems["GRAPHQL_CORS_ORIGINS"] = ["must be origins such as https://www.example.org with no path, or *"]
for _address in SECURITY_CONTACT or []:
    if not re.fullmatch(r"(https://|mailto:[^@\s]+@|tel:\+)[^\s@]+", _address):
        _problems["SECURITY_CONTACT"] = ["must be addresses such as mailto:security@example.org or https://…"]
if bool(SECURITY_CONTACT) != bool(SECURITY_EXPIRES) and not {"SECURITY_CONTACT", "SECURITY_EXPIRES"} & _problems.keys():
    _problems["SECURITY_EXPIRES"] = ["and SECURITY_CONTACT go together: set both or neither"]
elif SECURITY_EXPIRES and SECURITY_EXPIRES.tzinfo is None:
    _problems["SECURITY_EXPIRES"] = ["must say its time zone, as in 2027-06-30T12:00:00Z"]
_oidc = {
    "OIDC_SERVER_URL": OIDC_SERVER_URL,
    "OIDC_CLIENT_ID": OIDC_CLIENT_ID,
    "OIDC_CLIENT_SECRET": OIDC_CLIENT_SECRET,
}
if any(_oidc.values()):
    for _name, _value in _oidc.items():
        if not _value and _name not in _problems:
            _problems[_name] = ["is needed for single sign-on, with the other two of " + ", ".join(_oidc)]
    _issuer = urlsplit(OIDC_SERVER_URL)
    # Over plain HTTP, an attacker in the network could change the identity provider's response and sign in as anybody.
    if _issuer.scheme == "http" and _issuer.hostname not in ("localhost", "127.0.0.1"):
        _problems["OIDC_SERVER_URL"] = ["must begin with https://"]
if DATABASE_URL and DATABASE_URL["ENGINE"].rpartition(".")[2] not in ("sqlite3", "postgresql"):
    _problems["DATABASE_URL"] = ["must be sqlite:///… or postgres://…"]
if DATABASE_URL and "conn_max_age" in DATABASE_URL.get("OPTIONS", {}):
    _problems["DATABASE_URL"] = ["cannot say conn_max_age: set DATABASE_CONN_MAX_AGE"]
if EMAIL_URL is not None and "EMAIL_BACKEND" not in EMAIL_URL:
    _problems["EMAIL_URL"] = ["must be an address such as smtp+tls://user:password@host:587, or console:"]
if urlsplit(CMS_URL).path:
    _problems["CMS_URL"] = ["must have no path: the CMS answers at the root of its host"]
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    _problems["DATA_DIR"] = [f"cannot be made: {error.strerror}"]
if _problems:
    lines = [f"Environment variable {name}: {' '.join(map(str, why))}" for name, why in _problems.items()]
    sys.exit("\n".join(["The settings are invalid. Correct these and start again:", *lines]))


def _secret_key() -> str:
    """The key from SECRET_KEY, or a generated one in DATA_DIR, so that no site uses a key that is published."""
    if SECRET_KEY_FROM_ENV:
        return SECRET_KEY_FROM_ENV
    path = DATA_DIR / "secret-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key() + get_random_secret_key())
    return path.read_text().strip()


SECRET_KEY = _secret_key()

# --- Django ------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "cms",
    "feeds",
    "pages",
    "documents",
    "wagtail.contrib.redirects",
    "wagtail.contrib.table_block",
    "wagtail.embeds",
    "wagtail.sites",
    "cms.apps.UsersConfig",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
    "django_tasks",
    "graphene_django",
    "graphene_django_graphiql_static",
    "grapple",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "cms.http.security_headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cms.http.readers.ReadersMiddleware",
    "cms.response_cache.allowed.KeptAnswersMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "cms.http.empty_responses.without_length",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "cms.http.rate_limit.ReadersLimitMiddleware",
    "cms.accounts.second_factor.SecondFactorMiddleware",
    "cms.accounts.sessions.IdleTimeMiddleware",
    "pages.confidential.permissions.HiddenObjectsMiddleware",
    "pages.confidential.current_request.CurrentRequestMiddleware",
    "pages.confidential.reading_log.ReadingLogMiddleware",
    "pages.approval.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "cms.urls"
WSGI_APPLICATION = "cms.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": {**DATABASE_URL, "CONN_MAX_AGE": DATABASE_CONN_MAX_AGE, "CONN_HEALTH_CHECKS": DATABASE_CONN_MAX_AGE > 0}
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL allows reading during a write. IMMEDIATE waits for the write lock at the start instead of failing later.
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Many entries, because a full cache evicts the counts of failed sign-ins.
CACHES = {"default": {**CACHE_URL, "max_entries": 10_000}}
# A separate cache counts the requests of readers, so that many of them evict nothing from the default cache.
CACHES["readers"] = {**CACHES["default"], "KEY_PREFIX": "readers"}
# Nothing is cached: Wagtail caches renditions before the transaction is committed, and after a rollback the cache would
# have rows that do not exist (https://github.com/wagtail/wagtail/issues/6096). Lists load their renditions together.
CACHES["renditions"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
match CACHE_URL["BACKEND"].rpartition(".")[2]:
    case "LocMemCache" | "FileBasedCache":  # files are too slow, so each process counts by itself
        CACHES["readers"] |= {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "readers"}
    case "DatabaseCache":
        CACHES["readers"]["LOCATION"] += "_readers"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 60 * 60  # seconds; a link works once

LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = "cms.formats"  # the formats of dates that forms accept
TIME_ZONE = "Europe/London"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
# The container image is built with its static files inside, outside the data volume.
STATIC_ROOT = Path(STATIC_ROOT_FROM_ENV or DATA_DIR / "static")
MEDIA_ROOT = DATA_DIR / "files"
# Files are never served from MEDIA_URL: documents/serving/views.py serves them after an access check.
MEDIA_URL = "/unserved/"
_FILE_STORAGES = {
    "local": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "s3": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT_URL or None,
            "region_name": S3_REGION or None,
            "access_key": S3_ACCESS_KEY_ID or None,
            "secret_key": S3_SECRET_ACCESS_KEY or None,
            "default_acl": "private",
            "querystring_auth": True,
            "file_overwrite": False,
        },
    },
}
STORAGES = {
    "default": _FILE_STORAGES[STORAGE],
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# --- Safety ------------------------------------------------------------------------------------------------

_secure = CMS_URL.startswith("https://")
# The health check of the container requests 127.0.0.1.
ALLOWED_HOSTS = [*(ALLOWED_HOSTS or [urlsplit(CMS_URL).hostname or "localhost"]), "localhost", "127.0.0.1"]
CSRF_TRUSTED_ORIGINS = [CMS_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _secure
SESSION_COOKIE_AGE = SESSION_IDLE_MINUTES * 60  # since cms/accounts/sessions.py last renewed it
SESSION_COOKIE_HTTPONLY, SESSION_COOKIE_SAMESITE = True, "Lax"
SECURE_HSTS_SECONDS = HSTS_SECONDS if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _secure
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # health checks inside the network use plain HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"  # the admin shows previews in a frame
SILENCED_SYSTEM_CHECKS = ["security.W019"]  # recommends DENY, which would break those previews
EMAIL_BACKEND = "pages.editing.outbox.Outbox"  # stores each message until MAIL_TRANSPORT has accepted it
MAIL_TRANSPORT = EMAIL_URL["EMAIL_BACKEND"]
EMAIL_TIMEOUT = 30  # seconds
EMAIL_HOST = EMAIL_URL.get("EMAIL_HOST", "")
EMAIL_PORT = EMAIL_URL.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = EMAIL_URL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = EMAIL_URL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = EMAIL_URL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL_URL.get("EMAIL_USE_SSL", False)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = EMAIL_FROM

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

# --- Signing in (cms/accounts/sign_in.py) ---------------------------------------------------------------------------

# The only backend, so that everybody signs in through allauth, with its rate limits and second factors.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL, ACCOUNT_LOGOUT_REDIRECT_URL = "account_login", "wagtailadmin_home", "account_login"
ACCOUNT_ADAPTER = "cms.accounts.sign_in.AccountAdapter"
ACCOUNT_FORMS = {"reset_password": "cms.accounts.sign_in.ResetPasswordForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "none"  # only administrators enter addresses
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to addresses without an account
ACCOUNT_EMAIL_NOTIFICATIONS = True  # people get an e-mail when their password or second factor changes
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = False  # without access to the admin, the redirects would form a loop
ACCOUNT_SESSION_REMEMBER = False  # a session also ends when the browser closes
# Not allauth's own generator: that would copy addresses to another table, which nothing keeps up to date.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
ALLAUTH_TRUSTED_PROXY_COUNT = int(TRUSTED_PROXY)
MFA_ADAPTER = "cms.accounts.sign_in.MFAAdapter"
MFA_FORMS = {
    "add_webauthn": "cms.accounts.sign_in.AddPasskeyForm",
    "login_webauthn": "cms.accounts.sign_in.PasskeyLoginForm",
    "authenticate_webauthn": "cms.accounts.sign_in.PasskeyForm",
    "reauthenticate_webauthn": "cms.accounts.sign_in.ConfirmByPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody can register, so no stranger can claim an address
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _secure  # without HTTPS, browsers allow passkeys on localhost only
SOCIALACCOUNT_ADAPTER = "cms.accounts.sign_in.SocialAccountAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": "sso",
                "name": OIDC_NAME,
                "client_id": OIDC_CLIENT_ID,
                "secret": OIDC_CLIENT_SECRET,
                "settings": {
                    "server_url": OIDC_SERVER_URL,
                    "oauth_pkce_enabled": True,
                    "verified_email": OIDC_EMAIL_DOMAINS,
                },
            }
        ]
        if OIDC_SERVER_URL
        else []
    }
}
WAGTAIL_PASSWORD_MANAGEMENT_ENABLED = False  # allauth's screens change and reset passwords
# Whoever has the address can get into the account (password reset, single sign-on), so only administrators change it.
WAGTAIL_EMAIL_MANAGEMENT_ENABLED = False

# --- Wagtail -----------------------------------------------------------------------------------------------

WAGTAIL_SITE_NAME = "Community Safety CMS"
WAGTAILADMIN_BASE_URL = CMS_URL
WAGTAILDOCS_DOCUMENT_MODEL = "documents.Document"
WAGTAILIMAGES_IMAGE_MODEL = "documents.Image"
WAGTAILDOCS_EXTENSIONS = ["csv", "docx", "json", "odp", "ods", "odt", "pdf", "pptx", "txt", "xlsx"]
WAGTAILDOCS_SERVE_METHOD = "serve_view"
WAGTAILDOCS_DOCUMENT_FORM_BASE = "documents.access.forms.DocumentForm"
WAGTAILIMAGES_IMAGE_FORM_BASE = "documents.access.forms.ImageForm"
# Wagtail stores these passwords as plain text.
WAGTAIL_PRIVATE_PAGE_OPTIONS = WAGTAILDOCS_PRIVATE_COLLECTION_OPTIONS = {"SHARED_PASSWORD": False}
WAGTAILREDIRECTS_AUTO_CREATE = False  # the ledger redirects old addresses (pages/reading/at_path.py)
WAGTAIL_ALLOW_UNICODE_SLUGS = False
WAGTAILFRONTENDCACHE = {
    address: {"BACKEND": "wagtail.contrib.frontend_cache.backends.HTTPBackend", "LOCATION": address}
    for address in FRONTEND_CACHE_URLS
}
WAGTAILIMAGES_EXTENSIONS = ["avif", "gif", "jpg", "jpeg", "png", "webp"]
WAGTAIL_WORKFLOW_REQUIRE_REAPPROVAL_ON_EDIT = True
WAGTAIL_WORKFLOW_CANCEL_ON_PUBLISH = False  # a submitted version stays submitted
PREVIEW_CHANNELS = "cms.previews.CHANNELS"  # pages/models/preview_channels.py
WAGTAIL_FINISH_WORKFLOW_ACTION = "pages.approval.publish_approved.publish_approved"
WAGTAILADMIN_PERMITTED_LANGUAGES = [("en-gb", "English")]  # other languages read dates in other formats
WAGTAIL_USER_TIME_ZONES = ["Europe/London"]  # meetings are in local time, wherever an editor is
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None  # send no e-mail addresses to a third party
WAGTAILIMAGES_MAX_UPLOAD_SIZE = 20 * 1024 * 1024
WAGTAILEMBEDS_FINDERS: list[dict[str, str]] = []  # pages embed nothing from other sites
TAGGIT_CASE_INSENSITIVE = True

# --- GraphQL -----------------------------------------------------------------------------------------------

GRAPPLE = {"APPS": ["pages"], "PAGE_INTERFACE": "cms.graphql.types.interfaces.PageInterface"}
GRAPHENE = {"SCHEMA": "cms.graphql.schema.query.schema"}
# Scripts of these origins may read the API, without cookies. No other address uses this package.
# Browsers ask before they send these headers to another site. Nothing here reads them.
TRACING_HEADERS = [
    "b3",
    "baggage",
    "elastic-apm-traceparent",
    "newrelic",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-trace-id",
    "x-request-id",
]
CLIENT_HEADERS = [  # of Apollo's clients for browsers and phones
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "x-apollo-operation-id",
    "x-apollo-operation-name",
]
CORS_URLS_REGEX = r"^/graphql/$" if GRAPHQL_CORS_ORIGINS else r"(?!)"
CORS_ALLOW_ALL_ORIGINS = "*" in GRAPHQL_CORS_ORIGINS
CORS_ALLOWED_ORIGINS = [origin for origin in GRAPHQL_CORS_ORIGINS if origin != "*"]
CORS_ALLOW_METHODS = ["GET", "POST"]
CORS_ALLOW_HEADERS = [
    "accept",
    "cache-control",
    "content-type",
    "if-none-match",
    *CLIENT_HEADERS,
    *TRACING_HEADERS,
]
CORS_EXPOSE_HEADERS = ["ETag", "RateLimit", "RateLimit-Policy", "Retry-After"]

# --- Rules without an environment variable -----------------------------------------------------------------

# Whether commands may publish death-review notices (`publish_by_command` in pages/approval/workflow.py). Only tests may
# switch it on, so it has no environment variable.
COMMANDS_MAY_PUBLISH_DEATH_REVIEWS = False
