"""Finds the pages that show something of another page, and so change when that page changes, moves, appears or goes.

A page shows the plain values of the pages that it refers to, and the titles and addresses of its ancestors
(docs/graphql.md). `pages/visibility/ledger.py` calls this in the transaction that makes the change.
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
    """The values of the fields that other pages may show: those that are no relations, rich text or streams."""
    return {
        field.name: getattr(page, field.name)
        for field in page._meta.concrete_fields
        if not field.is_relation
        and not isinstance(field, RichTextField | StreamField)
        and (field.name in SHOWN_DATES or field.name not in NOT_APPROVED_BY_ANYBODY)
    }


# --- References of a version ---


def pages_of(page: ContentPage) -> set[int]:
    """The primary keys of the pages that a version refers to, in its fields, child objects, blocks and text."""
    keys: set[int] = set()
    for obj in [page, *(row for name in child_relations(type(page)) for row in getattr(page, name).all())]:
        keys |= of_blocks_and_text(obj).pages
        for field in obj._meta.concrete_fields:
            target: Any = field.related_model
            is_parent = isinstance(field, ParentalKey) or (field.is_relation and field.remote_field.parent_link)
            if field.is_relation and not is_parent and issubclass(target, ContentPage):
                keys |= {getattr(obj, field.attname)}
    return keys - {None}


def record(page: ContentPage) -> None:
    """Record the pages that this version refers to, in place of those of the last version."""
    named, rows = pages_of(page), ShownPage.objects.filter(page_id=page.pk)
    known = set(rows.values_list("shown_id", flat=True))
    if known - named:
        rows.filter(shown__in=known - named).delete()
    ShownPage.objects.bulk_create(ShownPage(page_id=page.pk, shown_id=key) for key in sorted(named - known))


def record_all() -> None:
    """Record the references of all published pages, once after an upgrade from a version that did not record them."""
    for model in get_page_models():
        if issubclass(model, ContentPage) and model is not ContentPage:
            published = model.objects.filter(live=True, first_published_at__isnull=False)
            rows = published.prefetch_related(*child_relations(model))
            for page in rows.iterator(chunk_size=PAGES_AT_ONCE):
                record(page)


def showing(targets: Iterable[int]) -> set[int]:
    """The pages that refer to one of the targets, or show a document whose HTML equivalent is one."""
    targets = set(targets)
    if not targets:
        return set()
    found = set(ShownPage.objects.filter(shown__in=targets).values_list("page_id", flat=True))
    files = PublishedFile.objects.filter(document__html_equivalent__in=targets)
    return found | set(files.values_list("page_id", flat=True))


# --- Pages shown without a reference ---


def worked_out(as_of: datetime) -> dict[str, dict[str, list[Any]]]:
    """What pages show at the instant that follows from the dates and tree positions of others, by primary key.

    For the partnership: the current period and plan, the next meeting and past periods. For a period: its status and
    its priorities.
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


def affected_by(before: dict[str, Any], now: dict[str, Any], targets: set[int]) -> set[int]:
    """The pages that show something different now, after the `targets` changed, and the result of `worked_out` changed
    from `before` to `now`."""
    old_periods, periods = before.get("periods", {}), now["periods"]
    others = {int(key) for key, found in periods.items() if found[:1] != old_periods.get(key, [])[:1]}
    changed = targets | others  # other pages show a period's status
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
