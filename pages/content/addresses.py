"""Addresses of pages: the path on the site, the absolute address on the public website, and the edit screen."""

import threading
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.dispatch import Signal
from django.urls import reverse
from wagtail.models import Page, Site

_of_request = threading.local()


def site_root_path() -> str:
    """The `url_path` of the home page, as in "/home/". Wagtail caches it, and a reader's request asks Wagtail once."""
    known: str | None = getattr(_of_request, "root_path", None)
    if known is None:
        roots = Site.get_site_root_paths()
        known = roots[0].root_path if roots else "/"
        if getattr(_of_request, "has_begun", False):
            _of_request.root_path = known
    return known


def _forget_root_path(signal: Signal, environ: Mapping[str, str] | None = None, **kwargs: object) -> None:
    """Requests of the admin remember nothing: they may move the home page, and then write addresses."""
    reads_only = environ is not None and not environ.get("PATH_INFO", "").startswith("/admin/")
    _of_request.root_path, _of_request.has_begun = None, signal is request_started and reads_only


request_started.connect(_forget_root_path, dispatch_uid="pages.root_path_of_request")
request_finished.connect(_forget_root_path, dispatch_uid="pages.no_root_path")


def url_path(page: Page) -> str:
    """The path on the site, as in "/meetings/24-february-2026/"."""
    return site_path(page.url_path)


def site_path(tree_path: str) -> str:
    """The path on the site for a `url_path` of Wagtail, as in "/home/meetings/24-february-2026/"."""
    return "/" + tree_path.removeprefix(site_root_path()).lstrip("/")


def url(page: Page) -> str:
    """The absolute address on the public website, or on this CMS if WEBSITE_URL is not set."""
    return website(url_path(page))


def website(path: str) -> str:
    """The absolute address of a path of the site."""
    return (settings.WEBSITE_URL or settings.CMS_URL) + path


def path_of(address: str) -> str | None:
    """The path on the site of an absolute address, with query and fragment. None for an address elsewhere."""
    if not is_our_own(address):
        return None
    parts = urlsplit(address)
    bases = [base for base in (settings.WEBSITE_URL, settings.CMS_URL) if base]
    base = next(urlsplit(base).path for base in bases if _is_below(address, base))
    return urlunsplit(("", "", f"/{parts.path[len(base) :].lstrip('/')}", parts.query, parts.fragment))


def edit_url(page: Page) -> str:
    """The path of the page's edit screen in the admin."""
    return reverse("wagtailadmin_pages:edit", args=[page.pk])


def tree_path(path: str) -> str:
    """The `url_path` of Wagtail for a path on the site. Slashes at either end may be missing."""
    return site_root_path() + (path.strip("/") + "/" if path.strip("/") else "")


def is_our_own(address: str) -> bool:
    """Whether an absolute address is on this CMS or on the public website."""
    return any(_is_below(address, base) for base in (settings.CMS_URL, settings.WEBSITE_URL) if base)


def _is_below(address: str, base: str) -> bool:
    try:
        theirs, ours = urlsplit(address), urlsplit(base)
    except ValueError:
        return False
    below = f"{theirs.path}/".startswith(f"{ours.path}/")
    same = (theirs.scheme, theirs.netloc.lower(), below) == (ours.scheme, ours.netloc.lower(), True)
    return same and "\\" not in address
