"""Writes down what is public, in the transaction that makes it so; cms/publication.py calls it.

The ledger decides nothing about now: pages/visibility.py does. It remembers what was public before and where, so
that an address that readers knew never turns into "not found" (pages/at_path.py).
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from wagtail.models import Page

from pages import addresses
from pages.models import ContentPage, PublicAddress, PublicRecord
from pages.visibility import public


@transaction.atomic
def update(page: Page, at: datetime) -> set[str]:
    """Bring the ledger up to date for a page and all below it.

    Returns the paths whose answer is another one now.
    """
    pages = ContentPage.objects.filter(path__startswith=page.path)
    records = PublicRecord.objects.filter(page__path__startswith=page.path)
    known = {record.uuid: record for record in records}
    now_public = {row.uuid: row for row in public(pages, at).only("uuid", "url_path", "show_safe_exit")}
    written, new_addresses, paths = [], [], set()
    for uuid, row in now_public.items():
        path, record = addresses.url_path(row), known.get(uuid)
        if record is None or record.ended_at or record.path != path:
            new_addresses.append(PublicAddress(record_id=uuid, path=path, since=at))
            paths |= {path, record.path if record else path}
        elif record.show_safe_exit == row.show_safe_exit:
            continue
        written.append(
            PublicRecord(
                uuid=uuid,
                page_id=row.pk,
                path=path,
                show_safe_exit=row.show_safe_exit,
                first_public_at=record.first_public_at if record else at,
            )
        )
    PublicRecord.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["uuid"],
        update_fields=["page", "path", "show_safe_exit", "ended_at"],
    )
    PublicAddress.objects.bulk_create(
        new_addresses, update_conflicts=True, unique_fields=["record", "path"], update_fields=["since"]
    )
    ended = [record for uuid, record in known.items() if uuid not in now_public and record.ended_at is None]
    end(records.filter(pk__in=[record.pk for record in ended]), at)
    return paths | {record.path for record in ended}


def end(records: QuerySet[PublicRecord], at: datetime) -> None:
    records.update(ended_at=at)
