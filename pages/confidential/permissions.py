"""Which pages somebody may find and edit in the admin: Wagtail's rule, and that death reviews are only for people who
may handle them.

Registered as the policy of all pages (pages/wagtail_hooks.py), so that Wagtail's own lists, reports and choosers keep
to it too. A notice that is public can be found by everybody on the website, not in the admin.
"""

import re
from collections.abc import Callable
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from wagtail.admin.views.reports.page_types_usage import PageTypesUsageReportView
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Collection, Page, Revision, TaskState, WorkflowState
from wagtail.permission_policies.pages import PagePermissionPolicy

from documents.models import Document, Image
from pages.confidential.current_request import current_admin_user
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS, may_see, of_death_reviews
from pages.models import ContentPage, DeathReviewIndexPage, DeathReviewNoticePage, Takedown

OF_DEATH_REVIEWS = (DeathReviewIndexPage, DeathReviewNoticePage)
# The model of each keyword in the addresses of the admin, by the part of the address behind "admin/". None: nothing
# hidden, or something that the view looks up itself (pages/confidential/hidden_objects.py). A keyword that is missing
# here is refused: the next version of Wagtail may give the key of a page another name.
KEYWORDS: dict[str, dict[str, type[Model] | None]] = {
    "account": {"pk": None},
    "api": dict.fromkeys(("pk", "name", "action_name")),
    "bulk": dict.fromkeys(("app_label", "model_name", "action")),
    "choose-page": {"parent_page_id": Page},
    "collections": {"pk": Collection, "collection_id": Collection},
    "documents": {"pk": Document, "document_id": Document, "doc_id": Document, "uploaded_file_id": None},
    "editing-sessions": dict.fromkeys(("app_label", "model_name", "object_id", "session_id")),
    "groups": {"pk": None},
    "images": {"pk": Image, "image_id": Image, "uploaded_file_id": None, "filter_spec": None},
    "login": {"provider_id": None},
    "pages": {
        **dict.fromkeys(("pk", "page_id", "parent_page_id", "page_to_move_id", "destination_id"), Page),
        **dict.fromkeys(("app_label", "model_name", "content_type_app_name", "content_type_model_name")),
        **dict.fromkeys(("revision_id", "revision_id_a", "revision_id_b", "action_name")),
        **dict.fromkeys(("task_id", "task_state_id", "workflow_state_id")),
    },
    "password_reset": dict.fromkeys(("uidb36", "uidb64", "key", "token")),
    "redirects": {"redirect_id": None},
    "sites": {"pk": None},
    "snippets": dict.fromkeys(
        ("pk", "revision_id", "revision_id_a", "revision_id_b", "action_name", "task_state_id", "workflow_state_id")
    ),
    "tag-autocomplete": dict.fromkeys(("app_name", "model_name")),
    "takedowns": {"takedown_id": None},
    "users": {"pk": None, "user_id": None},
    "workflows": {"page_pk": Page, **dict.fromkeys(("pk", "workflow_pk", "task_id", "app_label", "model_name"))},
}
# Where several keys are sent under the name "id", as by choosers.
SEVERAL_KEYS: dict[str, type[Model]] = {
    "choose-page": Page,
    "collections": Collection,
    "documents": Document,
    "images": Image,
}
# Windows for a link that offer no pages; all others whose address begins with "choose-" do.
OFFER_NO_PAGES = ("choose-email-link", "choose-phone-link", "choose-anchor-link")
ONLY_LEAD_ON = ("revisions_index",)  # to an address that is looked at, too
LONGEST_KEY = 18  # digits; a longer number is the key of nothing
KEY_OF_NOTHING = 2**31 - 1  # the last that a key can be; 0 would be no key to some views


def hides_death_reviews() -> bool:
    """Whether who asks is in the admin and may not handle death reviews: for what counts and lists without being told
    for whom (pages/confidential/lists_and_counts.py)."""
    user = current_admin_user()
    return user is not None and not user.has_perm(HANDLE_DEATH_REVIEWS)


class PagePolicy(PagePermissionPolicy):
    """Wagtail's rule for pages without what the person may not know of. Superusers handle death reviews."""

    def user_has_any_permission_for_instance(self, user: Any, actions: Any, instance: Page) -> bool:
        return super().user_has_any_permission_for_instance(user, actions, instance) and may_see(user, instance)

    def instances_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet[Page]:
        return without_death_reviews(super().instances_user_has_any_permission_for(user, actions), user)

    def explorable_instances(self, user: Any) -> QuerySet[Page]:
        return without_death_reviews(super().explorable_instances(user), user)

    def explorable_root_instance(self, user: Any) -> Page | None:
        root: Page | None = super().explorable_root_instance(user)
        return root if root is not None and may_see(user, root) else None


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


class HiddenObjectsMiddleware:
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
        section = match.route.removeprefix("admin/").lstrip("^").partition("/")[0]
        if _offers_pages(section) and PagePolicy().explorable_root_instance(request.user) is None:
            raise PermissionDenied  # Wagtail shows every draft there, also to who may do nothing with any page
        hidden = self._out_of_sight(request, section, args, kwargs)
        nothing = {name: type(kwargs[name])(KEY_OF_NOTHING) for name in hidden}
        return view(request, *args, **{**kwargs, **nothing}) if nothing else None

    def _out_of_sight(self, request: HttpRequest, section: str, args: Any, kwargs: dict[str, Any]) -> list[str]:
        """The keys in the address that name something that the person may not know of. Raises Http404 where it is not
        known what a keyword names."""
        match: Any = request.resolver_match
        models, handles_all = KEYWORDS.get(section, {}), request.user.has_perm(HANDLE_DEATH_REVIEWS)
        if not handles_all and (args or not kwargs.keys() <= models.keys()):
            raise Http404
        keys_of_pages = [name for name in kwargs if models.get(name) is Page]
        if keys_of_pages and PagePolicy().explorable_root_instance(request.user) is None:
            return [name for name in keys_of_pages if not _is_asked_about(request.user, kwargs[name])]
        if handles_all:
            return []
        if section in SEVERAL_KEYS:
            _leave_out(request, "id", SEVERAL_KEYS[section])
        _leave_out(request, "target_pages[]", Page)  # of the page chooser, when somebody moves pages
        if match.url_name in ONLY_LEAD_ON:
            return []
        return [name for name, value in kwargs.items() if _is_key_of_hidden(models[name], name, value)]


def _is_asked_about(user: Any, key: Any) -> bool:
    """Whether a page waits for this person, who may do nothing else with pages."""
    page = Page.objects.filter(pk=key).first() if not _is_no_key(key) else None
    task = page.current_workflow_task if page else None
    return bool(task and task.user_can_access_editor(page, user))


def _offers_pages(section: str) -> bool:
    return section.startswith("choose-") and section not in OFFER_NO_PAGES


def _leave_out(request: HttpRequest, name: str, model: type[Model]) -> None:
    """The keys of what is hidden, and of nothing, from those that were sent under the name."""
    if name in request.GET:
        keys = [key for key in request.GET.getlist(name) if not _is_no_key(key)]
        seen = {str(key) for key in in_sight(model._default_manager.filter(pk__in=keys)).values_list("pk", flat=True)}
        asked = request.GET.copy()
        asked.setlist(name, [key for key in keys if key in seen])
        request.GET = asked  # type: ignore[assignment]


def _is_key_of_hidden(model: type[Model] | None, name: str, value: Any) -> bool:
    if name in ("page_to_move_id", "destination_id") and DeathReviewIndexPage.objects.filter(pk=value).exists():
        return True  # what is below it decides what is answered
    return model is not None and (_is_no_key(value) or _is_hidden(model, value))


def _is_no_key(value: Any) -> bool:
    """Wagtail's choosers take any text as a key."""
    return not re.fullmatch(rf"\d{{1,{LONGEST_KEY}}}", str(value), re.ASCII)


def _is_hidden(model: type[Model], key: Any) -> bool:
    return model._default_manager.filter(hidden_rows(model), pk=key).exists()


def in_sight(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Without what the person who asks in the admin may not know of: for what a view looks up by a key that somebody
    typed (pages/confidential/hidden_objects.py). The rules of publication look at everything."""
    if rows.model not in WITH_HIDDEN_ROWS or not hides_death_reviews():
        return rows
    return rows.filter(~hidden_rows(rows.model))


def is_hidden(row: Model) -> bool:
    """Whether the person who asks in the admin may not know of this row."""
    model = type(row)
    return model in WITH_HIDDEN_ROWS and hides_death_reviews() and _is_hidden(model, row.pk)


WITH_HIDDEN_ROWS: tuple[type[Model], ...] = (
    *(Page, ContentPage, DeathReviewNoticePage),
    *(Document, Image, Collection),
    *(Revision, WorkflowState, TaskState, Redirect, Takedown),
)


def hidden_rows(model: type[Model]) -> Q | Exists:
    """What people who may not handle death reviews may not know of, among the rows of one of these models."""
    if model is Collection:
        return of_death_reviews("path")
    if model in (Document, Image):
        return of_death_reviews()
    if model is Takedown:
        # What is left of a page or file that was deleted does not say where it was.
        pages, notices = ContentPage.objects.all(), DeathReviewNoticePage.objects.values("pk")
        seen = Q(record__page__in=pages.exclude(pk__in=notices).values("pk"))
        for name, files in (("document", Document.objects), ("image", Image.objects)):
            seen |= Q(**{f"{name}__in": files.filter(~of_death_reviews()).values("pk")})
        return ~seen
    if model is Redirect:
        return Q(redirect_page__in=DeathReviewNoticePage.objects.values("pk"))
    if issubclass(model, Page):
        return Q(pk__in=DeathReviewNoticePage.objects.values("pk"))
    owner = "workflow_state__" if model is TaskState else ""
    return Q(**{f"{owner}content_type": ContentType.objects.get_for_model(DeathReviewNoticePage)})


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
