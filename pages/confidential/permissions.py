"""Decides which pages a user may find and edit in the admin.

Death reviews are only for users with the permission to handle them. For all other pages Wagtail's rule holds.
PagePolicy is registered as the policy of all pages (pages/wagtail_hooks.py), so Wagtail's lists, reports and choosers
follow it, too. Everybody can find a public notice on the website, but not in the admin.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import CharField, Exists, ExpressionWrapper, F, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest, Length, Substr
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import ResolverMatch
from wagtail.admin.views.reports.page_types_usage import PageTypesUsageReportView
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Collection, Page, Revision, TaskState, WorkflowState
from wagtail.permission_policies.pages import PagePermissionPolicy

from documents.models import Document, Image
from pages.confidential.current_request import current_admin_user
from pages.content import addresses
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS, may_see, of_death_reviews
from pages.models import ContentPage, DeathReviewIndexPage, DeathReviewNoticePage, PublicAddress, Takedown

Row = TypeVar("Row", bound=Model)
OF_DEATH_REVIEWS = (DeathReviewIndexPage, DeathReviewNoticePage)
# The model that each URL keyword of the admin names, by the part of the path after "admin/". None: it names nothing
# that can be hidden, or an object that the view looks up itself (pages/confidential/hidden_objects.py). A request with
# a keyword that is missing here is refused, because another version of Wagtail may rename the keyword of a page.
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
    "redirects": {"redirect_id": Redirect},
    "sites": {"pk": None},
    "snippets": dict.fromkeys(
        ("pk", "revision_id", "revision_id_a", "revision_id_b", "action_name", "task_state_id", "workflow_state_id")
    ),
    "tag-autocomplete": dict.fromkeys(("app_name", "model_name")),
    "takedowns": {"takedown_id": None},
    "users": {"pk": None, "user_id": None},
    "workflows": {"page_pk": Page, **dict.fromkeys(("pk", "workflow_pk", "task_id", "app_label", "model_name"))},
}
# The sections in which requests, for example of choosers, may send several keys under the name "id".
SEVERAL_KEYS: dict[str, type[Model]] = {
    "choose-page": Page,
    "collections": Collection,
    "documents": Document,
    "images": Image,
}
# Link choosers that offer no pages. All other sections whose name begins with "choose-" do.
CHOOSERS_WITHOUT_PAGES = ("choose-email-link", "choose-phone-link", "choose-anchor-link")
REDIRECTING_VIEWS = ("revisions_index",)  # to an address that is checked, too
LONGEST_KEY = 18  # digits; no row has a longer key
UNUSED_KEY = 2**31 - 1  # the largest key, which no row has; some views treat 0 as no key


def hides_death_reviews() -> bool:
    """Whether the current user is in the admin and may not handle death reviews.

    For code that lists or counts and is not passed the user (pages/confidential/lists_and_counts.py).
    """
    user = current_admin_user()
    return user is not None and not user.has_perm(HANDLE_DEATH_REVIEWS)


class PagePolicy(PagePermissionPolicy):
    """Wagtail's rule for pages, without those that the user may not know of. Superusers may handle death reviews."""

    def user_has_any_permission_for_instance(
        self, user: User | AnonymousUser, actions: Iterable[str], instance: Page
    ) -> bool:
        return super().user_has_any_permission_for_instance(user, actions, instance) and may_see(user, instance)

    def instances_user_has_any_permission_for(
        self, user: User | AnonymousUser, actions: Iterable[str]
    ) -> QuerySet[Page]:
        return without_death_reviews(super().instances_user_has_any_permission_for(user, actions), user)

    def explorable_instances(self, user: User | AnonymousUser) -> QuerySet[Page]:
        return without_death_reviews(super().explorable_instances(user), user)

    def explorable_root_instance(self, user: User | AnonymousUser) -> Page | None:
        root: Page | None = super().explorable_root_instance(user)
        return root if root is not None and may_see(user, root) else None


def editable_by(user: User | AnonymousUser) -> QuerySet[ContentPage]:
    """The pages that the user may edit: the rule of `permissions_for_user(user).can_edit()` for lists.

    Pages that the user may edit only as an approver, while a workflow task is open, are not included.
    """
    allowed = PagePolicy().instances_user_has_permission_for(user, "change")
    return ContentPage.objects.filter(pk__in=allowed.values("pk"))


def without_death_reviews(pages: QuerySet[Row], user: User | AnonymousUser) -> QuerySet[Row]:
    """For lists of pages to manage: without notices and their index, unless the user may handle death reviews."""
    return _without(OF_DEATH_REVIEWS, pages, user)


def without_notices(pages: QuerySet[Row], user: User | AnonymousUser) -> QuerySet[Row]:
    """For lists of pages to link to: without notices, but with their index, which everybody may link to."""
    return _without((DeathReviewNoticePage,), pages, user)


def _without(models: tuple[type[ContentPage], ...], pages: QuerySet[Row], user: User | AnonymousUser) -> QuerySet[Row]:
    if user.has_perm(HANDLE_DEATH_REVIEWS):
        return pages
    return pages.exclude(content_type__in=ContentType.objects.get_for_models(*models).values())


class HiddenObjectsMiddleware:
    """Answers requests for hidden objects in the admin as if the objects did not exist.

    If a user may not handle death reviews and a URL names a notice, a file of one or their collection, the view gets a
    primary key that no row has. Wagtail's own checks are not enough: some views check the permission for only one of
    several pages and show the titles of the others, and the answer "no permission" reveals that an object exists.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[object, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or not match.route.startswith("admin/") or not request.user.is_authenticated:
            return None
        section = match.route.removeprefix("admin/").lstrip("^").partition("/")[0]
        if _offers_pages(section) and PagePolicy().explorable_root_instance(request.user) is None:
            raise PermissionDenied  # Wagtail's page chooser shows drafts even to users without rights on any page
        hidden = self._hidden_keywords(request, match, section, kwargs)
        replaced = {name: type(kwargs[name])(UNUSED_KEY) for name in hidden}
        return view(request, *args, **{**kwargs, **replaced}) if replaced else None

    def _hidden_keywords(
        self, request: HttpRequest, match: ResolverMatch, section: str, kwargs: dict[str, Any]
    ) -> list[str]:
        """The URL keywords that name an object that the user may not know of.

        Hidden keys are also removed from the query string. Raises Http404 if a keyword is missing in KEYWORDS.
        """
        models, handles_all = KEYWORDS.get(section, {}), request.user.has_perm(HANDLE_DEATH_REVIEWS)
        if not handles_all and (match.args or not kwargs.keys() <= models.keys()):
            raise Http404
        page_keywords = [name for name in kwargs if models.get(name) is Page]
        if page_keywords and PagePolicy().explorable_root_instance(request.user) is None:
            return [name for name in page_keywords if not _may_review(request.user, kwargs[name])]
        if handles_all:
            return []
        if section in SEVERAL_KEYS:
            _remove_hidden_keys(request, "id", SEVERAL_KEYS[section])
        _remove_hidden_keys(request, "target_pages[]", Page)  # of the page chooser when pages are moved
        if match.url_name in REDIRECTING_VIEWS:
            return []
        return [name for name, value in kwargs.items() if _is_key_of_hidden(models[name], name, value)]


def _may_review(user: User | AnonymousUser, key: object) -> bool:
    """Whether the page is awaiting approval by this user, who has no other rights on pages."""
    page = Page.objects.filter(pk=key).first() if _is_key(key) else None
    task = page.current_workflow_task if page else None
    return bool(task and task.user_can_access_editor(page, user))


def _offers_pages(section: str) -> bool:
    return section.startswith("choose-") and section not in CHOOSERS_WITHOUT_PAGES


def _remove_hidden_keys(request: HttpRequest, name: str, model: type[Model]) -> None:
    """Remove the keys of hidden and of missing objects from a parameter of the query string."""
    if name in request.GET:
        keys = [key for key in request.GET.getlist(name) if _is_key(key)]
        seen = {str(key) for key in in_sight(model._default_manager.filter(pk__in=keys)).values_list("pk", flat=True)}
        query = request.GET.copy()
        query.setlist(name, [key for key in keys if key in seen])
        request.GET = query  # type: ignore[assignment]


def _is_key_of_hidden(model: type[Model] | None, name: str, value: object) -> bool:
    if name in ("page_to_move_id", "destination_id") and DeathReviewIndexPage.objects.filter(pk=value).exists():
        return True  # the response would depend on the notices below it
    return model is not None and (not _is_key(value) or _is_hidden(model, value))


def _is_key(value: object) -> bool:
    """Whether the value can be a primary key. Wagtail's choosers accept any text."""
    return bool(re.fullmatch(rf"\d{{1,{LONGEST_KEY}}}", str(value), re.ASCII))


def _is_hidden(model: type[Model], key: object) -> bool:
    return model._default_manager.filter(hidden_rows(model), pk=key).exists()


def in_sight(rows: QuerySet[Row]) -> QuerySet[Row]:
    """The rows without those that the current user of the admin may not know of.

    For objects that a view looks up by a submitted key (pages/confidential/hidden_objects.py). The rules of publication
    use all rows.
    """
    if rows.model not in WITH_HIDDEN_ROWS or not hides_death_reviews():
        return rows
    return rows.filter(~hidden_rows(rows.model))


def is_hidden(row: Model) -> bool:
    """Whether the current user of the admin may not know of this row."""
    return type(row) in WITH_HIDDEN_ROWS and hides_death_reviews() and is_of_death_reviews(row)


def is_of_death_reviews(row: Model) -> bool:
    """Whether the row is hidden from users who may not handle death reviews. Its model is in WITH_HIDDEN_ROWS."""
    return _is_hidden(type(row), row.pk)


WITH_HIDDEN_ROWS: tuple[type[Model], ...] = (
    *(Page, ContentPage, DeathReviewNoticePage),
    *(Document, Image, Collection),
    *(Revision, WorkflowState, TaskState, Redirect, Takedown),
)


def hidden_rows(model: type[Model]) -> Q | Exists:
    """The condition for rows that are hidden from users who may not handle death reviews.

    The model must be one of WITH_HIDDEN_ROWS.
    """
    if model is Collection:
        return of_death_reviews("path")
    if model in (Document, Image):
        return of_death_reviews()
    if model is Takedown:
        # If the page or file was deleted, it is unknown whether it was hidden, so the takedown is hidden, too.
        pages, notices = ContentPage.objects.all(), DeathReviewNoticePage.objects.values("pk")
        seen = Q(record__page__in=pages.exclude(pk__in=notices).values("pk"))
        for name, files in (("document", Document.objects), ("image", Image.objects)):
            seen |= Q(**{f"{name}__in": files.filter(~of_death_reviews()).values("pk")})
        return ~seen | Q(of_death_reviews=True)
    if model is Redirect:
        return _leads_to_a_death_review()
    if issubclass(model, Page):
        return Q(pk__in=DeathReviewNoticePage.objects.values("pk"))
    owner = "workflow_state__" if model is TaskState else ""
    return Q(**{f"{owner}content_type": ContentType.objects.get_for_model(DeathReviewNoticePage)})


def _leads_to_a_death_review() -> Q:
    """The condition for redirects to notices, and to addresses that notices or files of death reviews have or had."""
    notices = DeathReviewNoticePage.objects.all()
    site_path = _without_last_slash("url_path", start=len(addresses.site_root_path()))
    leads_to = Q(redirect_page__in=notices.values("pk"))
    were = PublicAddress.objects.filter(record__page__in=notices.values("pk"))
    of_files: list[tuple[QuerySet[Any], Any]] = [
        (model._default_manager.filter(of_death_reviews()), F("file_key")) for model in (Document, Image)
    ]
    for rows, part in [(notices, site_path), (were, _without_last_slash("path", start=1)), *of_files]:
        link = ExpressionWrapper(OuterRef("redirect_link"), CharField())
        named = rows.annotate(link=link, part_of_link=part).exclude(part_of_link="")
        leads_to |= Q(Exists(named.filter(link__contains=F("part_of_link"))))
    return leads_to


def _without_last_slash(path: str, start: int) -> Substr:
    """The path from its character `start` on. Empty if it is shorter: PostgreSQL takes no negative length."""
    return Substr(path, start, Greatest(Length(path) - Value(start), Value(0)))


class PageTypesReport(PageTypesUsageReportView):
    """Wagtail's report on page types, which counts the pages of each type and names the one last edited."""

    def get_queryset(self) -> QuerySet[ContentType]:
        types = super().get_queryset()
        if self.request.user.has_perm(HANDLE_DEATH_REVIEWS):
            return types
        hidden = ContentType.objects.get_for_models(*OF_DEATH_REVIEWS).values()
        return types.exclude(pk__in=[each.pk for each in hidden])

    def decorate_paginated_queryset(self, page_types: Iterable[ContentType]) -> Iterable[ContentType]:
        for each in super().decorate_paginated_queryset(page_types):
            if each.last_edited_page and not may_see(self.request.user, each.last_edited_page):
                each.last_edited_page = None
        return page_types
