"""The security headers of every response: Content-Security-Policy, Permissions-Policy and others.

The middleware comes before all others, so that redirects and errors have the headers too. Uploaded files have a policy
of their own (documents/serving/delivery.py), which is kept.
"""

from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.http import HttpRequest, HttpResponse

# Features that are off for this site and its frames. Features that are not named are off in cross-origin frames.
OFF = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "screen-wake-lock",
    "usb",
    "xr-spatial-tracking",
)
# Features that only this site's own pages have: copying an address, and passkeys (cms/accounts/sign_in.py).
OWN = ("clipboard-write", "fullscreen", "publickey-credentials-create", "publickey-credentials-get")
PERMISSIONS = ", ".join([*(f"{name}=()" for name in OFF), *(f"{name}=(self)" for name in OWN)])
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# GraphiQL's dialogs try to add an inline style to stop the page behind them from scrolling. The policy forbids it, and
# that does no harm: the page does not scroll.
GRAPHIQL = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _pictures() -> str:
    """The further source of pictures if files are served by redirects: browsers apply the policy to redirects, too."""
    return f" {_origin(storages['default'])}" if settings.FILE_DELIVERY == "signed-redirect" else ""


@cache
def _origin(storage: Storage) -> str:
    address = urlsplit(storage.url("picture"))
    return f"{address.scheme}://{address.netloc}"


def of_pages(scripts: str = "") -> str:
    """The policy of public pages, which the admin may show in a frame. `scripts` that is not empty allows scripts."""
    own = f"'self' {settings.CMS_URL}"
    return (
        f"default-src 'none'; style-src {own}; img-src {own}{_pictures()}; {scripts and f'script-src {own}; '}"
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def of_admin(path: str) -> str:
    """The policy of the admin: scripts from our files only (cms/admin/widgets.py), and Wagtail's inline styles."""
    frames, forms = "'self'", "'self'"
    if settings.WEBSITE_PREVIEW_URL:
        website = urlsplit(settings.WEBSITE_PREVIEW_URL)
        frames += f" {website.scheme}://{website.netloc}"
    if settings.OIDC_SERVER_URL and path.startswith("/admin/login/"):
        forms = "*"  # the form redirects to the identity provider, whose metadata names the address
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:{_pictures()}; "
        f"font-src 'self' data:; connect-src 'self'; frame-src {frames}; form-action {forms}; base-uri 'none'; "
        "frame-ancestors 'self'"
    )


def policy(path: str, content_type: str) -> str:
    """The Content-Security-Policy of a response that has none yet."""
    if path.startswith("/admin/"):
        return of_admin(path)
    if not content_type.startswith("text/html"):
        return NOTHING
    if path == "/graphiql/":
        return GRAPHIQL
    return of_pages(scripts="with" if path.startswith("/feeds/") else "")


class SecurityHeadersMiddleware:
    """Adds the headers that the response does not have yet."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        path, is_page = request.path_info, response.get("Content-Type", "").startswith("text/html")
        headers = {
            "Content-Security-Policy": policy(path, response.get("Content-Type", "")),
            "Permissions-Policy": PERMISSIONS,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
            # The public website shows files, and reads the API and the feeds. No other site may embed our pages.
            "Cross-Origin-Resource-Policy": "same-origin" if is_page or path.startswith("/admin/") else "cross-origin",
        }
        if path.startswith("/admin/"):  # for the views that are not Wagtail's, which sets it by itself
            headers["Cache-Control"] = "private, no-store"
        elif response.status_code in (404, 410):  # something may be published at this address at any time
            headers["Cache-Control"] = "no-cache"
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response
