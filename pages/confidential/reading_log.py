"""Who saw a death-review notice in the admin: writes it to the log that the page's history shows.

One entry for each person, notice, thing seen (the notice or one of its files) and day, so that the log stays readable.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from wagtail.log_actions import LogFormatter, log
from wagtail.models import PageLogEntry, Revision

from documents.models import Document, Image
from pages.models import DeathReviewNoticePage

SEEN = "pages.seen"
NOTICE = "notice"
# How Wagtail's views of one page call its key.
PAGE_ARGUMENTS = ("page_id", "pk", "page_to_move_id")


class SeenFormatter(LogFormatter):
    label = "See a restricted notice"

    def format_message(self, log_entry: Any) -> str:
        what = log_entry.data.get("seen", NOTICE)
        return "Looked at the notice" if what == NOTICE else f"Opened a file of the notice ({what})"


class ReadingLogMiddleware:
    """Notes every answer of an admin screen about one notice: editing, previews, history, comparisons, workflow."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match and "wagtailadmin_pages" in match.namespaces and response.status_code == 200:
            key = next((match.kwargs[name] for name in PAGE_ARGUMENTS if name in match.kwargs), None)
            notice = DeathReviewNoticePage.objects.filter(pk=key).first() if key else None
            if notice:
                note_seen(notice, request.user, NOTICE)
        return response


def note_seen(notice: DeathReviewNoticePage, user: Any, what: str) -> None:
    """Write that the person saw it, unless that was written today."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    seen = PageLogEntry.objects.filter(page=notice.pk, user=user, action=SEEN, timestamp__gte=today, data__seen=what)
    if not seen.exists():
        log(instance=notice, action=SEEN, user=user, data={"seen": what})


def note_file_seen(file: Document | Image, user: Any) -> None:
    """Write that the person opened a file, with each notice that has it in any of its versions."""
    kind = "documents" if isinstance(file, Document) else "images"
    versions = Revision.objects.filter(
        content_type__app_label="pages",
        content_type__model=DeathReviewNoticePage._meta.model_name,
        **{f"content__file_facts__{kind}__has_key": str(file.pk)},
    )
    keys = {int(key) for key in versions.values_list("object_id", flat=True)}
    for notice in DeathReviewNoticePage.objects.filter(pk__in=keys):
        note_seen(notice, user, f"{'document' if kind == 'documents' else 'picture'} {file.pk}")
