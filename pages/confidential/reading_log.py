"""Logs who viewed a death-review notice in the admin. The history of the page shows the entries.

There is one entry per user, notice, object viewed (the notice or one of its files) and day, so that the log stays
readable.
"""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from wagtail.log_actions import LogFormatter, log
from wagtail.models import PageLogEntry, Revision

from documents.models import Document, Image
from pages.models import DeathReviewNoticePage

SEEN = "pages.seen"
NOTICE = "notice"
# The URL keywords by which Wagtail's views of one page name its primary key.
PAGE_ARGUMENTS = ("page_id", "pk", "page_to_move_id")


class SeenFormatter(LogFormatter):
    label = "View a restricted notice"

    def format_message(self, log_entry: PageLogEntry) -> str:
        viewed = log_entry.data.get("seen", NOTICE)
        return "Viewed the notice" if viewed == NOTICE else f"Opened a file of the notice ({viewed})"


class ReadingLogMiddleware:
    """Logs every response of an admin screen about one notice: editing, previews, history, comparisons, workflow."""

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


def note_seen(notice: DeathReviewNoticePage, user: User | AnonymousUser, what: str) -> None:
    """Log that the user viewed `what`: NOTICE, or a file in words. Writes nothing if that was logged today."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    seen = PageLogEntry.objects.filter(page=notice.pk, user=user, action=SEEN, timestamp__gte=today, data__seen=what)
    if not seen.exists():
        log(instance=notice, action=SEEN, user=user, data={"seen": what})


def note_file_seen(file: Document | Image, user: User | AnonymousUser) -> None:
    """Log that the user opened a file, for each notice that has the file in any of its versions."""
    kind = "documents" if isinstance(file, Document) else "images"
    versions = Revision.objects.filter(
        content_type__app_label="pages",
        content_type__model=DeathReviewNoticePage._meta.model_name,
        **{f"content__file_facts__{kind}__has_key": str(file.pk)},
    )
    keys = {int(key) for key in versions.values_list("object_id", flat=True)}
    for notice in DeathReviewNoticePage.objects.filter(pk__in=keys):
        note_seen(notice, user, f"{'document' if kind == 'documents' else 'picture'} {file.pk}")
