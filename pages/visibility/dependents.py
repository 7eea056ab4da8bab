"""What pages show of other pages: who has to be told when a page changes, moves, comes or goes.

Of a page that it leads to, a page shows the plain values; of those above it, title and address (docs/graphql.md).
`pages/visibility/ledger.py` asks here, in the transaction that changes something.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from modelcluster.fields import ParentalKey
from wagtail.fields import RichTextField, StreamField
from wagtail.models import get_page_models

from documents.models import PublishedFile
from pages.content.references import child_relations, of_blocks_and_text
from pages.models import ContentPage, PartnershipPage, PriorityPage, ShownPage
from pages.models.approvals import NOT_APPROVED_BY_ANYBODY
from pages.visibility import current
from pages.visibility.rule import public

SHOWN_DATES = {"first_published_at", "public_updated_at", "last_reviewed_on", "next_review_due_on"}
PAGES_AT_ONCE = 100


def plain_values(page: ContentPage) -> dict[str, Any]:
    """What others show of a page, and perhaps more: its fields that lead to nothing else."""
    return {
        field.name: getattr(page, field.name)
        for field in page._meta.concrete_fields
        if not field.is_relation
        and not isinstance(field, RichTextField | StreamField)
        and (field.name in SHOWN_DATES or field.name not in NOT_APPROVED_BY_ANYBODY)
    }


# --- Pages that a version names ---


def pages_of(page: ContentPage) -> set[int]:
    """The pages that a version of a page names: in its fields, its rows, its blocks and its text."""
    keys: set[int] = set()
    for obj in [page, *(row for name in child_relations(type(page)) for row in getattr(page, name).all())]:
        keys |= of_blocks_and_text(obj).pages
        for field in obj._meta.concrete_fields:
            target: Any = field.related_model
            own = isinstance(field, ParentalKey) or (field.is_relation and field.remote_field.parent_link)
            if field.is_relation and not own and issubclass(target, ContentPage):
                keys |= {getattr(obj, field.attname)}
    return keys - {None}


def record(page: ContentPage) -> None:
    """Write down which pages this version names, in place of those of the last."""
    named, rows = pages_of(page), ShownPage.objects.filter(page_id=page.pk)
    known = set(rows.values_list("shown_id", flat=True))
    if known - named:
        rows.filter(shown__in=known - named).delete()
    ShownPage.objects.bulk_create(ShownPage(page_id=page.pk, shown_id=key) for key in sorted(named - known))


def record_all() -> None:
    """The same for all published pages: those that were published before anybody wrote it down."""
    for model in get_page_models():
        if issubclass(model, ContentPage) and model is not ContentPage:
            published = model.objects.filter(live=True, first_published_at__isnull=False)
            rows = published.prefetch_related(*child_relations(model))
            for page in rows.iterator(chunk_size=PAGES_AT_ONCE):
                record(page)


def showing(targets: Iterable[int]) -> set[int]:
    """The pages that name one of these, or show a document of which it is the web page."""
    targets = set(targets)
    if not targets:
        return set()
    found = set(ShownPage.objects.filter(shown__in=targets).values_list("page_id", flat=True))
    files = PublishedFile.objects.filter(document__html_equivalent__in=targets)
    return found | set(files.values_list("page_id", flat=True))


# --- Pages that others show without naming them ---


def worked_out(as_of: datetime) -> dict[str, dict[str, list[Any]]]:
    """What pages show at the instant because of the dates and places of others, by primary key.

    Of the partnership the current period and plan, the next meeting and past periods; of a period its status and its
    priorities.
    """
    past, now, future = current.periods(as_of)
    standing = [(past, "past"), ([now] if now else [], "current"), (future, "future")]
    periods = {period.path: [status, period.pk] for group, status in standing for period in group}
    for path, key in public(PriorityPage.objects.order_by("number", "uuid"), as_of).values_list("path", "pk"):
        if period := periods.get(path[: -ContentPage.steplen]):
            period.append(key)
    plan, meeting = current.current_plan(as_of), current.next_meeting(as_of)
    of_partnership = [each and each.pk for each in (now, plan, meeting, *past)]
    partnerships = public(PartnershipPage.objects.all(), as_of).values_list("pk", flat=True)
    return {
        "periods": {str(key): [status, *priorities] for status, key, *priorities in periods.values()},
        "partnerships": {str(key): of_partnership for key in partnerships},
    }


def telling(before: dict[str, Any], now: dict[str, Any], targets: set[int]) -> set[int]:
    """The pages that show something else now, where these `targets` changed and what is worked out went from `before`
    to `now`."""
    old_periods, periods = before.get("periods", {}), now["periods"]
    others = {int(key) for key, found in periods.items() if found[:1] != old_periods.get(key, [])[:1]}
    changed = targets | others  # a period's status is seen on other pages, too
    found = showing(changed) | others
    for key, (_, *priorities) in periods.items():
        if old_periods.get(key) != periods[key] or changed & set(priorities):
            found.add(int(key))
        if int(key) in changed:
            found |= set(priorities)
    for key, shown in now["partnerships"].items():
        if before.get("partnerships", {}).get(key) != shown or changed & set(shown):
            found.add(int(key))
    return found
