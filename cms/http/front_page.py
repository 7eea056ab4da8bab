"""The front page, GraphiQL, the documentation, the health check and security.txt."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import markdown
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from cms.database_fit import why_unfit
from feeds.catalogue import MEDIA_TYPES, offered_everywhere
from pages.content import addresses
from pages.models import ContentPage, MeetingPage, PartnershipPage
from pages.reading.at_path import Withdrawn, at_path
from pages.visibility.rule import public
from pages.web.views import article

logger = logging.getLogger(__name__)
DATABASE_FITS, DATABASE_FITS_SECONDS = "database_fits", 60  # the cache key, and how long a good result is cached
CONTRACT = Path(settings.BASE_DIR) / "cms" / "graphql" / "contract"
DOCS = Path(settings.BASE_DIR) / "docs"
EDITORS = DOCS / "editors.md"
HOME = "index"  # the page at /docs/
# Pages outside docs/: name in the address → file.
BESIDE_DOCS = {
    "readme": "README.md",
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
    "security-policy": "SECURITY.md",
}
SCREENSHOTS = Path(settings.BASE_DIR) / ".artifacts" / "screenshots"


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """What the CMS is, with links to its parts. Without a website, it shows the home page and links to its children."""
    home = public(PartnershipPage.objects.all()).first()
    feeds = [
        {"title": f"{each.title} ({kind.label})", "url": each.url(kind), "media_type": MEDIA_TYPES[kind]}
        for each in offered_everywhere()
        for kind in each.formats
    ]
    as_of = timezone.now()
    gone = at_path("/", as_of) if home is None else None
    context = {
        "home": home,
        "explanation": gone.explanation if isinstance(gone, Withdrawn) else None,
        "article": article(home, as_of) if home and not settings.WEBSITE_URL else "",
        "sections": _sections(home) if home else [],
        "feeds": feeds,
        "website": settings.WEBSITE_URL,
    }
    response = render(request, "cms/front_page.html", context)
    response["Cache-Control"] = "no-cache"
    return response


def _sections(home: PartnershipPage) -> list[dict[str, str]]:
    below = public(ContentPage.objects.child_of(home)).order_by("path")[:50]
    return [{"title": page.title, "url": addresses.url(page), "summary": page.summary} for page in below]


@require_safe
def graphiql(request: HttpRequest) -> HttpResponse:
    """GraphiQL, with the contract's queries as examples. All its files are local, so it works without the internet."""
    return render(request, "cms/graphiql.html", {"examples": _examples()})


def _examples() -> list[dict[str, Any]]:
    """Name, query and variables of each query of the contract. The variables name pages of this site if it has any."""
    meeting = public(MeetingPage.objects.all()).order_by("-starts_at").first()
    variables: dict[str, dict[str, str]] = {
        "meeting": {"urlPath": addresses.url_path(meeting) if meeting else "/meetings/"},
        "page": {"urlPath": "/"},
        "search": {"query": "safety"},
        "site": {"path": "/"},
    }
    return [
        {
            "name": path.stem.capitalize(),
            "query": path.read_text(),
            "variables": json.dumps(variables.get(path.stem, {}), indent=2),
        }
        for path in sorted(CONTRACT.glob("*.graphql"))
    ]


@require_safe
def documentation(request: HttpRequest, name: str = HOME) -> HttpResponse:
    """A page of docs/, or one of the Markdown files outside it, as HTML."""
    pages = _documentation_pages()
    if name not in pages:
        raise Http404
    path = pages[name]
    html = markdown.markdown(path.read_text(), extensions=["tables", "fenced_code", "toc"])
    names = {path: name for name, path in pages.items()}
    context = {
        "pages": [each for each in pages if "/" not in each],
        "name": name,
        "content": mark_safe(_with_local_links(html, path, names)),  # noqa: S308 - our own files
    }
    return render(request, "cms/documentation.html", context)


def _documentation_pages() -> dict[str, Path]:
    """Name in the address → Markdown file. The name is the file's path in docs/ without the suffix."""
    pages = {path.relative_to(DOCS).with_suffix("").as_posix(): path for path in sorted(DOCS.rglob("*.md"))}
    beside = {name: Path(settings.BASE_DIR) / file for name, file in BESIDE_DOCS.items()}
    return {HOME: pages.pop(HOME), **beside, **pages}


def _with_local_links(html: str, path: Path, names: dict[Path, str]) -> str:
    """Rewrite links between Markdown files to addresses of this site, and make wide code scrollable by keyboard.

    `path` is the file that the HTML was made from, `names` maps files to names in addresses.
    """

    def address(link: re.Match[str]) -> str:
        name = names.get((path.parent / link[1]).resolve())
        return reverse("documentation", args=[name]) if name else link[0]

    html = re.sub(r'(?<=href=")([\w./-]+\.md)(?=["#])', address, html)
    html = re.sub(r'(?<=src=")screenshots/([\w-]+)\.png', lambda name: reverse("screenshot", args=[name[1]]), html)
    return html.replace("<pre>", '<pre tabindex="0" role="group" aria-label="Code">')


@require_safe
def screenshot(request: HttpRequest, name: str) -> HttpResponse:
    """A screenshot that docs/editors.md shows. `make screenshots` makes them; they are not in version control."""
    if name not in re.findall(r"screenshots/([\w-]+)\.png", EDITORS.read_text()):
        raise Http404
    path = SCREENSHOTS / f"{name}.png"
    if not path.exists():
        text = "This screenshot has not been made. Run `make screenshots`, which needs Chromium.\n"
        return HttpResponse(text, status=404, content_type="text/plain; charset=utf-8")
    return HttpResponse(path.read_bytes(), content_type="image/png")


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """200 if the database answers and fits the code, otherwise 503. For load balancers and the container."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    problem = None if cache.get(DATABASE_FITS) else why_unfit()
    if problem is None:
        cache.add(DATABASE_FITS, True, DATABASE_FITS_SECONDS)
    else:  # only the log names tables and columns
        logger.error(problem)
    status, text = (503, "The database does not fit this version of the CMS.\n") if problem else (200, "ok\n")
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8", headers=headers)


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """How to report a vulnerability (RFC 9116). 404 without a contact, or after SECURITY_EXPIRES."""
    until = settings.SECURITY_EXPIRES
    if until is None or until <= timezone.now():
        raise Http404
    lines = [
        *(f"Contact: {address}" for address in settings.SECURITY_CONTACT),
        f"Expires: {until.isoformat()}",
        "Preferred-Languages: en",
        f"Canonical: {settings.CMS_URL}{reverse('security_txt')}",
    ]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")
