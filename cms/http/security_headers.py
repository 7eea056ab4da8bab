"""What browsers may do with each answer: its Content-Security-Policy, and the headers that go with it.

One middleware before all others, so that redirects, refusals and faults carry them too. Uploaded files have a policy of
their own (documents/serving/delivery.py), which stays.
"""

from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.http import HttpRequest, HttpResponse

# Off for this site and for whatever it might frame. What is not named is off by default in other frames.
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
# Copying an address, and passkeys (cms/accounts/sign_in.py), on these pages alone.
OWN = ("clipboard-write", "fullscreen", "publickey-credentials-create", "publickey-credentials-get")
PERMISSIONS = ", ".join([*(f"{name}=()" for name in OFF), *(f"{name}=(self)" for name in OWN)])
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Its dialogs try to add a style against scrolling the page behind them. That is refused; the page does not scroll.
GRAPHIQL = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _pictures() -> str:
    """Where pictures come from: browsers ask of redirects, too, and documents/serving/delivery.py may send them on."""
    return f" {_origin(storages['default'])}" if settings.FILE_DELIVERY == "signed-redirect" else ""


@cache
def _origin(storage: Storage) -> str:
    address = urlsplit(storage.url("picture"))
    return f"{address.scheme}://{address.netloc}"


def of_pages(scripts: str = "") -> str:
    """A page that is read and nothing else; the admin may show it in a frame."""
    own = f"'self' {settings.CMS_URL}"
    return (
        f"default-src 'none'; style-src {own}; img-src {own}{_pictures()}; {scripts and f'script-src {own}; '}"
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def of_admin(path: str) -> str:
    """No script but those of files of ours (cms/admin/widgets.py). Wagtail sets styles in its pages by itself."""
    frames, forms = "'self'", "'self'"
    if settings.WEBSITE_PREVIEW_URL:
        website = urlsplit(settings.WEBSITE_PREVIEW_URL)
        frames += f" {website.scheme}://{website.netloc}"
    if settings.OIDC_SERVER_URL and path.startswith("/admin/login/"):
        forms = "*"  # the identity provider says where it is, and browsers ask of redirects, too
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:{_pictures()}; "
        f"font-src 'self' data:; connect-src 'self'; frame-src {frames}; form-action {forms}; base-uri 'none'; "
        "frame-ancestors 'self'"
    )


def policy(path: str, content_type: str) -> str:
    """The Content-Security-Policy of an answer that has none yet."""
    if path.startswith("/admin/"):
        return of_admin(path)
    if not content_type.startswith("text/html"):
        return NOTHING
    if path == "/graphiql/":
        return GRAPHIQL
    return of_pages(scripts="with" if path.startswith("/feeds/") else "")


class SecurityHeadersMiddleware:
    """Adds what the answer does not say by itself."""

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
            # The public website shows files and reads the API and the feeds; nobody shows pages of the admin.
            "Cross-Origin-Resource-Policy": "same-origin" if is_page or path.startswith("/admin/") else "cross-origin",
        }
        if path.startswith("/admin/"):  # Wagtail says so of its own screens
            headers["Cache-Control"] = "private, no-store"
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response
