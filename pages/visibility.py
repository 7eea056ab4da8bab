"""What is public now. Everything that serves content asks here, and nothing else decides it.

A page is public at an instant when it and every page above it, up to the root of the tree,
- is live (published and not unpublished),
- has not expired: `expire_at` is later than the instant, whether or not the scheduler has run,
- has no view restriction (a login, a group or a password),
- is not withdrawn,
and the page itself was published (it has a first publication date) and lies at most `MAX_DEPTH` levels deep.
So a live child of a draft is hidden, and so is everything under a private page.

The rule exists as SQL (`public`) and as plain Python (`answer`); tests/test_visibility.py proves that they agree.
"""

from datetime import datetime
from enum import Enum
from typing import TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Substr
from django.utils import timezone
from wagtail.models import Page, PageViewRestriction

from pages.models import Alert, ContentPage, Topic
from pages.models.base import MAX_DEPTH
from pages.models.snippets import ModeratedSnippet

AnyPage = TypeVar("AnyPage", bound=ContentPage)
AnyRow = TypeVar("AnyRow", bound=Model)
AnySnippet = TypeVar("AnySnippet", bound=Model)


class Answer(Enum):
    """What a reader may learn of a page."""

    PUBLIC = "public"
    WITHDRAWN = "withdrawn"  # that it was there, and why it is not now
    HIDDEN = "hidden"  # nothing, not even that it exists


def _ways_up(via: str) -> list[Substr]:
    """The tree paths of the page in the outer query and of all pages above it. A path has four letters a level."""
    return [Substr(OuterRef(f"{via}path"), 1, Page.steplen * level) for level in range(1, MAX_DEPTH + 1)]


def _without_obstacle(queryset: QuerySet[AnyRow], obstacle: Q, at: datetime, via: str = "") -> QuerySet[AnyRow]:
    on_the_way = Page.objects.filter(path__in=_ways_up(via))
    not_ours = Q(contentpage__isnull=True, depth__gt=1)
    return queryset.filter(
        ~Exists(on_the_way.filter(Q(live=False) | Q(expire_at__lte=at) | not_ours | obstacle)),
        ~Exists(PageViewRestriction.objects.filter(page__path__in=_ways_up(via))),
        **{f"{via}first_published_at__isnull": False, f"{via}depth__lte": MAX_DEPTH},
    )


def public(queryset: QuerySet[AnyPage], at: datetime | None = None) -> QuerySet[AnyPage]:
    """Those pages of a queryset of `ContentPage`, or of a page type, that are public at the instant (now)."""
    return public_rows(queryset, "", at)


def public_rows(queryset: QuerySet[AnyRow], via: str, at: datetime | None = None) -> QuerySet[AnyRow]:
    """Those rows whose page is public; `via` leads from the row to the page, as in "page__".

    The rule is joined to the rows and not asked of a subquery of pages: PostgreSQL would run that for each row.
    """
    withdrawn = Q(contentpage__withdrawal_kind__gt="")
    return _without_obstacle(queryset, withdrawn, at or timezone.now(), via)


def withdrawn(queryset: QuerySet[AnyPage], at: datetime | None = None) -> QuerySet[AnyPage]:
    """Those pages that would be public at the instant, had they themselves not been withdrawn."""
    an_ancestor_withdrawn = Q(contentpage__withdrawal_kind__gt="") & ~Q(pk=OuterRef("pk"))
    return _without_obstacle(queryset, an_ancestor_withdrawn, at or timezone.now()).filter(withdrawal_kind__gt="")


def answer(page: ContentPage, at: datetime | None = None) -> Answer:
    """The same rule for one page as it is in the database, in plain Python."""
    at = at or timezone.now()
    way: list[Page] = [*page.get_ancestors().specific(), ContentPage.objects.get(pk=page.pk)]
    restricted = set(PageViewRestriction.objects.values_list("page_id", flat=True))
    if page.depth > MAX_DEPTH or page.first_published_at is None:
        return Answer.HIDDEN
    for step in way:
        ours = isinstance(step, ContentPage)
        expired = step.expire_at is not None and step.expire_at <= at
        if not step.live or expired or step.pk in restricted or (not ours and step.depth > 1):
            return Answer.HIDDEN
        if ours and step.withdrawal_kind and step.pk != page.pk:
            return Answer.HIDDEN
    return Answer.WITHDRAWN if way[-1].withdrawal_kind else Answer.PUBLIC


def public_snippets(queryset: QuerySet[AnySnippet], at: datetime | None = None) -> QuerySet[AnySnippet]:
    """Snippets with drafts: those that are published and not expired. Labels have no drafts and are all public."""
    if issubclass(queryset.model, ModeratedSnippet):
        at = at or timezone.now()
        return queryset.filter(Q(expire_at__isnull=True) | Q(expire_at__gt=at), live=True)
    return queryset


def public_topics(at: datetime | None = None) -> QuerySet[Topic]:
    """Topics that at least one public page is filed under: a topic of drafts alone would tell of the drafts."""
    filed = ContentPage.topics.through.objects.filter(topic_id=OuterRef("pk"))
    return Topic.objects.filter(Exists(public_rows(filed, "contentpage__", at)))


def public_alerts(at: datetime | None = None) -> QuerySet[Alert]:
    """Alerts that show at the instant."""
    at = at or timezone.now()
    return public_snippets(Alert.objects.all(), at).filter(
        Q(active_from__isnull=True) | Q(active_from__lte=at), active_until__gt=at
    )
