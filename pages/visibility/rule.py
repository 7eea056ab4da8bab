"""What is public now. Everything that serves content asks here, and nothing else decides it; docs/what-is-public.md
tells editors the same.

A page is public at an instant when it and every page above it, up to the root of the tree,
- is live (published and not unpublished; a live flag without a first publication date is no publication),
- has not expired: `expire_at` is later than the instant, whether or not the scheduler has run,
- has no view restriction (a login, a group or a password),
- is not withdrawn,
and the page lies at most `MAX_DEPTH` levels deep.
So a live child of a draft is hidden, and so is everything under a private page. A page that was public once (the
ledger knows) and is not now is gone: readers learn that something was there, and nothing of what it said.

The rule exists as SQL (`public`) and as plain Python (`answer`); tests/test_visibility.py proves that they agree.
"""

from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from django.db.models import BooleanField, Exists, F, Func, Model, OuterRef, Q, QuerySet
from django.utils import timezone
from wagtail.models import Page, PageViewRestriction

from pages.content.choices import WithdrawalKind
from pages.models import Alert, ContentPage, PublicRecord, Topic
from pages.models.base import MAX_DEPTH
from pages.models.snippets import ModeratedSnippetQuerySet

AnyPage = TypeVar("AnyPage", bound=ContentPage)
AnyRow = TypeVar("AnyRow", bound=Model)
AnySnippet = TypeVar("AnySnippet", bound=Model)


class Answer(Enum):
    """What a reader may learn of a page."""

    PUBLIC = "public"
    WITHDRAWN = "withdrawn"  # that it was there, and why it is not now, or what to read instead
    GONE = "gone"  # that something was there
    HIDDEN = "hidden"  # nothing, not even that it exists


class _IsOnTheWay(Func):
    """Whether a page is another page, or above it: its tree path is one of the beginnings of the other's.

    One expression that writes all beginnings, as Django takes longer to put such a query together than a database
    to answer it. A path has four letters a level; listed like this, the database looks each up in its index.
    """

    output_field = BooleanField()
    arity = 2

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        (path, path_params), (of, of_params) = map(compiler.compile, self.get_source_expressions())
        ends = [Page.steplen * level for level in range(1, MAX_DEPTH + 1)]
        beginnings = ", ".join(f"SUBSTR({of}, 1, {end})" for end in ends)
        return f"{path} IN ({beginnings})", (*path_params, *of_params * len(ends))


def _without_obstacle(queryset: QuerySet[AnyRow], obstacle: Q, as_of: datetime, via: str = "") -> QuerySet[AnyRow]:
    not_published = Q(contentpage__isnull=True) | Q(first_published_at__isnull=True)
    hidden = (
        Q(live=False) | Q(expire_at__lte=as_of) | (not_published & Q(depth__gt=1)) | Q(view_restrictions__isnull=False)
    )
    on_the_way = Page.objects.filter(_IsOnTheWay(F("path"), OuterRef(f"{via}path")))
    return queryset.filter(~Exists(on_the_way.filter(hidden | obstacle)), **{f"{via}depth__lte": MAX_DEPTH})


def public(queryset: QuerySet[AnyPage], as_of: datetime | None = None) -> QuerySet[AnyPage]:
    """Those pages of a queryset of `ContentPage`, or of a page type, that are public at the instant (now)."""
    return public_rows(queryset, "", as_of)


def public_rows(queryset: QuerySet[AnyRow], via: str, as_of: datetime | None = None) -> QuerySet[AnyRow]:
    """Those rows whose page is public; `via` leads from the row to the page, as in "page__".

    The rule is joined to the rows and not asked of a subquery of pages: PostgreSQL would run that for each row.
    """
    withdrawn = Q(contentpage__withdrawal_kind__gt="")
    return _without_obstacle(queryset, withdrawn, as_of or timezone.now(), via)


def public_or_withdrawn_rows(queryset: QuerySet[AnyRow], via: str, as_of: datetime | None = None) -> QuerySet[AnyRow]:
    """Those rows whose page is public, or was withdrawn with an explanation and would be public otherwise."""
    told = Q(contentpage__withdrawal_kind=WithdrawalKind.WITHDRAWN, pk=OuterRef(f"{via}pk"))
    return _without_obstacle(queryset, Q(contentpage__withdrawal_kind__gt="") & ~told, as_of or timezone.now(), via)


def public_or_withdrawn(queryset: QuerySet[AnyPage], as_of: datetime | None = None) -> QuerySet[AnyPage]:
    """Those pages that would be public at the instant, had they themselves not been withdrawn."""
    an_ancestor_withdrawn = Q(contentpage__withdrawal_kind__gt="") & ~Q(pk=OuterRef("pk"))
    return _without_obstacle(queryset, an_ancestor_withdrawn, as_of or timezone.now())


def withdrawn(queryset: QuerySet[AnyPage], as_of: datetime | None = None) -> QuerySet[AnyPage]:
    """Those of them that have been withdrawn."""
    return public_or_withdrawn(queryset, as_of).filter(withdrawal_kind__gt="")


def answer(page: ContentPage, as_of: datetime | None = None) -> Answer:
    """The same rule for one page as it is in the database, in plain Python."""
    as_of = as_of or timezone.now()
    own = ContentPage.objects.get(pk=page.pk)
    way: list[Page] = [*page.get_ancestors().specific(), own]
    if _is_public(way, as_of):
        if not own.withdrawal_kind:
            return Answer.PUBLIC
        return Answer.GONE if own.withdrawal_kind == WithdrawalKind.GONE else Answer.WITHDRAWN
    return Answer.GONE if PublicRecord.objects.filter(pk=page.uuid).exists() else Answer.HIDDEN


def _is_public(way: list[Page], as_of: datetime) -> bool:
    """Whether the last page of the way up to the root is public, leaving aside its own withdrawal."""
    page = way[-1]
    restricted = set(PageViewRestriction.objects.values_list("page_id", flat=True))
    if page.depth > MAX_DEPTH:
        return False
    for step in way:
        ours = isinstance(step, ContentPage)
        expired = step.expire_at is not None and step.expire_at <= as_of
        published = step.depth == 1 or (ours and step.first_published_at is not None)
        if not step.live or not published or expired or step.pk in restricted:
            return False
        if ours and step.withdrawal_kind and step is not page:
            return False
    return True


def public_snippets(queryset: QuerySet[AnySnippet], as_of: datetime | None = None) -> QuerySet[AnySnippet]:
    """Snippets with drafts: those that are published and not expired. Labels have no drafts and are all public."""
    if isinstance(queryset, ModeratedSnippetQuerySet):
        return queryset.shown_at(as_of or timezone.now())
    return queryset


def public_topics(as_of: datetime | None = None) -> QuerySet[Topic]:
    """Topics that at least one public page is filed under: a topic of drafts alone would tell of the drafts."""
    filed = ContentPage.topics.through.objects.filter(topic_id=OuterRef("pk"))
    return Topic.objects.filter(Exists(public_rows(filed, "contentpage__", as_of)))


def public_alerts(as_of: datetime | None = None) -> QuerySet[Alert]:
    """Alerts that show at the instant."""
    as_of = as_of or timezone.now()
    return public_snippets(Alert.objects.all(), as_of).filter(
        Q(active_from__isnull=True) | Q(active_from__lte=as_of), active_until__gt=as_of
    )
