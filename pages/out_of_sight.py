"""What the admin leaves out, wherever it lists or counts, for people who may not handle death reviews.

Wagtail's lists ask the permission policies (pages/permissions.py). These parts of it read past them: bulk actions name
what somebody may not touch, and the numbers of uses and of pages take in everything.
"""

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.http import Http404
from wagtail import hooks
from wagtail.admin.site_summary import PagesSummaryItem
from wagtail.admin.views.bulk_action import BulkAction
from wagtail.models import Page, ReferenceIndex
from wagtail.models.reference_index import ReferenceIndexQuerySet
from wagtail.permissions import policy_registry

from documents.models import Document, Image
from pages.permissions import LONGEST_KEY, OF_DEATH_REVIEWS, collections_of_death_reviews, keeps_out_of_sight

FINDING = {"add", "change", "delete", "view", "choose"}


def found_by(user: Any, model: Any) -> QuerySet[Any]:
    """What somebody may find of a model: bulk actions take their keys, and "all", from this alone."""
    policy = policy_registry.get_by_type(model)
    if issubclass(model, Page):
        return policy.explorable_instances(user)
    return policy.instances_user_has_any_permission_for(user, FINDING)


def actionable_objects(action: BulkAction) -> tuple[list[Any], dict[str, list[Any]]]:
    """In place of Wagtail's: the key of what somebody may not find is answered as a key of nothing."""
    asked, parent = action.request.GET.getlist("id"), action.request.GET.get("childOf")
    found = found_by(action.request.user, action.model)
    if not all(_may_be_a_key(key) for key in [*asked, parent or "all"]):
        raise Http404
    if "all" in asked:
        if parent is not None and issubclass(action.model, Page) and not found.filter(pk=parent).exists():
            raise Http404
        asked = list(action.get_all_objects_in_listing_query(parent))
    keys = set(found.filter(pk__in=asked).values_list("pk", flat=True))
    allowed: list[Any] = []
    refused: list[Any] = []
    for each in action.get_queryset(action.model, keys):
        (allowed if action.check_perm(each) else refused).append(each)
    return allowed, {"items_with_no_access": refused}


def _may_be_a_key(key: str) -> bool:
    return key == "all" or (key.isascii() and key.isdecimal() and len(key) <= LONGEST_KEY)


def references_in_sight(manager: Any) -> QuerySet[ReferenceIndex]:
    """What uses what: all numbers and lists of uses in the admin begin with `ReferenceIndex.objects`."""
    every = ReferenceIndexQuerySet(ReferenceIndex, using=manager._db)
    if not keeps_out_of_sight.get():
        return every
    hidden = Q(content_type__in=ContentType.objects.get_for_models(*OF_DEATH_REVIEWS).values())
    for model in (Document, Image):
        files = model.objects.filter(collection__in=collections_of_death_reviews())
        keys = [str(key) for key in files.values_list("pk", flat=True)]
        hidden |= Q(content_type=ContentType.objects.get_for_model(model), object_id__in=keys)
    return every.exclude(hidden)


class PagesInSight(PagesSummaryItem):
    """How many pages there are, on the first screen."""

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        context = super().get_context_data(parent_context)
        return {**context, "total_pages": found_by(self.request.user, Page).exclude(depth=1).count()}


@hooks.register("construct_homepage_summary_items")
def count_pages_in_sight(request: Any, items: list[Any]) -> None:
    items[:] = [PagesInSight(request) if isinstance(item, PagesSummaryItem) else item for item in items]


def install() -> None:
    """tests/test_hidden_in_the_admin.py notices when Wagtail reads past one of these."""
    BulkAction.get_actionable_objects = actionable_objects
    type(ReferenceIndex.objects).get_queryset = references_in_sight
