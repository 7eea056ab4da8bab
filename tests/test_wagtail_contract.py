"""What the product replaces, reads and sends of Wagtail, grapple, graphene, graphql-core, treebeard and feedgen beyond
what they document.

Most of it only hides something or asks once more: without it the product would go on working and show too much. Here
an upgrade that renames something fails. tests/test_wagtail_overrides.py has what classes override,
tests/test_wagtail_addresses.py the addresses; tests/test_threads_in_wagtail.py and tests/test_references.py ask what
some of it does.
"""

import ast
import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings
from django.template.loader import get_template
from wagtail import hooks
from wagtail.models import ReferenceIndex

from tests.shipped import OURS, definition, mentioned, our_modules, shipped, source_of

# --- What we put in the place of something ---


class Replaced(NamedTuple):
    where: str
    arguments: str
    called_in: str
    why: str


REPLACED = (
    # pages/confidential/hidden_objects.py
    Replaced("django.shortcuts:_get_queryset", "klass", "django.shortcuts", "keys in addresses lead to nothing hidden"),
    Replaced("django.forms.forms:BaseForm._clean_fields", "self", "django.forms.forms", "what is hidden is no choice"),
    Replaced("django.forms.forms:BaseForm._clean_form", "self", "django.forms.forms", "forms refuse what is hidden"),
    Replaced("django.forms.models:ModelChoiceField.to_python", "self, value", "django.forms.fields", "the same"),
    Replaced("wagtail.admin.views.pages.copy:CopyView.post", "self, request, page_id, *args, **kwargs", "", "where"),
    Replaced("wagtail.admin.views.chooser:ExternalLinkView.post", "self, request", "", "an address becomes a page"),
    Replaced(
        "wagtail.blocks.field_block:ChooserBlock.value_from_form", "self, value", "wagtail.blocks.field_block", "keys"
    ),
    Replaced("wagtail.blocks.field_block:ChooserBlock.clean", "self, value", "wagtail.blocks.stream_block", "keys"),
    Replaced(
        "wagtail.admin.widgets.chooser:BaseChooser.get_value_data",
        "self, value",
        "wagtail.admin.widgets.chooser",
        "choosers tell the title of what was chosen",
    ),
    Replaced(
        "wagtail.admin.rich_text.converters.html_to_contentstate:PageLinkElementHandler.get_attribute_data",
        "self, attrs",
        "wagtail.admin.rich_text.converters.html_to_contentstate",
        "rich text tells the title of a linked page",
    ),
    Replaced(
        "wagtail.documents.rich_text.contentstate:DocumentLinkElementHandler.get_attribute_data",
        "self, attrs",
        "wagtail.admin.rich_text.converters.html_to_contentstate",
        "rich text tells the title of a linked document",
    ),
    Replaced(
        "wagtail.images.rich_text.contentstate:ImageElementHandler.create_entity",
        "self, name, attrs, state, contentstate",
        "wagtail.admin.rich_text.converters.html_to_contentstate",
        "rich text shows pictures",
    ),
    Replaced("wagtail.admin.compare:ForeignObjectComparison.get_objects", "self", "wagtail.admin.compare", "versions"),
    Replaced("wagtail.admin.compare:get_comparison_class_for_block", "block", "wagtail.admin.compare", "versions"),
    Replaced(
        "wagtail.admin.forms.collections:BaseGroupCollectionMemberPermissionFormSet.__init__",
        "self, data=None, files=None, instance=None, prefix=None",
        "",
        "rights on hidden collections are shown",
    ),
    Replaced(
        "wagtail.admin.forms.collections:BaseGroupCollectionMemberPermissionFormSet.save",
        "self",
        "",
        "rights on hidden collections are taken away",
    ),
    Replaced("django.forms.formsets:BaseFormSet.add_fields", "self, form, index", "django.forms.formsets", "the same"),
    Replaced("modelcluster.forms:ClusterForm.is_valid", "self", "", "the rows of a form are not known"),
    # pages/confidential/lists_and_counts.py
    *(
        Replaced(f"wagtail.admin.views.workflows:{view}.get_context_data", "self, **kwargs", "", "how many pages wait")
        for view in ("Disable", "DisableTask")
    ),
    *(
        Replaced(f"wagtail.admin.views.workflows:{view}.delete_action", "self", "", "whether a notice is in progress")
        for view in ("Disable", "DisableTask")
    ),
    Replaced(
        "django.db.models.base:Model.save",
        "self, *args, force_insert=False, force_update=False, using=None, update_fields=None",
        "",
        "a collection is made private while a page with its files is approved",
    ),
    Replaced("django.db.models.base:Model.delete", "self, using=None, keep_parents=False", "", "it is made public"),
    Replaced("treebeard.mp_tree:MP_Node.move", "self, target, pos=None", "wagtail.admin.views.collections", "it moves"),
    Replaced("treebeard.models:Node.delete", "self, *args, **kwargs", "wagtail.admin.views.collections", "it goes"),
    Replaced(
        "wagtail.admin.views.bulk_action.base_bulk_action:BulkAction.get_actionable_objects",
        "self",
        "wagtail.admin.views.bulk_action.base_bulk_action",
        "bulk actions name what somebody may not touch",
    ),
    Replaced(
        "wagtail.admin.models:popular_tags_for_model", "model, count=10", "wagtail.admin.filters", "tags of files"
    ),
    Replaced(
        "wagtail.admin.models:popular_tags_for_model",
        "model, count=10",
        "wagtail.images.views.chooser",
        "tags of files",
    ),
    Replaced(
        "wagtail.admin.views.generic.history:HistoryFilterSet.get_users_queryset",
        "self",
        "wagtail.admin.views.generic.history",
        "who did something to a notice",
    ),
    Replaced("wagtail.api.v2.views:BaseAPIViewSet.get_queryset", "self", "wagtail.api.v2.views", "the admin's API"),
    Replaced(
        "django.db.models.manager:BaseManager.get_queryset",
        "self",
        "django.db.models.manager",
        "counts and lists of uses begin with ReferenceIndex.objects",
    ),
    Replaced(
        "wagtail.models.audit_log:ModelLogEntryManager.log_action",
        "self, instance, action, **kwargs",
        "wagtail.log_actions",
        "old names of what belonged to death reviews",
    ),
    Replaced(
        "wagtail.admin.views.reports.locked_pages:LockedPagesView.get_queryset",
        "self",
        "",
        "titles of pages that the person lost the rights to",
    ),
    Replaced(
        "wagtail.models.audit_log:BaseLogEntryManager.viewable_by_user",
        "self, user",
        "wagtail.admin.views.reports.audit_logging",
        "the site's history",
    ),
    Replaced(
        "wagtail.models.pages:PageLogEntryManager.viewable_by_user",
        "self, user",
        "wagtail.admin.views.reports.audit_logging",
        "the site's history",
    ),
    Replaced(
        "wagtail.admin.mail:EmailNotificationMixin.get_valid_recipients",
        "self, instance, **kwargs",
        "wagtail.admin.mail",
        "mail names what waits for approval",
    ),
    Replaced("treebeard.models:Node.get_children_count", "self", "wagtail.admin.views.chooser", "the page chooser"),
    Replaced(
        "wagtail.admin.views.chooser:BrowseView.filter_object_list",
        "self, pages",
        "wagtail.admin.views.chooser",
        "the page chooser",
    ),
    Replaced(
        "wagtail.query:PageQuerySet.first_common_ancestor",
        "self, include_self=False, strict=False",
        "wagtail.admin.views.chooser",
        "where the page chooser opens",
    ),
    Replaced(
        "wagtail.models.workflows:AbstractWorkflow.all_pages", "self", "wagtail.admin.views.workflows", "pages of one"
    ),
    # pages/approval/row_locks.py
    Replaced("wagtail.actions.unpublish:UnpublishAction.execute", "self, skip_permission_checks=False", "", "rows"),
    Replaced(
        "wagtail.actions.unpublish_page:UnpublishPageAction.execute", "self, skip_permission_checks=False", "", "rows"
    ),
    Replaced("wagtail.actions.move_page:MovePageAction.execute", "self, skip_permission_checks=False", "", "rows"),
    Replaced(
        "wagtail.actions.delete_page:DeletePageAction.execute",
        "self, *args, skip_permission_checks=False, **kwargs",
        "",
        "rows",
    ),
    Replaced(
        "wagtail.models.workflows:WorkflowState.update",
        "self, user=None, next_task=None",
        "wagtail.models.workflows",
        "the first of two people is asked again",
    ),
    # cms/admin/threads.py, pages/editing/typed_rich_text.py, pages/editing/typed_dates.py, cms/admin/widgets.py
    Replaced(
        "wagtail.admin.rich_text.converters.contentstate:ContentstateConverter.from_database_format",
        "self, html",
        "wagtail.admin.rich_text.editors.draftail",
        "two forms at once get each other's text",
    ),
    Replaced(
        "wagtail.admin.rich_text.converters.contentstate:ContentstateConverter.to_database_format",
        "self, contentstate_json",
        "wagtail.admin.rich_text.editors.draftail",
        "a colleague becomes the author of white space",
    ),
    Replaced("wagtail.blocks.base:BlockField.clean", "self, value", "django.forms.fields", "a version is not checked"),
    Replaced("wagtail.blocks.base:BlockWidget._build_block_json", "self", "wagtail.blocks.base", "boxes are optional"),
    *(
        Replaced(
            f"wagtail.admin.widgets.datetime:{box}.get_config", "self", "wagtail.admin.widgets.datetime", "typed dates"
        )
        for box in ("AdminDateInput", "AdminTimeInput", "AdminDateTimeInput")
    ),
    # pages/takedown/redirects.py
    Replaced("wagtail.contrib.redirects.forms:RedirectForm.clean", "self", "django.forms.forms", "paths are free"),
    Replaced("django.forms.models:BaseModelForm.validate_unique", "self", "django.forms.models", "paths are free"),
    Replaced("django.forms.models:BaseModelForm.save", "self, commit=True", "", "a hidden redirect makes way"),
    # pages/confidential/lists_and_counts.py
    Replaced("wagtail.admin.mail:Notifier.__call__", "self, instance=None, **kwargs", "", "who may be told"),
    Replaced(
        "wagtail.admin.views.pages.edit:EditView.send_commenting_notifications",
        "self, changes",
        "wagtail.admin.views.pages.edit",
        "who may be told",
    ),
    Replaced(
        "taggit.managers:_TaggableManager._to_tag_model_instances",
        "self, tags, tag_kwargs",
        "taggit.managers",
        "a typed tag is matched with those of all files",
    ),
    # feeds/write/syndication.py
    Replaced("feedgen.util:formatRFC2822", "date", "feedgen.entry", "it changes the locale of the process"),
    Replaced("feedgen.util:formatRFC2822", "date", "feedgen.feed", "it changes the locale of the process"),
)


@pytest.mark.parametrize("row", REPLACED, ids=lambda row: f"{row.where} in {row.called_in}")
def test_what_we_replace_is_there_takes_the_same_and_is_called(row):
    found = definition(row.where)
    assert isinstance(found, ast.FunctionDef)
    assert ast.unparse(found.args) == row.arguments
    if row.called_in:
        name = row.where.rpartition(":")[2].rpartition(".")[2]
        called = {getattr(node.func, "attr", getattr(node.func, "id", "")) for node in calls_in(row.called_in)}
        assert name in called, f"{row.called_in} does not call {name}: {row.why}."


def test_all_that_we_replace_is_in_the_table():
    calls = [call for module in our_modules() for call in calls_in(module) if getattr(call.func, "id", "") == "replace"]
    names = {call.args[1].value for call in calls if len(call.args) == 2}
    assert names - {row.where.rpartition(":")[2].rpartition(".")[2] for row in REPLACED} == set()


def calls_in(module: str) -> list[ast.Call]:
    return [node for node in ast.walk(shipped(module)) if isinstance(node, ast.Call)]


def test_the_references_have_a_manager_of_their_own():
    """`references_in_sight` takes the place of its `get_queryset`: of another model's it must not."""
    manager = type(ReferenceIndex.objects)
    assert "get_queryset" in vars(manager)
    assert manager.__mro__[1].__module__ == "django.db.models.manager"


# --- Names that are sent, read and passed ---


class Used(NamedTuple):
    module: str
    names: str
    why: str


USED = (
    # What forms and addresses of the admin send.
    Used(
        "wagtail.admin.views.pages.edit",
        "action-publish action-submit action-restart-workflow action-workflow-action action-cancel-workflow "
        "workflow-action-name workflow-action-extra-data overwrite_revision_id loaded_revision_id",
        "which button was pressed, and on which version",
    ),
    Used(
        "wagtail.admin.views.generic.mixins",
        "workflow-action-name workflow-action-extra-data overwrite_revision_id loaded_revision_id",
        "the same for snippets",
    ),
    Used("wagtail.snippets.action_menu", "action-submit action-restart-workflow action-cancel-workflow", "the same"),
    Used("wagtail.admin.action_menu", "action-publish action-submit action-restart-workflow", "the same"),
    Used("wagtail.admin.views.pages.copy", "new_parent_page", "where a copy goes"),
    Used("wagtail.admin.views.chooser", "target_pages[] id internal result", "what choosers answer"),
    Used("wagtail.admin.views.generic.chooser", "id", "several keys at once"),
    Used("wagtail.admin.views.bulk_action.base_bulk_action", "id childOf all", "what bulk actions are for"),
    Used("wagtail.admin.views.bulk_action.base_bulk_action", "items_with_no_access", "what they answer"),
    Used("wagtail.admin.views.tags", "term", "tags that are offered"),
    Used("wagtail.documents.views.chooser", "document-chooser-upload", "a file for a notice"),
    # What the views give their subclasses.
    Used(
        "wagtail.admin.views.pages.edit",
        "page workflow_state is_cancelling_workflow has_content_changes save_action redirect_away locked_for_user "
        "expects_json_response is_out_of_date json_error_response partials_template_name wagtailadmin/pages/edit.html",
        "the edit screen of pages",
    ),
    Used("wagtail.admin.views.generic.mixins", "locked_for_user json_error_response is_out_of_date", "of snippets"),
    Used("wagtail.admin.views.generic.models", "action expects_json_response get_success_url", "of snippets"),
    Used("wagtail.admin.views.generic.workflow", "task task_state object on_action", "a decision by itself"),
    Used(
        "wagtail.admin.views.bulk_action.base_bulk_action", "check_perm get_queryset model action_type", "bulk actions"
    ),
    Used("wagtail.admin.views.pages.bulk_actions.delete", "action_type delete", "pages below are deleted with it"),
    Used("wagtail.admin.views.pages.bulk_actions.page_bulk_action", "get_all_objects_in_listing_query", "all of them"),
    Used("wagtail.admin.views.chooser", "desired_classes render_chosen_response get_result_data", "the page chooser"),
    Used("wagtail.admin.views.home", "last_edits request", "the first screen"),
    Used("wagtail.admin.views.reports.page_types_usage", "last_edited_page", "the report of page types"),
    Used("wagtail.admin.widgets.chooser", "display_title_key model_class edit_url parent_id", "what choosers tell"),
    Used("wagtail.admin.widgets.datetime", "get_config", "dates as typed"),
    Used("wagtail.admin.rich_text.converters.contentstate", "html_to_contentstate_handler features", "a parser each"),
    Used("wagtail.admin.forms.models", "defer_required_fields is_deferred_validation", "drafts need not be whole"),
    Used("wagtail.users.forms", "registered_permissions", "permissions that a form does not show"),
    Used("wagtail.admin.views.reports.locked_pages", "locked_by", "people to filter by"),
    Used("wagtail.admin.views.reports.workflows", "requested_by", "people to filter by"),
    Used("wagtail.admin.views.pages.listing", "owner edited_by", "people to filter by"),
    # What models have, and what their methods are given by these names.
    Used(
        "wagtail.models.revisions",
        "save_revision overwrite_revision previous_revision user clean log_action approved_go_live_at as_object "
        "base_content_type object_str content page_revisions",
        "versions: an approved one is never written over",
    ),
    Used("wagtail.models.draft_state", "set_expired log_action live_revision last_published_at", "publication"),
    Used(
        "wagtail.models.workflows",
        "current_task_state current_workflow_task_state STATUS_IN_PROGRESS STATUS_NEEDS_CHANGES STATUS_APPROVED "
        "STATUS_REJECTED STATUS_CANCELLED comment _user_in_groups requested_by finished_by finished_at get_next_task",
        "workflows and their steps",
    ),
    Used("wagtail.models.pages", "set_url_path specific_class specific_deferred alias_of", "pages"),
    Used("wagtail.log_actions", "get_active_log_context user", "who does it: without a person, nobody is refused"),
    Used("wagtail.actions.publish_revision", "wagtail.publish log_action", "the log"),
    Used("wagtail.actions.unpublish", "set_expired log_action commit object", "unpublishing"),
    Used("wagtail.actions.move_page", "page target", "moving"),
    Used("wagtail.actions.delete_page", "page", "deleting"),
    Used(
        "wagtail.signals", "published unpublished page_slug_changed post_page_move pre_page_move", "what became public"
    ),
    Used("wagtail.signal_handlers", "disable_reference_index_auto_update", "samples"),
    Used("wagtail.images.models", "filter_operations get_transform get_cache_key focal_point_key", "sizes of pictures"),
    # grapple and graphene
    Used("grapple.registry", "pages models documents images streamfield_blocks snippets", "the public types"),
    Used("grapple.models", "GraphQLField field_name field_type", "public fields"),
    Used("grapple.types.interfaces", "get_page_interface", "what every page answers"),
    Used("grapple.settings", "PAGE_INTERFACE APPS", "what every page answers"),
    Used("graphene.types.field", "_type args description deprecation_reason resolver", "the declared fields"),
    Used("graphene.types.objecttype", "fields interfaces _meta", "no field but the declared ones"),
    Used("graphene.types.base", "freeze description", "descriptions"),
    # graphql-core
    Used("graphql.language.parser", "max_tokens", "long queries"),
    Used("graphql.validation.validate", "ValidationAbortedError max_errors", "queries with too many errors"),
    Used(
        "graphql.validation.rules.overlapping_fields_can_be_merged",
        "remaining_complexity_budget rule_context",
        "comparisons of fields",
    ),
    Used("graphql.execution.collect_fields", "should_include_node", "the cost of a query"),
    Used("graphql.execution.execute", "get_field_def execute_field context_value variable_values", "cost and time"),
    # treebeard
    Used("treebeard.mp_tree", "_inc_path _get_path steplen path depth numchild", "where drafts would be, and locks"),
    # feedgen
    Used("feedgen.feed", "register_extension formatRFC2822 generator atom_str rss_str", "the bytes of feeds"),
    Used("feedgen.entry", "atom_entry rss_entry formatRFC2822", "the bytes of feeds"),
)


@pytest.mark.parametrize("row", USED, ids=lambda row: f"{row.module}: {row.why}")
def test_names_that_we_use_are_there(row):
    assert set(row.names.split()) <= mentioned(row.module)


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("tokens. Parsing aborted", "graphql.language.parser"),  # a query that is too long, by its message
        ("nested too deeply", "graphql.language.parser"),  # a query that is too deep
    ],
)
def test_messages_that_we_look_for_are_written(text, module):
    assert any(text in each for each in mentioned(module) if isinstance(each, str))


def test_a_hook_that_we_register_is_asked_for():
    asked = source_of("wagtail")
    ours = {
        name for name, found in hooks._hooks.items() for hook, _ in found if hook.__module__.partition(".")[0] in OURS
    }
    called = {name for name in ours if re.search(rf"""(?<!register\()["']{name}["']""", asked)}
    assert ours - called == set()
    assert "before_bulk_action" in ours


def test_a_setting_that_we_set_is_read():
    """Such as WAGTAIL_FINISH_WORKFLOW_ACTION: under another name, Wagtail publishes without asking."""
    read = source_of("wagtail")
    ours = {
        name for name in mentioned("cms.settings") if isinstance(name, str) and re.fullmatch("WAGTAIL[A-Z_]+", name)
    }
    assert {name for name in ours if name not in read} == set()
    assert "WAGTAIL_FINISH_WORKFLOW_ACTION" in ours


# --- Templates ---


def our_templates() -> list[str]:
    """By their names, those in the place of Wagtail's included."""
    roots = [path for app in OURS if (path := settings.BASE_DIR / app / "templates").is_dir()]
    return sorted(str(file.relative_to(root)) for root in roots for file in root.rglob("*.html"))


@pytest.mark.parametrize("name", our_templates())
def test_a_block_that_a_template_fills_is_there(name):
    """A block that the template above has not is dropped without a word."""
    source = get_template(name).template.source
    above = re.match(r'{% extends "(wagtail[^"]+)"', source)
    if above is not None:
        assert set(re.findall(r"{% block (\w+)", source)) <= blocks_of(above[1])


def blocks_of(name: str) -> set[str]:
    source = wagtails_template(name)
    above = re.search(r"""{% extends ["'](wagtail[^"']+)["']""", source)
    return set(re.findall(r"{% block (\w+)", source)) | (blocks_of(above[1]) if above else set())


def wagtails_template(name: str) -> str:
    root = Path(importlib.util.find_spec("wagtail").origin).parent
    [found] = [file for file in root.rglob(Path(name).name) if str(file).endswith(f"/templates/{name}")]
    return found.read_text()


@pytest.mark.parametrize("name", [name for name in our_templates() if name.startswith("wagtail")])
def test_a_template_in_the_place_of_wagtails_has_one_to_replace(name):
    assert wagtails_template(name)
