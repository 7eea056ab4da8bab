"""The rule that decides what is public. Every channel uses it; docs/what-is-public.md explains it to editors.

A page is public at an instant if it and each of its ancestors, up to the root of the tree,
- is live (published and not unpublished; a live flag without a first publication date is no publication),
- has not expired: `expire_at` is later than the instant, whether or not the scheduler has run,
- has no view restriction (a login, a group or a password),
- is not withdrawn,
and its depth is at most `MAX_DEPTH`.
So a live child of a draft is hidden, and so is every descendant of a private page. A page that was public before
(recorded in the ledger) and is not now is gone: readers learn that there was a page, and nothing of its content.

`public` looks the answer up: triggers keep it as a row of `PageVisibility` for each page (facts.py). The rule itself
exists as SQL (`worked_out`) and as plain Python (`answer`); tests/test_visibility.py proves that the three agree.
"""

from datetime import datetime
from enum import Enum
from typing import TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Exists, F, Func, Model, OuterRef, Q, QuerySet
from django.db.models.sql.compiler import SQLCompiler
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
    """What a reader may learn about a page."""

    PUBLIC = "public"
    WITHDRAWN = "withdrawn"  # that there was a page, and why it is gone or what to read instead
    GONE = "gone"  # that there was a page
    HIDDEN = "hidden"  # nothing, not even that it exists


class _IsSelfOrAncestor(Func):
    """Whether a page is another page or an ancestor of it: its tree path is a prefix of the other's.

    A path has `steplen` characters for each level. The SQL lists all prefixes, and the database looks each up in an
    index. It is one expression, because Django takes longer to build many than a database to run them.
    """

    output_field = BooleanField()
    arity = 2

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: object, **extra: object
    ) -> tuple[str, tuple[str | int, ...]]:
        (path, path_params), (of, of_params) = map(compiler.compile, self.get_source_expressions())
        lengths = [Page.steplen * level for level in range(1, MAX_DEPTH + 1)]
        prefixes = ", ".join(f"SUBSTR({of}, 1, {length})" for length in lengths)
        return f"{path} IN ({prefixes})", (*path_params, *of_params * len(lengths))


def worked_out(as_of: datetime, *, withdrawn: bool) -> QuerySet[ContentPage]:
    """The public pages, or the withdrawn ones that would be public otherwise, from the tables of pages themselves.

    It is slow, and the oracle for what the triggers keep in `PageVisibility`.
    """
    above_withdrawn = Q(contentpage__withdrawal_kind__gt="") & ~Q(pk=OuterRef("pk"))
    pages = (
        ContentPage.objects.filter(withdrawal_kind__gt="")
        if withdrawn
        else ContentPage.objects.filter(withdrawal_kind="")
    )
    not_published = Q(contentpage__isnull=True) | Q(first_published_at__isnull=True)
    hidden = (
        Q(live=False) | Q(expire_at__lte=as_of) | (not_published & Q(depth__gt=1)) | Q(view_restrictions__isnull=False)
    )
    self_or_ancestors = Page.objects.filter(_IsSelfOrAncestor(F("path"), OuterRef("path")))
    return pages.filter(~Exists(self_or_ancestors.filter(hidden | above_withdrawn)), depth__lte=MAX_DEPTH)


def public(queryset: QuerySet[AnyPage], as_of: datetime | None = None) -> QuerySet[AnyPage]:
    """The pages of the queryset that are public at the instant (default: now)."""
    return public_rows(queryset, "", as_of)


def public_rows(queryset: QuerySet[AnyRow], via: str, as_of: datetime | None = None) -> QuerySet[AnyRow]:
    """The rows whose page is public. `via` is the lookup prefix from the row to the page, as in "page__"."""
    return _unexpired(queryset, as_of, via).filter(**{f"{via}visibility__withdrawal_kind": ""})


def public_or_withdrawn_rows(queryset: QuerySet[AnyRow], via: str, as_of: datetime | None = None) -> QuerySet[AnyRow]:
    """The rows whose page is public, or is withdrawn with an explanation and would be public otherwise."""
    kinds = ["", WithdrawalKind.WITHDRAWN]
    return _unexpired(queryset, as_of, via).filter(**{f"{via}visibility__withdrawal_kind__in": kinds})


def public_or_withdrawn(queryset: QuerySet[AnyPage], as_of: datetime | None = None) -> QuerySet[AnyPage]:
    """The pages that are public at the instant, or would be if they themselves were not withdrawn."""
    return _unexpired(queryset, as_of)


def _unexpired(queryset: QuerySet[AnyRow], as_of: datetime | None, via: str = "") -> QuerySet[AnyRow]:
    """The rows whose page has a row in `PageVisibility` that still holds."""
    return queryset.filter(**{f"{via}visibility__until__gt": as_of or timezone.now()})


def withdrawn(queryset: QuerySet[AnyPage], as_of: datetime | None = None) -> QuerySet[AnyPage]:
    """The withdrawn pages that would be public otherwise."""
    return public_or_withdrawn(queryset, as_of).filter(withdrawal_kind__gt="")


def comes_to_readers(page: ContentPage, as_of: datetime | None = None) -> bool:
    """Whether readers see a version of this page that is published: nothing above hides it, and it is not private."""
    parent = page.get_parent()
    is_private = PageViewRestriction.objects.filter(page__in=page.get_ancestors(inclusive=True)).exists()
    is_reached = parent.depth == 1 or public(ContentPage.objects.filter(pk=parent.pk), as_of).exists()
    return page.depth <= MAX_DEPTH and is_reached and not is_private


def answer(page: ContentPage, as_of: datetime | None = None) -> Answer:
    """The same rule for one page as it is in the database, in plain Python."""
    as_of = as_of or timezone.now()
    stored = ContentPage.objects.get(pk=page.pk)
    branch: list[Page] = [*page.get_ancestors().specific(), stored]
    if _is_public(branch, as_of):
        if not stored.withdrawal_kind:
            return Answer.PUBLIC
        return Answer.GONE if stored.withdrawal_kind == WithdrawalKind.GONE else Answer.WITHDRAWN
    return Answer.GONE if PublicRecord.objects.filter(pk=page.uuid).exists() else Answer.HIDDEN


def _is_public(branch: list[Page], as_of: datetime) -> bool:
    """Whether the last page is public, apart from its own withdrawal. `branch` starts at the root of the tree."""
    page = branch[-1]
    restricted = set(PageViewRestriction.objects.values_list("page_id", flat=True))
    if page.depth > MAX_DEPTH:
        return False
    for step in branch:
        is_content = isinstance(step, ContentPage)
        expired = step.expire_at is not None and step.expire_at <= as_of
        published = step.depth == 1 or (is_content and step.first_published_at is not None)
        if not step.live or not published or expired or step.pk in restricted:
            return False
        if is_content and step.withdrawal_kind and step is not page:
            return False
    return True


def public_snippets(queryset: QuerySet[AnySnippet], as_of: datetime | None = None) -> QuerySet[AnySnippet]:
    """The snippets that are published and not expired. Models without drafts (labels) are always public."""
    if isinstance(queryset, ModeratedSnippetQuerySet):
        return queryset.shown_at(as_of or timezone.now())
    return queryset


def public_topics(as_of: datetime | None = None) -> QuerySet[Topic]:
    """The topics of public pages. A topic that only drafts have would reveal the drafts."""
    assignments = ContentPage.topics.through.objects.filter(topic_id=OuterRef("pk"))
    return Topic.objects.filter(Exists(public_rows(assignments, "contentpage__", as_of)))


def public_alerts(as_of: datetime | None = None) -> QuerySet[Alert]:
    """The alerts that are active and published at the instant."""
    as_of = as_of or timezone.now()
    return public_snippets(Alert.objects.all(), as_of).filter(
        Q(active_from__isnull=True) | Q(active_from__lte=as_of), active_until__gt=as_of
    )
