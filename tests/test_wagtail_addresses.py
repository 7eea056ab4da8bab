"""The addresses of Wagtail's admin that the product names, takes over or looks into, and the keywords that views get.

Where Wagtail calls the key of a page otherwise, the product must refuse and not show it; where it moves a screen, its
own screen would be asked in place of ours.
"""

from collections import defaultdict

import pytest
from allauth.account import views as account
from django.contrib.auth.models import User
from django.http import Http404
from django.urls import URLResolver, get_resolver, resolve, reverse
from wagtail.admin.viewsets.pages import page_viewset_registry
from wagtail.models import get_page_models

from cms.accounts import leaver_views
from cms.accounts.second_factor import OPEN
from cms.accounts.sessions import NOT_WORK
from cms.urls import not_offered
from pages import wagtail_hooks
from pages.approval import edit_screens
from pages.confidential.lists_and_counts import offered_tags
from pages.confidential.permissions import (
    CHOOSERS_WITHOUT_PAGES,
    KEYWORDS,
    SEVERAL_KEYS,
    HiddenObjectsMiddleware,
    PageTypesReport,
)
from pages.confidential.reading_log import PAGE_ARGUMENTS
from pages.models import Agency, ContentPage
from pages.takedown import redirects


def patterns(resolver=None, route: str = "", spaces: tuple[str, ...] = (), above: frozenset[str] = frozenset()):
    """Each route, with the name of the view and the keywords that it gets."""
    for each in (resolver or get_resolver()).url_patterns:
        here, regex = route + str(each.pattern), each.pattern.regex
        assert regex.groups == len(regex.groupindex) or not here.startswith("admin/"), f"{here} has no keywords"
        if isinstance(each, URLResolver):
            within = (*spaces, *filter(None, [each.namespace]))
            yield from patterns(each, here, within, above | {*regex.groupindex, *each.default_kwargs})
        else:
            yield here, ":".join((*spaces, each.name or "")), above | {*regex.groupindex, *each.default_args}


def in_the_admin() -> dict[str, set[str]]:
    """The part of the address behind "admin/" → all keywords of the views there."""
    found = defaultdict(set)
    for route, _, names in patterns():
        if route.startswith("admin/"):
            found[route.removeprefix("admin/").lstrip("^").partition("/")[0]] |= names
    return {part: names for part, names in found.items() if names}


def test_each_keyword_of_the_admin_is_known():
    """`HiddenObjectsMiddleware` refuses any other, and `ReadingLogMiddleware` would not note who saw a notice under it."""
    assert in_the_admin() == {part: set(names) for part, names in KEYWORDS.items()}


@pytest.mark.django_db
def test_an_unknown_keyword_is_refused(rf):
    """As after an upgrade that calls the key of a page otherwise."""
    editor = User.objects.create_user("editor")
    for part, keywords in (("pages", {"content_id": 1}), ("of-tomorrow", {"pk": 1}), ("pages", {"page_id": 1, "x": 1})):
        request = rf.get(f"/admin/{part}/")
        request.user, request.resolver_match = editor, resolve("/admin/")
        request.resolver_match.route = f"admin/{part}/<int:pk>/"
        with pytest.raises(Http404):
            HiddenObjectsMiddleware(lambda request: None).process_view(request, lambda request: None, (), keywords)


VIEWS = {
    # Name → what it gets. We lead people there, or ask which of them a request is for.
    "wagtailadmin_home": set(),
    "wagtailadmin_explore": {"parent_page_id"},
    "wagtailadmin_pages:add": {"content_type_app_name", "content_type_model_name", "parent_page_id"},
    "wagtailadmin_pages:edit": {"page_id"},
    "wagtailadmin_pages:revisions_revert": {"page_id", "revision_id"},
    "wagtailadmin_pages:revisions_index": {"page_id"},
    "wagtailadmin_pages:revisions_compare": {"pk", "revision_id_a", "revision_id_b"},
    "wagtailadmin_pages:workflow_action": {"page_id", "action_name", "task_state_id"},
    "wagtailimages:edit": {"image_id"},
    "wagtailusers_users:index": set(),
    "wagtailusers_users:edit": {"pk"},
    "wagtailsnippets_pages_agency:edit": {"pk"},
    "wagtailsnippets_pages_agency:workflow_action": {"pk", "action_name", "task_state_id"},
    "wagtailadmin_choose_page": set(),
    "wagtailadmin_choose_page_child": {"parent_page_id"},
    "wagtailadmin_choose_page_search": set(),
    "wagtailadmin_choose_page_chosen_multiple": set(),
    "wagtailadmin_choose_page_external_link": set(),
    "wagtaildocs_chooser:chosen_multiple": set(),
    "wagtailimages_chooser:chosen_multiple": set(),
    **{name: {"app_label", "model_name", "object_id", "session_id"} for name in NOT_WORK if name.endswith("ping")},
    **{name: {"session_id"} for name in NOT_WORK if name.endswith("release")},
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_that_we_name_is_there(name):
    assert [names for _, each, names in patterns() if each == name] == [VIEWS[name]]


def test_the_views_for_people_without_a_second_factor_are_there():
    assert {name for _, name, _ in patterns()} >= OPEN - {"mfa_add_webauthn_signup"}


def test_choosers_are_where_the_middleware_looks_for_them():
    routes = [route.split("/")[1] for route, name, _ in patterns() if name.startswith("wagtailadmin_choose_page")]
    assert {part for part in routes if part not in CHOOSERS_WITHOUT_PAGES} == {"choose-page", "choose-external-link"}
    assert {*CHOOSERS_WITHOUT_PAGES} < {*routes}
    several = [route.split("/")[1] for route, name, _ in patterns() if name.endswith("chosen_multiple")]
    assert {part for part in several if part != "snippets"} <= {*SEVERAL_KEYS}


def test_the_reading_log_knows_the_keys_of_pages():
    names = {name for name, model in KEYWORDS["pages"].items() if model is not None}
    assert names - {"parent_page_id", "destination_id"} == set(PAGE_ARGUMENTS)


# Wagtail's name → our view at its address. At another address, Wagtail's own would be asked.
TAKEN_OVER = {
    "wagtailadmin_login": account.login,
    "wagtailadmin_logout": account.logout,
    "wagtailadmin_password_reset": account.password_reset,
    "wagtailadmin_reports:page_types_usage": PageTypesReport,
    "wagtailadmin_reports:page_types_usage_results": PageTypesReport,
    "wagtailadmin_tag_autocomplete": offered_tags,
    "wagtailadmin_tag_model_autocomplete app_name=documents model_name=document": offered_tags,
    "wagtailadmin_api:pages:action pk=1 action_name=publish": not_offered,
    "wagtailimages:preview image_id=1 filter_spec=original": not_offered,
    "wagtailimages:url_generator image_id=1": not_offered,
    "wagtailimages:url_generator_output image_id=1": not_offered,
    "wagtailredirects:index": redirects.RedirectsView,
    "wagtailredirects:index_results": redirects.RedirectsView,
    "wagtailredirects:add": redirects.AddRedirectView,
    "wagtailredirects:edit redirect_id=1": redirects.EditRedirectView,
    "wagtailsnippets_pages_agency:edit pk=1": edit_screens.SnippetEditView,
    "wagtailsnippets_pages_agency:copy pk=1": edit_screens.SnippetCopyView,
    "wagtailsnippets_pages_agency:revisions_revert pk=1 revision_id=1": edit_screens.SnippetRevertView,
    "wagtailsnippets_pages_agency:unpublish pk=1": wagtail_hooks.UnpublishSnippetView,
    "wagtailsnippets_pages_agency:revisions_unschedule pk=1 revision_id=1": wagtail_hooks.UnscheduleSnippetView,
    "wagtailsnippets_pages_agency:workflow_action pk=1 action_name=approve task_state_id=1": (
        edit_screens.SnippetActionView
    ),
    "wagtailusers_users:edit pk=1": leaver_views.EditView,
}


@pytest.mark.parametrize("called", TAKEN_OVER)
def test_at_wagtails_address_is_our_view(called):
    name, *keywords = called.split()
    view = resolve(reverse(name, kwargs=dict(each.split("=") for each in keywords))).func
    ours = TAKEN_OVER[called]
    assert getattr(view, "view_class", view) is getattr(ours, "view_class", ours)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("edit", edit_screens.PageEditView),
        ("revisions_revert", edit_screens.PageRevertView),
        ("workflow_action", edit_screens.PageActionView),
    ],
)
def test_the_screens_of_every_page_type_are_ours(name, ours):
    for model in (kind for kind in get_page_models() if issubclass(kind, ContentPage)):
        assert getattr(page_viewset_registry.get_by_type(model), f"{name}_view").view_class is ours


def test_the_screens_of_snippets_know_their_model():
    """`RowLockMixin` locks a row of this model before it reads, and one of a page without it."""
    assert wagtail_hooks.AgencyViewSet().get_common_view_kwargs()["model"] is Agency
