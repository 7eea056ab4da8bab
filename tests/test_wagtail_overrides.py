"""What classes of ours override in Wagtail, grapple, graphene, graphql-core, treebeard and feedgen.

A method that the base class calls by another name is one that nobody asks any more.
"""

import ast
import importlib
import importlib.util
import inspect
import re
from collections import defaultdict
from functools import cache

import pytest
from wagtail.models import PagePermissionTester
from wagtail.permission_policies.collections import (
    CollectionManagementPermissionPolicy,
    CollectionOwnershipPermissionPolicy,
)
from wagtail.permission_policies.pages import PagePermissionPolicy

from pages.approval.edit_screens import ACTIONS
from tests.shipped import mentioned, our_modules, shipped

PACKAGES = ("wagtail", "grapple", "graphene", "graphql", "treebeard", "feedgen", "modelcluster", "modelsearch")


def names_in(body: list[ast.stmt]) -> set[str]:
    found = set()
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            found.add(node.target.id)
    return found


def our_classes() -> dict[type, set[str]]:
    """Each with the names that are written in its body: metaclasses add more."""
    found = {}
    for name in our_modules():
        module = importlib.import_module(name)
        for node in shipped(name).body if name in _files() else ():
            kind = getattr(module, node.name, None) if isinstance(node, ast.ClassDef) else None
            if inspect.isclass(kind):
                found[kind] = names_in(node.body)
    return found


def _files() -> set[str]:
    return {name for name in our_modules() if importlib.util.find_spec(name).origin}


def overridden() -> dict[str, set[str]]:
    """Base class of a package → the names of it that a class of ours has in their place, a mixin's included."""
    ours, found = our_classes(), defaultdict(set)
    for kind in ours:
        for number, part in enumerate(kind.__mro__):
            for name in ours.get(part, ()):
                below = (base for base in kind.__mro__[number + 1 :] if name in vars(base) and base not in ours)
                base = next(below, None)
                if base is not None and base.__module__.partition(".")[0] in PACKAGES:
                    found[f"{base.__module__}.{base.__qualname__}"].add(name)
    return dict(found)


# What a screen looks like: without them it looks otherwise, and shows nothing else.
LOOKS = {
    *("label", "icon", "header_icon", "menu_icon", "menu_label", "menu_order", "add_to_admin_menu", "items"),
    *("list_display", "list_filter", "columns", "page_title", "no_results_message", "template_name"),
    *("export_filename", "export_headings", "list_export"),
}
# Base class → names, and what goes wrong when the base has them no more.
OVERRIDDEN = {
    "feedgen.entry.FeedEntry": ("__init__ atom_entry rss_entry", "feeds without files and dates"),
    "feedgen.ext.base.BaseExtension": ("extend_atom extend_ns extend_rss", "feeds without hubs and archives"),
    "graphene.types.interface.Interface": ("resolve_type", "a withdrawn page has no type"),
    "graphql.error.graphql_error.GraphQLError": ("__init__", "errors without codes"),
    "graphql.execution.execute.ExecutionContext": ("execute_field", "no end in time, drafts in other fields"),
    "graphql.validation.rules.overlapping_fields_can_be_merged.OverlappingFieldsCanBeMergedRule": (
        "__init__",
        "no bound for comparisons",
    ),
    "modelsearch.index.Indexed": ("get_indexed_objects search_fields", "other words in the index of the admin"),
    "treebeard.models.Node": ("refresh_from_db", "an old value of the row is written back"),
    "wagtail.admin.forms.collections.BaseCollectionMemberForm": ("__init__ save", "a public file is exchanged"),
    "wagtail.admin.forms.models.WagtailAdminModelForm": ("is_valid", "a form takes what is hidden"),
    "wagtail.admin.forms.pages.CopyForm": ("__init__", "copies that are public at once"),
    "wagtail.admin.forms.pages.WagtailAdminPageForm": ("__init__ clean is_valid", "the rules of pages are not asked"),
    "wagtail.admin.menu.MenuItem": ("is_shown", "a menu that leads to a refusal"),
    "wagtail.admin.site_summary.PagesSummaryItem": ("get_context_data", "notices are counted"),
    "wagtail.admin.views.generic.base.BaseListingView": (
        "get_queryset index_results_url_name index_url_name",
        "a report lists something else",
    ),
    "wagtail.admin.views.generic.base.WagtailAdminTemplateMixin": (
        "get_breadcrumbs_items get_context_data get_page_title",
        "screens without what they are for",
    ),
    "wagtail.admin.views.generic.mixins.CreateEditViewOptionalFeaturesMixin": (
        "form_invalid form_valid save_instance",
        "a decision on a snippet that its screen did not show",
    ),
    "wagtail.admin.views.generic.models.CopyViewMixin": ("get_initial_form_instance", "a copy changes its original"),
    "wagtail.admin.views.generic.models.CreateView": ("get_add_url", "a copy has no makers"),
    "wagtail.admin.views.generic.models.EditView": (
        "header_more_buttons partials_template_name post",
        "a decision that its screen did not show",
    ),
    "wagtail.admin.views.generic.permissions.PermissionCheckedMixin": (
        "any_permission_required permission_required user_has_any_permission user_has_permission",
        "reports for everybody",
    ),
    "wagtail.admin.views.generic.workflow.BaseWorkflowFormView": ("setup", "a decision that no screen showed"),
    "wagtail.admin.views.home.LockedPagesPanel": (
        "get_context_data",
        "titles of pages that the person lost the rights to",
    ),
    "wagtail.admin.views.home.RecentEditsPanel": ("get_context_data", "names of notices on the first screen"),
    "wagtail.admin.views.mixins.SpreadsheetExportMixin": (
        "get_preprocess_function to_row_dict",
        "formulas in spreadsheets, and addresses of drafts",
    ),
    "wagtail.admin.views.pages.edit.EditView": (
        "form_invalid form_valid get_context_data get_template_names is_cancelling_workflow partials_template_name "
        "post",
        "a decision on a page that its screen did not show",
    ),
    "wagtail.admin.views.pages.revisions.RevisionsRevertView": ("get_context_data", "the same on earlier versions"),
    "wagtail.admin.views.reports.page_types_usage.PageTypesUsageReportView": (
        "decorate_paginated_queryset get_queryset",
        "notices are counted and named",
    ),
    "wagtail.admin.viewsets.pages.PageListingViewSet": ("model", "a list of other pages"),
    "wagtail.admin.viewsets.pages.PageViewSet": (
        "edit_view_class parent_models revisions_revert_view_class workflow_action_view_class",
        "Wagtail's own edit screens, which ask nothing",
    ),
    "wagtail.blocks.field_block.FieldBlock": ("clean", "empty paragraphs"),
    "wagtail.blocks.field_block.RichTextBlock": ("__init__", "other features of rich text"),
    "wagtail.contrib.redirects.views.CreateView": ("get_success_message", "no word of a redirect without effect"),
    "wagtail.contrib.redirects.views.EditView": ("get_success_message", "no word of a redirect without effect"),
    "wagtail.contrib.redirects.views.IndexView": (
        "get_base_queryset search_fields",
        "redirects to notices are listed, and pages found by their addresses",
    ),
    "wagtail.contrib.redirects.views.RedirectTargetColumn": (
        "get_cell_context_data",
        "titles of pages for people without rights on pages",
    ),
    "wagtail.contrib.table_block.blocks.TableBlock": ("clean get_searchable_content value_from_form", "broken tables"),
    "wagtail.documents.forms.BaseDocumentForm": ("__init__ save", "a public file is exchanged"),
    "wagtail.documents.models.AbstractDocument": (
        "clean file tags uploaded_by_user url",
        "files at addresses that never end",
    ),
    "wagtail.images.fields.WagtailImageField": ("to_python", "pictures are opened in the server"),
    "wagtail.images.forms.BaseImageForm": ("__init__ save", "a public picture is exchanged"),
    "wagtail.images.models.AbstractImage": (
        "create_rendition create_renditions default_alt_text description file get_rendition get_upload_to tags "
        "uploaded_by_user",
        "pictures are opened in the server, and stored under their names",
    ),
    "wagtail.images.models.AbstractRendition": ("file full_url get_upload_to url", "sizes at addresses that never end"),
    "wagtail.images.models.ImageFileMixin": ("get_willow_image", "pictures are opened in the server"),
    "wagtail.images.models.WagtailImageField": ("attr_class", "pictures are opened in the server"),
    "wagtail.images.models.WagtailImageFieldFile": ("get_image_dimensions", "pictures are opened in the server"),
    "wagtail.log_actions.LogFormatter": ("format_message", "log entries without words"),
    "wagtail.models.Page": ("base_form_class is_creatable promote_panels search_fields", "pages without our rules"),
    "wagtail.models.draft_state.DraftStateMixin": ("with_content_json", "an old value of the row is written back"),
    "wagtail.models.pages.AbstractPage": (
        "can_create_at can_move_to check clean clean_subpage_models exclude_fields_in_copy full_clean full_url "
        "get_admin_display_title get_full_url max_count minimal_clean permissions_for_user save save_revision serve "
        "with_content_json",
        "pages are published, copied and served without being asked about",
    ),
    "wagtail.models.pages.PagePermissionTester": (
        "__init__ can_copy can_delete can_move can_move_to can_publish can_publish_subpage can_reorder_children "
        "can_set_view_restrictions can_unpublish can_unschedule",
        "what is public is changed by one person",
    ),
    "wagtail.models.preview.PreviewableMixin": ("preview_modes serve_preview", "previews by templates that are not"),
    "wagtail.models.revisions.RevisionMixin": ("save_revision serializable_data", "approvals of another text hold"),
    "wagtail.models.workflows.AbstractGroupApprovalTask": ("get_actions get_description", "authors approve"),
    "wagtail.models.workflows.Task": ("get_form_for_action on_action", "steps that give no approval"),
    "wagtail.permission_policies.base.BasePermissionPolicy": ("user_has_permission_for_instance", "snippets go"),
    "wagtail.permission_policies.base.ModelPermissionPolicy": ("user_has_permission", "snippets are published"),
    "wagtail.permission_policies.collections.CollectionManagementPermissionPolicy": (
        "instances_user_has_any_permission_for instances_user_has_permission_for user_has_any_permission_for_instance "
        "user_has_permission_for_instance",
        "the collection of death reviews is for everybody",
    ),
    "wagtail.permission_policies.collections.CollectionOwnershipPermissionPolicy": (
        "collections_user_has_any_permission_for instances_user_has_any_permission_for "
        "user_has_any_permission_for_instance",
        "files of death reviews are for everybody",
    ),
    "wagtail.permission_policies.pages.PagePermissionPolicy": (
        "explorable_instances explorable_root_instance instances_user_has_any_permission_for "
        "user_has_any_permission_for_instance",
        "notices are for everybody",
    ),
    "wagtail.snippets.views.snippets.EditView": ("get_context_data view_name", "a decision that no screen showed"),
    "wagtail.snippets.views.snippets.RevisionsUnscheduleView": ("permission_required", "editors stop a publication"),
    "wagtail.snippets.views.snippets.SnippetViewSet": (
        "copy_view_class edit_template_name edit_view_class model revisions_revert_view_class "
        "revisions_unschedule_view_class unpublish_view_class workflow_action_view_class",
        "Wagtail's own screens for snippets, which ask nothing",
    ),
    "wagtail.snippets.views.snippets.UnpublishView": ("permission_required", "editors unpublish"),
    "wagtail.users.apps.WagtailUsersAppConfig": ("group_viewset user_viewset", "no screen for leavers"),
    "wagtail.users.views.groups.GroupViewSet": ("get_form_class", "permissions that a form does not show are logged"),
    "wagtail.users.views.users.UserViewSet": ("edit_view_class", "no button for leavers"),
}


@pytest.mark.parametrize("base", sorted(OVERRIDDEN))
def test_what_we_override_is_there(base):
    """A name that the base has no more is one that nobody calls. Put a new one, with its reason, into the table."""
    names, why = OVERRIDDEN[base]
    assert overridden_names().get(base, set()) == set(names.split()), f"Otherwise: {why}."


def test_all_that_we_override_is_in_the_table():
    assert sorted(overridden_names()) == sorted(OVERRIDDEN)


@cache
def overridden_names() -> dict[str, set[str]]:
    return {base: names - LOOKS for base, names in overridden().items() if names - LOOKS}


# --- What has to be asked in full ---

# A further method of these is a further way to something: look at what it lets somebody do, and enter it here.
_POLICY = (
    "check_model get_all_permissions_for_user get_cached_permissions_for_user instances_user_has_any_permission_for "
    "instances_user_has_permission_for user_has_any_permission user_has_any_permission_for_instance "
    "user_has_permission user_has_permission_for_instance users_with_any_permission "
    "users_with_any_permission_for_instance users_with_permission users_with_permission_for_instance "
)
_OF_COLLECTIONS = "collections_user_has_any_permission_for collections_user_has_permission_for"
ASKED = {
    PagePermissionTester: "can_add_subpage can_copy can_copy_to can_delete can_edit can_lock can_move can_move_to "
    "can_publish can_publish_subpage can_reorder_children can_set_view_restrictions can_submit_for_moderation "
    "can_unlock can_unpublish can_unschedule can_view_revisions page_locked user_has_lock",
    PagePermissionPolicy: _POLICY
    + "explorable_instances explorable_root_instance instances_with_direct_explore_permission",
    CollectionOwnershipPermissionPolicy: _POLICY + _OF_COLLECTIONS,
    CollectionManagementPermissionPolicy: _POLICY + _OF_COLLECTIONS,
}


@pytest.mark.parametrize("kind", ASKED, ids=lambda kind: kind.__name__)
def test_there_is_no_further_way_to_something(kind):
    own = [base for base in kind.__mro__ if base.__module__.startswith("wagtail.")]
    methods = {name for base in own for name, value in vars(base).items() if callable(value) and name[0] != "_"}
    assert methods == set(ASKED[kind].split())


def test_the_buttons_of_the_edit_screen_are_all_known():
    """Another button could do something without a look at what the screen showed."""
    screens = "wagtail.admin.views.pages.edit", "wagtail.admin.action_menu", "wagtail.snippets.action_menu"
    texts = {text for screen in screens for text in mentioned(screen) if isinstance(text, str)}
    assert {text for text in texts if re.fullmatch("action-[a-z-]+", text)} == {
        *ACTIONS,
        *("action-save", "action-save-draft", "action-unpublish", "action-locked", "action-page-locked"),
    }
