"""Leaves hidden objects out of the admin's lists and counts for users who may not handle death reviews.

Wagtail's lists use the permission policies (pages/confidential/permissions.py). The parts of Wagtail that are replaced
here do not: bulk actions name objects that the user may not change, the admin's API lists every file, tags of all files
are suggested and matched, and the numbers of uses and of pages count everything.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import CharField, Count, Exists, Manager, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, JsonResponse
from taggit.managers import _TaggableManager
from taggit.models import Tag, TaggedItem
from wagtail import hooks
from wagtail.admin import filters
from wagtail.admin.auth import require_admin_access
from wagtail.admin.mail import EmailNotificationMixin, Notifier
from wagtail.admin.site_summary import PagesSummaryItem, SummaryItem
from wagtail.admin.views.bulk_action import BulkAction
from wagtail.admin.views.chooser import BrowseView
from wagtail.admin.views.pages.edit import EditView
from wagtail.admin.views.pages.listing import PageFilterSet
from wagtail.admin.views.reports.audit_logging import SiteHistoryReportFilterSet, get_users_for_filter
from wagtail.admin.views.reports.locked_pages import LockedPagesReportFilterSet, LockedPagesView
from wagtail.admin.views.reports.workflows import WorkflowReportFilterSet
from wagtail.admin.views.workflows import Disable as DisableWorkflow
from wagtail.admin.views.workflows import DisableTask
from wagtail.contrib.redirects.models import Redirect
from wagtail.documents.api.admin.views import DocumentsAdminAPIViewSet
from wagtail.images.api.admin.views import ImagesAdminAPIViewSet
from wagtail.images.views import chooser
from wagtail.models import (
    Collection,
    ModelLogEntry,
    Page,
    PageLogEntry,
    ReferenceIndex,
    Task,
    TaskState,
    Workflow,
    WorkflowState,
)
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
    is_of_death_reviews,
    without_death_reviews,
)
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS, may_be_told, of_death_reviews
from pages.content.mail import mail_about
from pages.models import DeathReviewIndexPage

FINDING = {"add", "change", "delete", "view", "choose"}
LOGGED: tuple[type[Model], ...] = (Document, Image, Collection, Redirect)  # the models with hidden rows and a log
# The key in the data of a log entry that says when its object belonged to death reviews: "now" or "before".
OF_DEATH_REVIEWS_THEN = "of_death_reviews"
Rows = TypeVar("Rows", bound=QuerySet[Any])


def found_by(user: User | AnonymousUser, model: type[Model]) -> QuerySet[Any]:
    """The objects of a model that the user may find in the admin."""
    policy = policy_registry.get_by_type(model)
    if issubclass(model, Page):
        return policy.explorable_instances(user)
    return policy.instances_user_has_any_permission_for(user, FINDING)


def actionable_objects(action: BulkAction) -> tuple[list[Any], dict[str, list[Any]]]:
    """Replaces Wagtail's method: treats objects that the user may not find as if they did not exist.

    Of pages to delete, only the topmost are returned: the others are deleted with them.
    Raises Http404 if a key or the parent is invalid.
    """
    requested, parent = action.request.GET.getlist("id"), action.request.GET.get("childOf")
    found = found_by(action.request.user, action.model)
    if not all(_may_be_a_key(key) for key in [*requested, parent or "all"]):
        raise Http404
    if "all" in requested:
        if parent is not None and issubclass(action.model, Page) and not found.filter(pk=parent).exists():
            raise Http404
        requested = list(action.get_all_objects_in_listing_query(parent))
    keys = set(found.filter(pk__in=requested).values_list("pk", flat=True))
    allowed: list[Any] = []
    refused: list[Any] = []
    for each in action.get_queryset(action.model, keys):
        (allowed if action.check_perm(each) else refused).append(each)
    if action.action_type == "delete" and issubclass(action.model, Page):
        allowed = [page for page in allowed if not any(page.is_descendant_of(other) for other in allowed)]
    return allowed, {"items_with_no_access": refused}


def _may_be_a_key(key: str) -> bool:
    return key == "all" or (key.isascii() and key.isdecimal() and len(key) <= LONGEST_KEY)


def references_in_sight(manager: Manager[ReferenceIndex]) -> QuerySet[ReferenceIndex]:
    """References between objects. All counts and lists of uses in the admin start from `ReferenceIndex.objects`."""
    references = ReferenceIndexQuerySet(ReferenceIndex, using=manager._db)
    if not hides_death_reviews():
        return references
    pages = Q(content_type__in=ContentType.objects.get_for_models(*OF_DEATH_REVIEWS).values())
    return references.exclude(pages | _on_hidden_files())


def _on_hidden_files() -> Q:
    """The condition for rows that refer, by content type and primary key, to files of death reviews."""
    hidden = Q(pk__in=[])
    for model in (Document, Image):
        keys = model.objects.filter(of_death_reviews()).values_list("pk", flat=True)
        hidden |= Q(content_type=ContentType.objects.get_for_model(model), object_id__in=list(keys))
    return hidden


def _uses_of_tags(model: type[Model]) -> QuerySet[TaggedItem]:
    """The uses of tags on objects that the current user may find."""
    uses, user = TaggedItem.objects.filter(content_type=ContentType.objects.get_for_model(model)), current_user()
    return uses if user is None else uses.filter(object_id__in=found_by(user, model).values("pk"))


def popular_tags(model: type[Model], count: int = 10) -> QuerySet[Tag]:
    """Replaces Wagtail's function: counts only objects that the current user may find."""
    uses = _uses_of_tags(model)
    used = Count("taggit_taggeditem_items", filter=Q(taggit_taggeditem_items__in=uses))
    return Tag.objects.annotate(used=used).filter(used__gt=0).order_by("-used", "name")[:count]


def tags_to_use(
    original: Callable[..., list[Tag]], manager: Any, tags: Iterable[Tag | str], tag_kwargs: dict[str, Any]
) -> list[Tag]:
    """Match the names that a user typed, without regard to case, with tags of files that the user may find only.

    Taggit matches them with all tags: the letters of a hidden one would come back.
    """
    if current_user() is None:
        return original(manager, tags, tag_kwargs)
    found, used = Tag.objects.filter(_on_files_in_sight()), {}
    for tag in tags:
        name = tag.name if isinstance(tag, Tag) else tag
        if name.casefold() not in used:
            known = tag if isinstance(tag, Tag) else found.filter(name__iexact=name).order_by("pk").first()
            used[name.casefold()] = known or Tag.objects.get_or_create(name=name)[0]
    return original(manager, used.values(), tag_kwargs)


def _on_files_in_sight() -> Q:
    """The condition for tags of files that the current user may find."""
    return Q(pk__in=_uses_of_tags(Document).values("tag")) | Q(pk__in=_uses_of_tags(Image).values("tag"))


@require_admin_access
def offered_tags(request: HttpRequest, **kwargs: object) -> JsonResponse:
    """Replaces Wagtail's view: suggests tags of files that the current user may find, as JSON."""
    term = request.GET.get("term")
    tags = Tag.objects.filter(_on_files_in_sight(), name__istartswith=term) if term else Tag.objects.none()
    return JsonResponse(list(tags.order_by("name").values_list("name", flat=True)[:10]), safe=False)


def warning_without_count(
    original: Callable[..., dict[str, Any]], view: DisableWorkflow | DisableTask, **kwargs: object
) -> dict[str, Any]:
    """Wagtail's warning says how many pages and snippets are in progress, and counts hidden ones."""
    context = original(view, **kwargs)
    context["warning_message"] = "Approvals that are in progress will be cancelled. Nobody is notified."
    return context


def disable_if_not_of_death_reviews(original: Callable[[Any], None], view: DisableWorkflow | DisableTask) -> None:
    """Only people who may handle death reviews disable their workflow or a step of it.

    For others it would depend on the notices that are in progress whether it is refused. Raises ValidationError.
    """
    if hides_death_reviews() and _approves_death_reviews(view.object):
        raise ValidationError(
            f"“{view.object}” was not disabled. Only people who may handle death reviews can do that."
        )
    original(view)


def _approves_death_reviews(obj: Workflow | Task) -> bool:
    pages = Page.objects.filter(content_type__in=ContentType.objects.get_for_models(*OF_DEATH_REVIEWS).values())
    workflows = Workflow.objects.filter(workflow_pages__page__in=pages.values("pk"))
    of_these = workflows.filter(pk=obj.pk) if isinstance(obj, Workflow) else workflows.filter(workflow_tasks__task=obj)
    return of_these.exists()


def files_of_the_api(view: DocumentsAdminAPIViewSet | ImagesAdminAPIViewSet) -> QuerySet[Any]:
    """Replaces Wagtail's method: the admin's API lists every document and image to every user of the admin."""
    return found_by(view.request.user, view.model).order_by("id")


def note_what_is_hidden(
    original: Callable[..., ModelLogEntry], entries: ModelLogEntryManager, instance: Model, action: str, **kwargs: Any
) -> ModelLogEntry:
    """Note in the log entry that its object belongs to death reviews, or did so until this change.

    The object may be moved and renamed later, but the entry keeps its name.
    """
    if isinstance(instance, LOGGED):
        last = entries.for_instance(instance).order_by("pk").last()
        then = "now" if is_of_death_reviews(instance) else ""
        if not then and last and last.data.get(OF_DEATH_REVIEWS_THEN) == "now":
            then = "before"
        if then:
            kwargs["data"] = {**(kwargs.get("data") or {}), OF_DEATH_REVIEWS_THEN: then}
    return original(entries, instance, action, **kwargs)


def entries_in_sight(original: Callable[..., Rows], entries: ModelLogEntryManager, user: User | AnonymousUser) -> Rows:
    """Log entries of objects other than pages, for the site history.

    Only entries of files, collections and redirects that the user may find. If the user may not handle death reviews,
    the entries until an object last belonged to them are left out, because they have its old names.
    """
    found = original(entries, user)
    if user.is_superuser:
        return found
    handles_all = user.has_perm(HANDLE_DEATH_REVIEWS)
    for model in LOGGED:
        rows, told = model._default_manager.all(), found_by(user, model)
        if not handles_all:
            told = told.filter(~hidden_rows(model))
        of_these = Q(content_type=ContentType.objects.get_for_model(model))
        if handles_all and _finds_all(user, model):
            hidden = Q(object_id__in=_as_text(rows.exclude(pk__in=told.values("pk"))))
        else:
            hidden = ~Q(object_id__in=_as_text(rows.filter(pk__in=told.values("pk"))))
        found = found.exclude(of_these & hidden)
    return found if handles_all else found.filter(~Exists(_noted_since(entries)))


def _noted_since(entries: ModelLogEntryManager) -> QuerySet[ModelLogEntry]:
    """The entry itself and later ones of its object, where they note that the object belonged to death reviews."""
    same = {name: OuterRef(name) for name in ("content_type", "object_id")}
    noted: QuerySet[ModelLogEntry] = entries.filter(**same, pk__gte=OuterRef("pk"), data__has_key=OF_DEATH_REVIEWS_THEN)
    return noted


def _finds_all(user: User | AnonymousUser, model: type[Model]) -> bool:
    """Whether the user may find every object of one of the LOGGED models, so deleted ones may be named, too."""
    if model is Redirect:
        return True  # the policy of redirects does not depend on the redirect
    policy = policy_registry.get_by_type(model)
    if model is Collection:
        collections = policy.instances_user_has_any_permission_for(user, FINDING)
    else:
        collections = policy.collections_user_has_any_permission_for(user, FINDING)
    return bool(collections.filter(depth=1).exists())


def _as_text(rows: QuerySet[Any]) -> QuerySet[Any, Any]:
    """The primary keys as the log stores them."""
    return rows.annotate(key=Cast("pk", CharField())).order_by().values("key")


def page_entries_in_sight(
    original: Callable[..., QuerySet[PageLogEntry]], entries: PageLogEntryManager, user: User | AnonymousUser
) -> QuerySet[PageLogEntry]:
    """Log entries of pages, for the site history, including deleted pages."""
    return without_death_reviews(original(entries, user), user)


def locked_pages_in_sight(original: Callable[..., QuerySet[Page]], view: LockedPagesView) -> QuerySet[Page]:
    """Wagtail's report also lists pages that the user locked and may no longer find."""
    return original(view).filter(pk__in=found_by(view.request.user, Page).values("pk"))


def recipients_in_sight(
    original: Callable[..., Iterable[User]],
    notifier: EmailNotificationMixin,
    instance: WorkflowState | TaskState,
    **kwargs: object,
) -> set[User]:
    """The recipients of mail about an approval, without those who may not know the object: the subject names it."""
    about = _submitted(instance)
    return {person for person in original(notifier, instance, **kwargs) if may_be_told(person, about)}


def _submitted(instance: WorkflowState | TaskState) -> Any:
    return getattr(instance, "workflow_state", instance).content_object


def notify_of_an_approval(
    original: Callable[..., bool], notifier: Notifier, instance: Model | None = None, **kwargs: object
) -> bool:
    """Note what the mail is about. The outbox asks again who may be told of it when it sends the mail."""
    if not isinstance(instance, WorkflowState | TaskState):
        return original(notifier, instance, **kwargs)
    with mail_about(_submitted(instance)):
        return original(notifier, instance, **kwargs)


def notify_of_comments(original: Callable[..., object], view: EditView, changes: object) -> object:
    """Note what the mail is about: some who commented may not find the page any more."""
    with mail_about(view.page):
        return original(view, changes)


# --- The users that a list can be filtered by: those connected with an object in the list ---


def owners(request: HttpRequest) -> QuerySet[User]:
    return _people(found_by(request.user, Page).values("owner"))


def editors(request: HttpRequest) -> QuerySet[User]:
    pages = found_by(request.user, Page).values("pk")
    return _people(PageLogEntry.objects.filter(action="wagtail.edit", page__in=pages).values("user"))


def requesters(request: HttpRequest) -> QuerySet[User]:
    return _people(in_sight(WorkflowState.objects.all()).values("requested_by"))


def lockers(request: HttpRequest) -> QuerySet[User]:
    return _people(found_by(request.user, Page).values("locked_by"))


def _people(keys: QuerySet[Any, Any]) -> QuerySet[User]:
    people = get_user_model()._default_manager
    return people.filter(pk__in=keys.order_by()).order_by(get_user_model().USERNAME_FIELD)


def people_of_the_history(
    original: Callable[..., QuerySet[User]], filter_set: SiteHistoryReportFilterSet
) -> QuerySet[User]:
    """Wagtail's method offers the users of all log entries, including hidden ones."""
    return get_users_for_filter(filter_set.request.user)


PEOPLE = (
    (PageFilterSet, "owner", owners),
    (PageFilterSet, "edited_by", editors),
    (WorkflowReportFilterSet, "requested_by", requesters),
    (LockedPagesReportFilterSet, "locked_by", lockers),
)


# --- The page chooser ---


def children_in_sight(original: Callable[[Page], int], page: Page) -> int:
    """The number of children, from which the chooser decides whether a page can be opened."""
    hidden = hides_death_reviews() and bool(getattr(page.specific_class, "permission_to_find", ""))
    return 0 if hidden else original(page)


def pages_of_the_chooser(
    original: Callable[..., QuerySet[Page]], view: BrowseView, pages: QuerySet[Page]
) -> QuerySet[Page]:
    """Leave out the index of death reviews, unless it can be chosen itself.

    Wagtail also lists pages that cannot be chosen if they have children.
    """
    found = original(view, pages)
    kinds = tuple(view.desired_classes)
    if not hides_death_reviews() or issubclass(DeathReviewIndexPage, kinds):
        return found
    return found.exclude(content_type=ContentType.objects.get_for_model(DeathReviewIndexPage))


def root_of_the_chooser(
    original: Callable[..., Page | None], pages: PageQuerySet, *args: object, **kwargs: object
) -> Page | None:
    """The page at which the chooser opens: the first common ancestor of the pages that can be chosen."""
    return original(in_sight(pages) if pages.model is Page else pages, *args, **kwargs)


class PagesInSight(PagesSummaryItem):
    """The number of pages on the home screen of the admin."""

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        context = super().get_context_data(parent_context)
        return {**context, "total_pages": found_by(self.request.user, Page).exclude(depth=1).count()}


@hooks.register("construct_homepage_summary_items", order=100)  # after Wagtail's own hook, which adds the item
def count_pages_in_sight(request: HttpRequest, items: list[SummaryItem]) -> None:
    items[:] = [PagesInSight(request) if isinstance(item, PagesSummaryItem) else item for item in items]


def replace_wagtail_parts() -> None:
    """Replace the functions. Called once, when the apps are loaded.

    tests/test_hidden_in_the_admin.py fails if Wagtail no longer uses one of them.
    """
    BulkAction.get_actionable_objects = actionable_objects
    for module in (filters, chooser):
        module.popular_tags_for_model = popular_tags
    replace(_TaggableManager, "_to_tag_model_instances")(tags_to_use)
    replace(SiteHistoryReportFilterSet, "get_users_queryset")(people_of_the_history)
    for filter_set, name, people in PEOPLE:
        filter_set.base_filters[name].queryset = people
    for view in (DocumentsAdminAPIViewSet, ImagesAdminAPIViewSet):
        view.get_queryset = files_of_the_api
    type(ReferenceIndex.objects).get_queryset = references_in_sight
    replace(ModelLogEntryManager, "log_action")(note_what_is_hidden)
    replace(ModelLogEntryManager, "viewable_by_user")(entries_in_sight)
    replace(PageLogEntryManager, "viewable_by_user")(page_entries_in_sight)
    replace(LockedPagesView, "get_queryset")(locked_pages_in_sight)
    for disabling in (DisableWorkflow, DisableTask):
        replace(disabling, "get_context_data")(warning_without_count)
        replace(disabling, "delete_action")(disable_if_not_of_death_reviews)
    replace(EmailNotificationMixin, "get_valid_recipients")(recipients_in_sight)
    replace(Notifier, "__call__")(notify_of_an_approval)
    replace(EditView, "send_commenting_notifications")(notify_of_comments)
    replace(Page, "get_children_count")(children_in_sight)
    replace(BrowseView, "filter_object_list")(pages_of_the_chooser)
    replace(PageQuerySet, "first_common_ancestor")(root_of_the_chooser)
    replace(Workflow, "all_pages")(lambda original, workflow: in_sight(original(workflow)))
