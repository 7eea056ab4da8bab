"""The edit screens of pages and snippets, on which versions are also approved or sent back.

Wagtail reads the row early in a request and writes it much later. These views lock the row before the first read and
keep the lock until the last write. A second request for the same object waits, and then sees the result of the first.
A decision is sent with what its screen showed (pages/models/shown.py). The browser's automatic saves never decide
anything, and they save nothing from a screen that is out of date.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any, TypeAlias

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.forms import BaseModelForm
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import classonlymethod
from django.utils.functional import cached_property
from wagtail.admin.views.generic.mixins import RevisionsRevertMixin
from wagtail.admin.views.pages.edit import EditView
from wagtail.admin.views.pages.revisions import RevisionsRevertView
from wagtail.admin.views.pages.workflow import WorkflowActionView
from wagtail.admin.viewsets.pages import PageViewSet
from wagtail.models import Page, Revision, Task, TaskState, WorkflowState
from wagtail.snippets.views import snippets

from pages.approval.changes_told import changes_told
from pages.approval.files_shown import files_shown
from pages.confidential.permissions import LONGEST_KEY
from pages.content.publication_times import in_words
from pages.models import ContentPage
from pages.models.approvals import AlreadyDoneError, content_hash, note_makers_of_original
from pages.models.moderation import FourEyesTask
from pages.models.shown import FIELD, Shown, nothing_to_take_back, require_as_shown, require_question, saved_by
from pages.models.snippets import ModeratedSnippet
from pages.visibility.rule import public

Moderated: TypeAlias = ContentPage | ModeratedSnippet
# Names of the buttons that do more than save.
ACTIONS = (
    "action-publish",
    "action-submit",
    "action-restart-workflow",
    "action-workflow-action",
    "action-cancel-workflow",
)
# Fields that editors fill in and that approvals do not cover. A change of one of them still makes a new version.
UNHASHED_FIELDS = ("go_live_at", "expire_at", "last_reviewed_on", "next_review_due_on", "name_blocklist")
OWN_CHANGE_NOT_APPROVED = (
    "Your change was saved but not approved. Because you made the change, a colleague has to approve it."
)


class RowLockMixin:
    """Handles a POST request in one transaction that locks the row of the object."""

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponse]:  # noqa: N805
        view: Callable[..., HttpResponse] = super().as_view(**initkwargs)  # type: ignore[misc]
        model = initkwargs.get("model") or ContentPage

        @wraps(view)
        def locked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            key = str(kwargs.get("page_id") or unquote(str(kwargs["pk"])))
            with transaction.atomic():
                if issubclass(model, ContentPage) and _may_change_address(request, key):
                    _lock_parent(key)
                model.hold(key)
                return view(request, *args, **kwargs)

        return locked


def _may_change_address(request: HttpRequest, key: str) -> bool:
    slug = request.POST.get("slug")
    decides = "workflow-action-name" in request.POST or slug is None
    return decides or not ContentPage.objects.filter(pk=key, slug=slug).exists()


def _lock_parent(key: str) -> None:
    """Lock the parent page, so that two of its children cannot get the same address at the same moment.

    Parents are locked before children, as when pages are moved (pages/approval/row_locks.py).
    """
    for path in ContentPage._base_manager.filter(pk=key).values_list("path", flat=True):
        parent = ContentPage._base_manager.filter(path=path[: -ContentPage.steplen])
        list(parent.select_for_update(no_key=True).values_list("pk", "live"))


class ModeratedEditMixin(RowLockMixin):
    """What the edit screens of pages and snippets share. Wagtail's views for them use different names."""

    request: HttpRequest
    form: "BaseModelForm[Any]"
    locked_for_user: bool
    expects_json_response: bool
    is_out_of_date: bool

    @property
    def obj(self) -> Moderated:
        """The latest version, as the screen shows it. A submitted form fills in its fields."""
        raise NotImplementedError

    def get_context_data(self, **kwargs: object) -> dict[str, Any]:
        # A form with errors has filled in the object, so what the screen first showed comes from the request.
        has_errors = self.request.method == "POST" and bool(self.form.errors)
        shown = (Shown.sent(self.request.POST) or self.now) if has_errors else Shown.by(self.obj)
        files = files_shown(self.obj, self.request.user) if shown else []
        return {
            **super().get_context_data(**kwargs),  # type: ignore[misc]
            FIELD: shown or "",
            "files": files,
            "changes_told": changes_told(self.obj) if shown else [],
            "opened_revision": self.request.POST.get("opened_revision")
            or self._known_version()
            or self.shows_version()
            or "",
        }

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        self.before = _as_entered(self.obj)
        self.now = Shown.by(self.obj)
        if self.expects_json_response:
            if refusal := self._autosave_problem():
                return self.json_error_response("invalid_revision", refusal)  # type: ignore[attr-defined]
        elif request.POST.get("action-workflow-action"):
            require_as_shown(Shown.sent(request.POST), self.obj, request.user)
        elif request.POST.get("action-cancel-workflow") and self.now:
            require_question(Shown.sent(request.POST), self.obj, request.user)
        return super().post(request, *args, **kwargs)  # type: ignore[misc]

    def _autosave_problem(self) -> str:
        """Why the browser may not save this automatically; empty if it may.

        The browser saves with a delay, so the object can have changed in the meantime.
        """
        if any(self.request.POST.get(name) for name in ACTIONS):
            return "You pressed a button, so the browser does not save automatically."
        latest = self.obj.latest_revision_id
        knows_the_latest = any(self.request.POST.get(f"{name}_revision_id") for name in ("overwrite", "loaded"))
        if self.is_out_of_date or (latest and not knows_the_latest):
            return "This was changed after you opened it. Reload the page to see the latest version."
        shown = Shown.sent(self.request.POST)
        if (shown and shown.task_state) != (self.now and self.now.task_state):
            return "Somebody submitted this or decided on it after you opened it. Reload the page to see the result."
        if shown != self.now:  # the response would replace what the screen shows, and the user would not notice
            return "Something on this page was changed after you opened it. Reload the page to see the change."
        return ""

    def form_valid(self, form: "BaseModelForm[Any]") -> HttpResponse:
        # The version that the screen was opened with may have other authors. The new version counts them, too.
        opened_revision = _key(self.request.POST.get("opened_revision"))
        form.instance.opened_revision = (
            self.obj.revisions.filter(pk=opened_revision).first() if opened_revision else None
        )
        return self._save_or_decide(form)

    def _save_or_decide(self, form: "BaseModelForm[Any]") -> HttpResponse:
        self.form = form
        changed = form.has_changed() and self.is_changed()
        if self.expects_json_response:
            nothing = self.obj.latest_revision_id and not changed
            return _nothing_to_save(self.obj) if nothing else super().form_valid(form)  # type: ignore[misc]
        self._refuse_repeated_action(changed)
        if changed and self._may_be_out_of_date() and (theirs := self._saved_since()):
            form.add_error(None, self._saved_meanwhile(theirs))
            self.produced_error_message = self._saved_meanwhile(theirs)  # Wagtail's snippet views show this one
            return super().form_invalid(form)  # type: ignore[misc]
        if self.request.POST.get("action-workflow-action"):
            return self._decide(changed)
        return super().form_valid(form)  # type: ignore[misc]

    def _may_be_out_of_date(self) -> bool:
        """Whether the screen may show an old version.

        Wagtail treats a screen as up to date if it was opened before the first version was saved.
        """
        opened_before_any = self.request.POST.get("loaded_revision_id") == "" and bool(self.obj.latest_revision_id)
        return self.is_out_of_date or (opened_before_any and not self.request.POST.get("overwrite_revision_id"))

    def shows_version(self) -> int | None:
        """The primary key of the version that the screen is opened with; None if Wagtail sends it itself."""
        return self.obj.latest_revision_id

    def _known_version(self) -> str | None:
        """The submitted primary key of the version that the screen saved last, or else was opened with."""
        sent = self.request.POST
        return sent.get("overwrite_revision_id") or sent.get("loaded_revision_id")

    def _saved_since(self) -> Revision | None:
        """The latest version that a colleague saved and that the screen does not show."""
        later = self.obj.revisions.filter(pk__gt=_key(self._known_version()))
        theirs = later.exclude(user=self.request.user).order_by("pk").last()
        return theirs or self._saved_over()

    def _saved_over(self) -> Revision | None:
        """The loaded version, if a colleague's browser has overwritten it since. Its primary key is then the same."""
        sent = self.request.POST
        loaded = self.obj.revisions.filter(pk=_key(sent.get("loaded_revision_id"))).first()
        if loaded is None or loaded.user_id == self.request.user.pk:
            return None
        return loaded if loaded.created_at.isoformat() != sent.get("loaded_revision_created_at") else None

    def _saved_meanwhile(self, theirs: Revision) -> str:
        return (
            f"{saved_by(theirs, self.request.user)} That was after you opened this screen, so your changes are not "
            "saved yet. They are below. Save again to replace the other version, or copy what you need and reload the "
            "page."
        )

    def form_invalid(self, form: "BaseModelForm[Any]") -> HttpResponse:
        self.form = form
        if self.locked_for_user and not self.expects_json_response and form.is_valid():
            self._refuse_repeated_action(form.has_changed() and self.is_changed())
        return super().form_invalid(form)  # type: ignore[misc]

    def is_changed(self) -> bool:
        """Whether the submitted form differs from the latest version. Saves nothing to the database."""
        self.form.save(commit=False)
        comments = getattr(self.form, "formsets", {}).get("comments")
        return _as_entered(self.obj) != self.before or bool(comments and comments.has_changed())

    def _refuse_repeated_action(self, changed: bool) -> None:
        """Raise AlreadyDoneError if the same button was clicked twice."""
        if changed:
            return
        sent = self.request.POST
        if self.now and (sent.get("action-submit") or sent.get("action-restart-workflow")):
            raise AlreadyDoneError(f"“{self.obj}” was already submitted and is awaiting approval.")
        if sent.get("action-cancel-workflow") and not self.obj.current_workflow_state:
            raise nothing_to_take_back(self.obj, self.request.user)

    def _decide(self, changed: bool) -> HttpResponse:
        """Approve the version, or ask for changes.

        Changes in the submitted form are saved first. Whoever made them may then not approve.
        """
        name = self.request.POST.get("workflow-action-name", "")
        other_text = changed and _as_entered(self.obj)[0] != self.before[0]
        current = self.obj.current_workflow_task_state
        # With two approvals, the other approver would have approved other dates.
        needs_two = len(self.obj.approving_roles) > 1 or current.revision.approvals.filter(voided_at=None).exists()
        if changed:
            response = self.save_changes()
            if name == "approve" and (other_text or needs_two) and not self.obj.author_may_approve:
                messages.warning(self.request, OWN_CHANGE_NOT_APPROVED)
                return response
        latest = type(self.obj)._default_manager.get(pk=self.obj.pk).get_latest_revision_as_object()
        waiting = latest.current_workflow_task_state
        shown, sent = Shown.by(latest), Shown.sent(self.request.POST)
        if shown and sent and not other_text:  # only dates changed, so the text is still the one that was shown
            shown = replace(shown, content_hash=sent.content_hash)
        task, comment = waiting.task.specific, _comment(self.request.POST)
        more = {"shown": shown} if isinstance(task, FourEyesTask) else {}  # only this task records approvals
        task.on_action(waiting, self.request.user, name, comment=comment, **more)
        messages.info(self.request, decision_result(latest))
        return self.leave_screen()

    def save_changes(self) -> HttpResponse:
        """Save the submitted form as a new version."""
        raise NotImplementedError

    def leave_screen(self) -> HttpResponse:
        """Redirect to the list that the object belongs to."""
        raise NotImplementedError


def _key(sent: str | None) -> int:
    """The submitted primary key as a number; 0, which no row has, if it is not one."""
    return int(sent) if sent and sent.isascii() and sent.isdecimal() and len(sent) <= LONGEST_KEY else 0


def _as_entered(version: Moderated) -> tuple[Any, ...]:
    """The fields that editors fill in: a hash of those that need approval, and the values of the others.

    Facts about files are left out, because they are edited on other screens.
    """
    content = version.serializable_data()
    return (content_hash(content, without=("file_facts",)), *(content.get(name) for name in UNHASHED_FIELDS))


def _comment(sent: QueryDict) -> str:
    """The comment that was entered in the dialog for a decision."""
    try:
        extra = json.loads(sent.get("workflow-action-extra-data", "{}"))
    except ValueError:
        return ""
    return str(extra.get("comment", "")) if isinstance(extra, dict) else ""


def _nothing_to_save(obj: Moderated) -> JsonResponse:
    return JsonResponse({"success": True, "pk": obj.pk, "revision_id": None, "revision_created_at": None})


def decision_result(obj: Moderated) -> str:
    """The message for the person who decided: what happens to the version now."""
    status = obj.workflow_states.order_by("created_at", "pk").values_list("status", flat=True).last()
    if status == WorkflowState.STATUS_NEEDS_CHANGES:
        return "It goes back to its author, with your reason."
    if status == WorkflowState.STATUS_IN_PROGRESS:
        return "You approved it. The next approver has been asked."
    if scheduled := obj.revisions.filter(approved_go_live_at__isnull=False).first():
        return f"It is approved. It will be published on {in_words(scheduled.approved_go_live_at)}."
    if isinstance(obj, ContentPage) and not public(ContentPage.objects.filter(pk=obj.pk), timezone.now()).exists():
        return "It is approved. Readers see it once the pages above it are public and no privacy setting hides it."
    return "It is approved, and readers see it now."


class PageEditView(ModeratedEditMixin, EditView):
    partials_template_name = "pages/admin/edit_page_partials.html"
    page: ContentPage

    @property
    def obj(self) -> Moderated:
        return self.page

    def get_template_names(self) -> list[str]:
        found: list[str] = super().get_template_names()
        return ["pages/admin/edit_page.html" if name == "wagtailadmin/pages/edit.html" else name for name in found]

    @cached_property
    def is_cancelling_workflow(self) -> bool:
        return bool(self.workflow_state and self.workflow_state.is_active and super().is_cancelling_workflow)

    def save_changes(self) -> HttpResponse:
        self.has_content_changes = True
        return self.save_action()

    def leave_screen(self) -> HttpResponse:
        return self.redirect_away()


class EarlierVersionMixin:
    """A screen that shows an earlier version. Saving it is always a change."""

    def is_changed(self) -> bool:
        return True

    def shows_version(self) -> int | None:
        return None  # Wagtail's own field names the version that is restored


class PageRevertView(EarlierVersionMixin, PageEditView, RevisionsRevertView):
    pass


class SnippetEditView(ModeratedEditMixin, snippets.EditView):
    partials_template_name = "pages/admin/edit_snippet_partials.html"
    action: str
    object: ModeratedSnippet

    @property
    def obj(self) -> Moderated:
        return self.object

    def form_valid(self, form: "BaseModelForm[Any]") -> HttpResponse:
        if self.now and self.action in ("submit", "restart-workflow"):
            self.action = "edit"  # it is already awaiting approval
        return super().form_valid(form)

    def save_changes(self) -> HttpResponse:
        self.action = "edit"
        return snippets.EditView.form_valid(self, self.form)

    def leave_screen(self) -> HttpResponse:
        self.action = "workflow-action"
        return redirect(self.get_success_url())


class SnippetCopyView(snippets.CopyView):
    """Creates a copy of a snippet, whose authors include those of the original.

    Wagtail submits the form of a copy to the address for new snippets, which does not know the original. Submitted to
    the address of the copy screen, it would change the original.
    """

    def get_initial_form_instance(self) -> ModeratedSnippet:
        return self.get_object() if self.request.method == "GET" else self.model()

    def get_add_url(self) -> str:
        path: str = self.request.path
        return path

    def save_instance(self) -> ModeratedSnippet:
        copy, original = super().save_instance(), self.get_object()
        note_makers_of_original(copy.latest_revision, original.latest_revision)
        return copy


class SnippetRevertView(EarlierVersionMixin, RevisionsRevertMixin, SnippetEditView):
    view_name = "revisions_revert"


class WorkflowActionMixin(RowLockMixin):
    """Wagtail's view for a decision without the edit screen.

    No screen links to it. A request to it has to name what a screen showed. Raises Http404 if the task belongs to
    another object.
    """

    task: Task
    task_state: TaskState
    object: Moderated

    def setup(self, request: HttpRequest, *args: str | int, **kwargs: str | int) -> None:
        super().setup(request, *args, **kwargs)  # type: ignore[misc]
        if not self.object.workflow_states.filter(pk=self.task_state.workflow_state_id).exists():
            raise Http404
        if isinstance(self.task, FourEyesTask):  # only this task records approvals
            decide = partial(self.task.on_action, shown=Shown.sent(request.POST))
            self.task.on_action = decide  # type: ignore[method-assign]


class PageActionView(WorkflowActionMixin, WorkflowActionView):
    pass


class SnippetActionView(WorkflowActionMixin, snippets.WorkflowActionView):
    pass


class ModeratedPageViewSet(PageViewSet):
    model = ContentPage
    parent_models: list[type[Page]] = []  # the lists of pages stay Wagtail's
    edit_view_class = PageEditView
    revisions_revert_view_class = PageRevertView
    workflow_action_view_class = PageActionView
