"""What the admin leaves out, wherever it lists or counts, for people who may not handle death reviews.

Wagtail's lists ask the permission policies (pages/confidential/permissions.py). These parts of it read past them:
bulk actions name
what somebody may not touch, the admin's API lists every file, tags are offered whatever they are on, and the numbers of
uses and of pages take in everything.
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import CharField, Count, Q, QuerySet
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, JsonResponse
from taggit.models import Tag, TaggedItem
from wagtail import hooks
from wagtail.admin import filters
from wagtail.admin.auth import require_admin_access
from wagtail.admin.mail import EmailNotificationMixin
from wagtail.admin.site_summary import PagesSummaryItem
from wagtail.admin.views.bulk_action import BulkAction
from wagtail.admin.views.chooser import BrowseView
from wagtail.admin.views.pages.listing import PageFilterSet
from wagtail.admin.views.reports.audit_logging import SiteHistoryReportFilterSet, get_users_for_filter
from wagtail.admin.views.reports.locked_pages import LockedPagesReportFilterSet
from wagtail.admin.views.reports.workflows import WorkflowReportFilterSet
from wagtail.admin.views.workflows import Disable as DisableWorkflow
from wagtail.admin.views.workflows import DisableTask
from wagtail.contrib.redirects.models import Redirect
from wagtail.documents.api.admin.views import DocumentsAdminAPIViewSet
from wagtail.images.api.admin.views import ImagesAdminAPIViewSet
from wagtail.images.views import chooser
from wagtail.models import Collection, Page, PageLogEntry, ReferenceIndex, Workflow, WorkflowState
from wagtail.models.audit_log import ModelLogEntryManager
from wagtail.models.pages import PageLogEntryManager
from wagtail.models.reference_index import ReferenceIndexQuerySet
from wagtail.permissions import policy_registry
from wagtail.query import PageQuerySet

from documents.models import Document, Image
from pages.confidential.current_request import current_user
from pages.confidential.hidden_objects import replace
from pages.confidential.permissions import (
    LONGEST_KEY,
    OF_DEATH_REVIEWS,
    hidden_rows,
    hides_death_reviews,
    in_sight,
    without_death_reviews,
)
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS, may_be_told, of_death_reviews
from pages.models import DeathReviewIndexPage

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
    if not hides_death_reviews():
        return every
    pages = Q(content_type__in=ContentType.objects.get_for_models(*OF_DEATH_REVIEWS).values())
    return every.exclude(pages | _on_hidden_files())


def _on_hidden_files() -> Q:
    """Of rows that name things by content type and key: those of files of death reviews."""
    hidden = Q(pk__in=[])
    for model in (Document, Image):
        keys = model.objects.filter(of_death_reviews()).values_list("pk", flat=True)
        hidden |= Q(content_type=ContentType.objects.get_for_model(model), object_id__in=list(keys))
    return hidden


def _uses_of_tags(model: Any) -> QuerySet[TaggedItem]:
    """On files that the person who asks may find."""
    uses, user = TaggedItem.objects.filter(content_type=ContentType.objects.get_for_model(model)), current_user()
    return uses if user is None else uses.filter(object_id__in=found_by(user, model).values("pk"))


def popular_tags(model: Any, count: int = 10) -> QuerySet[Tag]:
    """In place of Wagtail's, with the tags of what the person may find."""
    uses = _uses_of_tags(model)
    used = Count("taggit_taggeditem_items", filter=Q(taggit_taggeditem_items__in=uses))
    return Tag.objects.annotate(used=used).filter(used__gt=0).order_by("-used", "name")[:count]


@require_admin_access
def offered_tags(request: HttpRequest, **kwargs: Any) -> JsonResponse:
    """In place of Wagtail's: what the box for tags offers while somebody types."""
    term = request.GET.get("term")
    used = Q(pk__in=_uses_of_tags(Document).values("tag")) | Q(pk__in=_uses_of_tags(Image).values("tag"))
    tags = Tag.objects.filter(used, name__istartswith=term) if term else Tag.objects.none()
    return JsonResponse(list(tags.order_by("name").values_list("name", flat=True)[:10]), safe=False)


def without_a_number(original: Any, view: Any, **kwargs: Any) -> dict[str, Any]:
    """Wagtail says how many pages and snippets wait, hidden ones too."""
    context: dict[str, Any] = original(view, **kwargs)
    context["warning_message"] = "What waits for approval by it will wait no more. Nobody is told."
    return context


def files_of_the_api(view: Any) -> QuerySet[Any]:
    """In place of Wagtail's: the admin's API lists every document and image to anybody in the admin."""
    return found_by(view.request.user, view.model).order_by("id")


def entries_in_sight(original: Any, entries: Any, user: Any) -> QuerySet[Any]:
    """The log of what is no page, for the site's history. Of what was deleted nobody can say where it was."""
    found: QuerySet[Any] = original(entries, user)
    if user.has_perm(HANDLE_DEATH_REVIEWS):
        return found
    for model in (Document, Image, Collection, Redirect):
        seen = model._default_manager.filter(~hidden_rows(model)).annotate(key=Cast("pk", CharField())).values("key")
        of_these = Q(content_type=ContentType.objects.get_for_model(model))
        found = found.exclude(of_these & ~Q(object_id__in=seen))
    return found


def page_entries_in_sight(original: Any, entries: Any, user: Any) -> QuerySet[Any]:
    """The log of pages, for the site's history: also of pages that were deleted."""
    found: QuerySet[Any] = original(entries, user)
    return without_death_reviews(found, user)


def recipients_in_sight(original: Any, notifier: Any, instance: Any, **kwargs: Any) -> set[Any]:
    """Who gets mail about a step of approval: its subject names what is to be approved."""
    about = getattr(instance, "workflow_state", instance).content_object
    return {person for person in original(notifier, instance, **kwargs) if may_be_told(person, about)}


# --- The people that lists can be filtered by: those who have to do with something that is in them ---


def owners(request: HttpRequest) -> QuerySet[Any]:
    return _people(found_by(request.user, Page).values("owner"))


def editors(request: HttpRequest) -> QuerySet[Any]:
    pages = found_by(request.user, Page).values("pk")
    return _people(PageLogEntry.objects.filter(action="wagtail.edit", page__in=pages).values("user"))


def requesters(request: HttpRequest) -> QuerySet[Any]:
    return _people(in_sight(WorkflowState.objects.all()).values("requested_by"))


def lockers(request: HttpRequest) -> QuerySet[Any]:
    return _people(found_by(request.user, Page).values("locked_by"))


def _people(keys: QuerySet[Any]) -> QuerySet[Any]:
    people = get_user_model()._default_manager
    return people.filter(pk__in=keys.order_by()).order_by(get_user_model().USERNAME_FIELD)


def people_of_the_history(original: Any, filters_of_a_list: Any) -> QuerySet[Any]:
    """Wagtail's own takes those of all entries."""
    found: QuerySet[Any] = get_users_for_filter(filters_of_a_list.request.user)
    return found


PEOPLE = (
    (PageFilterSet, "owner", owners),
    (PageFilterSet, "edited_by", editors),
    (WorkflowReportFilterSet, "requested_by", requesters),
    (LockedPagesReportFilterSet, "locked_by", lockers),
)


# --- The page chooser ---


def children_in_sight(original: Any, page: Any) -> int:
    """Whether the chooser leads on to what is below a page."""
    hidden = hides_death_reviews() and bool(getattr(page.specific_class, "permission_to_find", ""))
    return 0 if hidden else original(page)


def choose_from(original: Any, view: Any, pages: QuerySet[Any]) -> QuerySet[Any]:
    """A page of another type than the one that is wanted is offered where something is below it."""
    found: QuerySet[Any] = original(view, pages)
    kinds = tuple(view.desired_classes)  # types that a chooser asks for, and no page
    if not hides_death_reviews() or issubclass(DeathReviewIndexPage, kinds):
        return found
    return found.exclude(content_type=ContentType.objects.get_for_model(DeathReviewIndexPage))


def begin_to_choose(original: Any, pages: Any, *args: Any, **kwargs: Any) -> Any:
    """Where the chooser opens: at the page above all that can be chosen."""
    return original(in_sight(pages) if pages.model is Page else pages, *args, **kwargs)


class PagesInSight(PagesSummaryItem):
    """How many pages there are, on the first screen."""

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        context = super().get_context_data(parent_context)
        return {**context, "total_pages": found_by(self.request.user, Page).exclude(depth=1).count()}


@hooks.register("construct_homepage_summary_items", order=100)  # after Wagtail's own, which adds the item
def count_pages_in_sight(request: Any, items: list[Any]) -> None:
    items[:] = [PagesInSight(request) if isinstance(item, PagesSummaryItem) else item for item in items]


def replace_wagtail_parts() -> None:
    """tests/test_hidden_in_the_admin.py notices when Wagtail reads past one of these."""
    BulkAction.get_actionable_objects = actionable_objects
    for module in (filters, chooser):
        module.popular_tags_for_model = popular_tags
    replace(SiteHistoryReportFilterSet, "get_users_queryset")(people_of_the_history)
    for filters_of_a_list, name, people in PEOPLE:
        filters_of_a_list.base_filters[name].queryset = people
    for view in (DocumentsAdminAPIViewSet, ImagesAdminAPIViewSet):
        view.get_queryset = files_of_the_api
    type(ReferenceIndex.objects).get_queryset = references_in_sight
    replace(ModelLogEntryManager, "viewable_by_user")(entries_in_sight)
    replace(PageLogEntryManager, "viewable_by_user")(page_entries_in_sight)
    for disabling in (DisableWorkflow, DisableTask):
        replace(disabling, "get_context_data")(without_a_number)
    replace(EmailNotificationMixin, "get_valid_recipients")(recipients_in_sight)
    replace(Page, "get_children_count")(children_in_sight)
    replace(BrowseView, "filter_object_list")(choose_from)
    replace(PageQuerySet, "first_common_ancestor")(begin_to_choose)
    replace(Workflow, "all_pages")(lambda original, workflow: in_sight(original(workflow)))
