"""Compares published versions with the log of approvals."""

from collections.abc import Iterator

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from pages.content.choices import ApprovalRole
from pages.models import ContentPage
from pages.models.approvals import Approval, content_hash
from pages.models.snippets import ModeratedSnippet

# Set at publication, or changed by moderators directly.
NOT_COMPARED = ("change_note", "file_facts", "update_kind")
PROMISE = "minimum_online_until"


class Command(BaseCommand):
    help = (
        "Reports published pages and shared text that have no approval, or that differ from the approved version, as "
        "after a manual change in the database. Exits with 1 if there are any."
    )

    def handle(self, *args: str, **options: object) -> None:
        objects = list(_published())
        found = [(obj, why) for obj in tqdm(objects, desc="published", unit="item", disable=None) if (why := _why(obj))]
        for obj, why in found:
            self.stdout.write(f"{type(obj)._meta.verbose_name} {obj.pk} “{obj}”: {why}")
        if found:
            raise CommandError(f"{len(objects)} published, {len(found)} of them without the approvals they need.")
        self.stdout.write(f"{len(objects)} published, all of them approved.")


def _published() -> Iterator[ContentPage | ModeratedSnippet]:
    yield from ContentPage.objects.filter(live=True, withdrawal_kind="").order_by("path").specific()
    for model in ModeratedSnippet.__subclasses__():
        yield from model._default_manager.filter(live=True).order_by("pk")


def _why(obj: ContentPage | ModeratedSnippet) -> str:
    """The problem with a published object, or an empty string."""
    revision = obj.live_revision
    if revision is None:
        return "there is no record of the version that is public."
    approvals = Approval.objects.filter(
        revision=revision, content_hash=content_hash(revision.content), voided_at__isnull=True
    )
    roles = set(approvals.values_list("role", flat=True))
    if not roles & {ApprovalRole.COMMAND, ApprovalRole.FAST_LANE} and not roles.issuperset(obj.approving_roles):
        return "an approval of the version that is public is missing."
    set_at_publication = () if revision.content.get(PROMISE) else (PROMISE,)  # if empty, publication fills it in
    left_out = (*NOT_COMPARED, *set_at_publication)
    if content_hash(revision.content, left_out) != content_hash(obj.serializable_data(), left_out):
        return "it was changed, or something that it refers to was deleted, after it was published."
    return ""
