"""Which pages somebody may find and edit in the admin: Wagtail's rule, and that death reviews are only for people who
may handle them.

Registered as the policy of all pages (pages/wagtail_hooks.py), so that Wagtail's own lists, reports and choosers keep
to it too. A notice that is public can be found by everybody on the website, not in the admin.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from wagtail.admin.views.reports.page_types_usage import PageTypesUsageReportView
from wagtail.models import Collection, Page, TaskState
from wagtail.permission_policies.pages import PagePermissionPolicy

from documents.models import Document, Image
from pages.death_review_files import of_death_reviews
from pages.models import ContentPage, DeathReviewIndexPage, DeathReviewNoticePage
from pages.models.death_reviews import HANDLE_DEATH_REVIEWS
from pages.who_asks import who_asks_in_the_admin

OF_DEATH_REVIEWS = (DeathReviewIndexPage, DeathReviewNoticePage)
# How the addresses of the admin name the keys of pages.
KEYS_OF_PAGES = ("page_id", "parent_page_id", "page_to_move_id", "destination_id")
# Where every key in an address is of this model.
KEYS_BELOW: tuple[tuple[str, type[Model]], ...] = (
    ("admin/documents/", Document),
    ("admin/images/", Image),
    ("admin/collections/", Collection),
)
ONLY_LEAD_ON = ("revisions_index",)  # to an address that is looked at, too
LONGEST_KEY = 18  # digits; a longer number is the key of nothing
KEY_OF_NOTHING = 2**31 - 1  # the last that a key can be; 0 would be no key to some views


def keeps_out_of_sight() -> bool:
    """Whether who asks is in the admin and may not handle death reviews: for what counts and lists without being told
    for whom (pages/lists_and_counts.py)."""
    user = who_asks_in_the_admin()
    return user is not None and not user.has_perm(HANDLE_DEATH_REVIEWS)


class PagePolicy(PagePermissionPolicy):
    """Wagtail's rule for pages without what the person may not know of. Superusers handle death reviews."""

    def user_has_any_permission_for_instance(self, user: Any, actions: Any, instance: Page) -> bool:
        return super().user_has_any_permission_for_instance(user, actions, instance) and may_see(user, instance)

    def instances_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet[Page]:
        return without_death_reviews(super().instances_user_has_any_permission_for(user, actions), user)

    def explorable_instances(self, user: Any) -> QuerySet[Page]:
        return without_death_reviews(super().explorable_instances(user), user)


def editable_by(user: Any) -> QuerySet[ContentPage]:
    """The rule of `permissions_for_user(user).can_edit()` for whole lists. A task of a workflow, which lets its
    approvers into the edit screen while it lasts, counts for nothing here."""
    allowed = PagePolicy().instances_user_has_permission_for(user, "change")
    return ContentPage.objects.filter(pk__in=allowed.values("pk"))


def without_death_reviews(pages: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """Nothing of death reviews for people who may not handle them: for lists of what they could look after."""
    return _without(OF_DEATH_REVIEWS, pages, user)


def without_notices(pages: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """For lists of what can be linked to: the page that explains death reviews is one like others there."""
    return _without((DeathReviewNoticePage,), pages, user)


def _without(models: tuple[type[ContentPage], ...], pages: QuerySet[Any], user: Any) -> QuerySet[Any]:
    if user.has_perm(HANDLE_DEATH_REVIEWS):
        return pages
    return pages.exclude(content_type__in=ContentType.objects.get_for_models(*models).values())


def may_see(user: Any, thing: Any) -> bool:
    """Whether a list may name this page or snippet to somebody who otherwise has to do with it."""
    page = thing.specific_class if isinstance(thing, Page) else type(thing)
    return not issubclass(page, OF_DEATH_REVIEWS) or user.has_perm(HANDLE_DEATH_REVIEWS)


class OutOfSightMiddleware:
    """To people who may not handle death reviews, an address of the admin that names a notice, a file of one or the
    collection of those is one of nothing: the view gets a key that nothing has, and answers as it does then.

    Some of Wagtail's views ask for a right to one page of those they are given, and show the titles of others; and
    "no permission" says that there is something.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or not match.route.startswith("admin/") or not request.user.is_authenticated:
            return None
        if request.user.has_perm(HANDLE_DEATH_REVIEWS):
            return None
        if match.url_name and match.url_name.endswith("chosen_multiple"):
            model = next((model for start, model in KEYS_BELOW if match.route.startswith(start)), Page)
            keys = [key for key in request.GET.getlist("id") if key.isdecimal() and len(key) <= LONGEST_KEY]
            asked = request.GET.copy()
            asked.setlist("id", [key for key in keys if not _is_hidden(model, key)])
            request.GET = asked  # type: ignore[assignment]
        if match.url_name in ONLY_LEAD_ON:
            return None
        hidden = [name for name, value in kwargs.items() if _is_key_of_hidden(match.route, name, value)]
        if not hidden:
            return None
        return view(request, *args, **{**kwargs, **{name: type(kwargs[name])(KEY_OF_NOTHING) for name in hidden}})


def _is_key_of_hidden(route: str, name: str, value: Any) -> bool:
    if name == "task_state_id":
        task = TaskState.objects.filter(pk=value).select_related("workflow_state").first()
        return task is not None and isinstance(task.workflow_state.content_object, DeathReviewNoticePage)
    is_page = name in KEYS_OF_PAGES or (name == "pk" and route.startswith("admin/pages/"))
    model = Page if is_page else None
    for start, below in KEYS_BELOW:
        model = below if route.startswith(start) else model
    text = str(value)
    return model is not None and text.isdecimal() and len(text) <= LONGEST_KEY and _is_hidden(model, text)


def _is_hidden(model: type[Model], key: str) -> bool:
    if model is Page:
        return DeathReviewNoticePage.objects.filter(pk=key).exists()
    path = "path" if model is Collection else "collection__path"
    return model._default_manager.filter(of_death_reviews(path), pk=key).exists()


class PageTypesReport(PageTypesUsageReportView):
    """Wagtail's report of how many pages there are of each type, which names the one last edited."""

    def get_queryset(self) -> QuerySet[ContentType]:
        types = super().get_queryset()
        if self.request.user.has_perm(HANDLE_DEATH_REVIEWS):
            return types
        hidden = ContentType.objects.get_for_models(*OF_DEATH_REVIEWS).values()
        return types.exclude(pk__in=[each.pk for each in hidden])

    def decorate_paginated_queryset(self, page_types: Any) -> Any:
        for each in super().decorate_paginated_queryset(page_types):
            if each.last_edited_page and not may_see(self.request.user, each.last_edited_page):
                each.last_edited_page = None
        return page_types
