"""The version of everything that readers can be shown: a number that changes in each transaction that changes that.

Triggers change it, so no way to change a table can forget it. Answers that are kept under a version
(cms/response_cache) are therefore never older than the last commit.

The number is the sum of the rows of `DataVersion`. A transaction changes any row that no other one has locked, and
adds a row if there is none. So transactions never wait for each other here. What it adds is random: after a backup is
restored, a version is not the same as another one with the same number of changes.
"""

from collections.abc import Iterator

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from wagtail.search.models import IndexEntry

from cms.models import DataVersion
from pages.database_triggers import Trigger
from pages.models import SearchText

# Apps of which no table changes an answer to readers, and why.
PRIVATE_APPS = {
    "account": "how people sign in",
    "auth": "accounts and groups",
    "contenttypes": "changes with the code only",
    "mfa": "second factors",
    "sessions": "who is signed in",
    "socialaccount": "single sign-on",
    "taggit": "tags are for editors",
    "wagtailadmin": "settings of the admin",
    "wagtaildocs": "documents are in documents.Document",
    "wagtailembeds": "pages embed nothing",
    "wagtailimages": "pictures are in documents.Image",
    "wagtailusers": "profiles of colleagues",
}
# Tables of the other apps that change no answer to readers, and why.
PRIVATE = {
    "cms.DataVersion": "the version itself",
    "feeds.FeedPing": "calls to the WebSub hub",
    "pages.Approval": "who approved what",
    "pages.DraftPreview": "answers that show a draft are not kept",
    "pages.FourEyesTask": "a step of a workflow",
    "pages.FourEyesTask_groups": "a step of a workflow",
    "pages.OutgoingMail": "mail",
    "pages.ReviewReminder": "mail",
    "pages.RoleGroup": "groups of colleagues",
    "pages.ShownPage": "which pages are listed as changed",
    "pages.StaffCalendar": "a calendar for colleagues",
    "wagtailcore.APIToken": "not used",
    "wagtailcore.Comment": "comments of colleagues",
    "wagtailcore.CommentReply": "comments of colleagues",
    "wagtailcore.CollectionViewRestriction_groups": "any restriction hides from readers",
    "wagtailcore.GroupApprovalTask": "a step of a workflow",
    "wagtailcore.GroupApprovalTask_groups": "a step of a workflow",
    "wagtailcore.GroupCollectionPermission": "permissions of colleagues",
    "wagtailcore.GroupPagePermission": "permissions of colleagues",
    "wagtailcore.GroupSitePermission": "permissions of colleagues",
    "wagtailcore.Locale": "all content is in one language",
    "wagtailcore.ModelLogEntry": "the log",
    "wagtailcore.PageLogEntry": "the log",
    "wagtailcore.PageSubscription": "mail",
    "wagtailcore.PageViewRestriction": "PageVisibility changes with it",
    "wagtailcore.PageViewRestriction_groups": "any restriction hides from readers",
    "wagtailcore.ReferenceIndex": "what editors are told of uses",
    "wagtailcore.Revision": "versions that nobody approved",
    "wagtailcore.Task": "a step of a workflow",
    "wagtailcore.TaskState": "a step of a workflow",
    "wagtailcore.UploadedFile": "a file before its form is saved",
    "wagtailcore.Workflow": "a workflow",
    "wagtailcore.WorkflowContentType": "a workflow",
    "wagtailcore.WorkflowPage": "a workflow",
    "wagtailcore.WorkflowState": "a workflow",
    "wagtailcore.WorkflowTask": "a workflow",
    "wagtailsearch.SQLiteFTSIndexEntry": "changes with IndexEntry",
}
# Columns that readers are told nothing of. They change with every draft.
PRIVATE_COLUMNS = {
    "alias_of", "draft_title", "go_live_at", "has_unpublished_changes", "latest_revision", "latest_revision_created_at",
    "live_revision", "locked", "locked_at", "locked_by", "marked_reviewed_at", "marked_reviewed_by", "numchild",
    "owner",
}  # fmt: skip


def public_models() -> list[type[Model]]:
    """The models whose rows can change an answer to readers."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and not model._meta.proxy
        and model._meta.app_label not in PRIVATE_APPS
        and model._meta.label not in PRIVATE
    ]


def triggers() -> Iterator[Trigger]:
    for model in public_models():
        table, columns = model._meta.db_table, _public_columns(model)
        for event in ("INSERT", f"UPDATE OF {', '.join(columns)}", "DELETE"):
            if columns or not event.startswith("UPDATE"):
                is_index = model is IndexEntry
                statements = _change_if_searched(event) if is_index else _change()
                yield Trigger(table, event, statements, for_each_row=is_index)


def _public_columns(model: type[Model]) -> list[str]:
    return [
        connection.ops.quote_name(str(field.column))
        for field in model._meta.local_concrete_fields
        if field.name not in PRIVATE_COLUMNS
    ]


def _change(only_if: str = "TRUE") -> tuple[str, ...]:
    """Statements that change the version. `only_if` is a condition in SQL."""
    table = DataVersion._meta.db_table
    if connection.vendor == "sqlite":  # one transaction writes at a time
        more = "1 + abs(random() % 1000000)"
        return (
            f"UPDATE {table} SET number = number + {more} WHERE {only_if}",
            f"INSERT INTO {table} (number) SELECT {more} WHERE NOT EXISTS (SELECT 1 FROM {table})",
        )
    more = "1 + floor(random() * 1000000)::bigint"
    free = f"SELECT id FROM {table} ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1"
    insert = f"INSERT INTO {table} (number) VALUES ({more})"
    update = f"UPDATE {table} SET number = number + {more} WHERE id = ({free})"
    return (f"IF {only_if} THEN {update}; IF NOT FOUND THEN {insert}; END IF; END IF",)


def _change_if_searched(event: str) -> tuple[str, ...]:
    """The same for the index of the search, which also has what only editors find, and changes with every draft."""
    row = "OLD" if event == "DELETE" else "NEW"
    kinds, name = ContentType._meta.db_table, SearchText._meta.model_name
    return _change(f"EXISTS (SELECT 1 FROM {kinds} WHERE id = {row}.content_type_id AND model = '{name}')")
