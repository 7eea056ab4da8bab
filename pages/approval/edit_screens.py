"""The screens on which pages and shared text are edited and decided on: what a request does there, it does alone.

Wagtail reads, and much later writes. Here a request holds the row from its first reading to its last writing, so that a
second one of the same screen, or of a colleague's, waits and then sees what the first did. A decision carries what its
screen showed (pages/models/shown.py). The browser's own saves carry no decision, and save nothing on a screen that is
out of date.
"""

import json
from dataclasses import replace
from functools import partial, wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import classonlymethod
from django.utils.functional import cached_property
from wagtail.admin.views.generic.mixins import RevisionsRevertMixin
from wagtail.admin.views.pages.edit import EditView
from wagtail.admin.views.pages.revisions import RevisionsRevertView
from wagtail.admin.views.pages.workflow import WorkflowActionView
from wagtail.admin.viewsets.pages import PageViewSet
from wagtail.models import WorkflowState
from wagtail.snippets.views import snippets

from pages.approval.files_shown import files_shown
from pages.confidential.permissions import LONGEST_KEY
from pages.content.publication_times import in_words
from pages.models import ContentPage
from pages.models.approvals import AlreadyDoneError, content_hash, makers_of_text, note_makers
from pages.models.moderation import FourEyesTask
from pages.models.shown import FIELD, Shown, nothing_to_take_back, require_as_shown, require_question, saved_by
from pages.visibility.rule import public

ACTIONS = (
    "action-publish",
    "action-submit",
    "action-restart-workflow",
    "action-workflow-action",
    "action-cancel-workflow",
)
# What editors enter and nobody approves. To change it is to make another version.
NOT_IN_THE_HASH = ("go_live_at", "expire_at", "last_reviewed_on", "next_review_due_on", "name_blocklist")
NOT_ONES_OWN = "Your change is saved, and not approved: it is yours, so a colleague has to approve it."


class HoldsTheRow:
    """What a request reads and writes, it does in one transaction, while nobody else changes the row."""

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Any:  # noqa: N805
        view = super().as_view(**initkwargs)  # type: ignore[misc]
        model = initkwargs.get("model") or ContentPage

        @wraps(view)
        def alone(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            key = kwargs.get("page_id") or unquote(str(kwargs["pk"]))
            with transaction.atomic():
                if issubclass(model, ContentPage) and _may_change_its_address(request, key):
                    _hold_the_page_above(key)
                model.hold(key)
                return view(request, *args, **kwargs)

        return alone


def _may_change_its_address(request: HttpRequest, key: Any) -> bool:
    slug = request.POST.get("slug")
    decides = "workflow-action-name" in request.POST or slug is None
    return decides or not ContentPage.objects.filter(pk=key, slug=slug).exists()


def _hold_the_page_above(key: Any) -> None:
    """So that no two pages below it get one address at the same moment. Above comes before below, as where pages are
    moved (pages/approval/row_locks.py)."""
    for path in ContentPage._base_manager.filter(pk=key).values_list("path", flat=True):
        above = ContentPage._base_manager.filter(path=path[: -ContentPage.steplen])
        list(above.select_for_update(no_key=True).values_list("pk", "live"))


class DecidesOnWhatItShows(HoldsTheRow):
    """The edit screen: for pages and for shared text, whose screens name the same things differently."""

    request: HttpRequest
    form: Any
    locked_for_user: bool
    expects_json_response: bool
    is_out_of_date: bool

    @property
    def obj(self) -> Any:
        """The latest version, as the screen shows it. A form that was sent is filled into it."""
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # A form with an error is filled into the object: the question stays the one that the screen was opened with.
        has_errors = self.request.method == "POST" and bool(self.form.errors)
        shown = (Shown.sent(self.request.POST) or self.now) if has_errors else Shown.by(self.obj)
        files = files_shown(self.obj, self.request.user) if shown else []
        return {
            **super().get_context_data(**kwargs),  # type: ignore[misc]
            FIELD: shown or "",
            "files": files,
            "came_from": self.request.POST.get("came_from") or self._known_version() or self.shows_version() or "",
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.before = _as_entered(self.obj)
        self.now = Shown.by(self.obj)
        if self.expects_json_response:
            if refusal := self._why_not_by_itself():
                return self.json_error_response("invalid_revision", refusal)  # type: ignore[attr-defined]
        elif request.POST.get("action-workflow-action"):
            require_as_shown(Shown.sent(request.POST), self.obj, request.user)
        elif request.POST.get("action-cancel-workflow") and self.now:
            require_question(Shown.sent(request.POST), self.obj, request.user)
        return super().post(request, *args, **kwargs)  # type: ignore[misc]

    def _why_not_by_itself(self) -> str:
        """Why the browser may not save this by itself: it does some time after somebody typed or pressed a button."""
        if any(self.request.POST.get(name) for name in ACTIONS):
            return "A button was pressed. What it does is done by itself."
        latest = self.obj.latest_revision_id
        knows_the_latest = any(self.request.POST.get(f"{name}_revision_id") for name in ("overwrite", "loaded"))
        if self.is_out_of_date or (latest and not knows_the_latest):
            return "This was changed since you opened it. Reload the page to see what it is now."
        shown = Shown.sent(self.request.POST)
        if (shown and shown.task_state) != (self.now and self.now.task_state):
            return "Somebody has submitted or decided on this meanwhile. Reload the page to see what it is now."
        if shown != self.now:  # the answer says what the screen shows, so it may show nothing else by then
            return "Something that this shows was changed since you opened it. Reload the page to see what it is now."
        return ""

    def form_valid(self, form: Any) -> HttpResponse:
        # What was on the screen first may be by others, and goes on in what is saved in place of theirs.
        came_from = _key(self.request.POST.get("came_from"))
        form.instance.came_from = self.obj.revisions.filter(pk=came_from).first() if came_from else None
        return self._save_or_decide(form)

    def _save_or_decide(self, form: Any) -> HttpResponse:
        self.form = form
        changed = form.has_changed() and self.is_changed()
        if self.expects_json_response:
            nothing = self.obj.latest_revision_id and not changed
            return _nothing_to_save(self.obj) if nothing else super().form_valid(form)  # type: ignore[misc]
        self._refuse_what_is_done(changed)
        if changed and self._may_be_out_of_date() and (theirs := self._saved_since()):
            form.add_error(None, self._saved_meanwhile(theirs))
            self.produced_error_message = self._saved_meanwhile(theirs)  # Wagtail's views of snippets show it
            return super().form_invalid(form)  # type: ignore[misc]
        if self.request.POST.get("action-workflow-action"):
            return self._decide(changed)
        return super().form_valid(form)  # type: ignore[misc]

    def _may_be_out_of_date(self) -> bool:
        """Wagtail takes a screen for up to date that was opened before there was any version."""
        opened_before_any = self.request.POST.get("loaded_revision_id") == "" and bool(self.obj.latest_revision_id)
        return self.is_out_of_date or (opened_before_any and not self.request.POST.get("overwrite_revision_id"))

    def shows_version(self) -> int | None:
        """The key of the version that the screen is opened with."""
        return self.obj.latest_revision_id

    def _known_version(self) -> str | None:
        """The key of the version that the screen was opened with, or that it saved last, as it was sent."""
        sent = self.request.POST
        return sent.get("overwrite_revision_id") or sent.get("loaded_revision_id")

    def _saved_since(self) -> Any:
        """The latest version by a colleague that is not on the screen."""
        later = self.obj.revisions.filter(pk__gt=_key(self._known_version()))
        theirs = later.exclude(user=self.request.user).order_by("pk").last()
        return theirs or self._saved_over()

    def _saved_over(self) -> Any:
        """The version that was loaded, if a colleague's browser has written over it since. Its key is the same then."""
        sent = self.request.POST
        loaded = self.obj.revisions.filter(pk=_key(sent.get("loaded_revision_id"))).first()
        if loaded is None or loaded.user_id == self.request.user.pk:
            return None
        return loaded if loaded.created_at.isoformat() != sent.get("loaded_revision_created_at") else None

    def _saved_meanwhile(self, theirs: Any) -> str:
        return (
            f"{saved_by(theirs, self.request.user)} That was after you opened this screen, so "
            "nothing was saved yet. What you typed is below. Save again to put it in the place of theirs, or copy what "
            "you need and open the screen anew."
        )

    def form_invalid(self, form: Any) -> HttpResponse:
        self.form = form
        if self.locked_for_user and not self.expects_json_response and form.is_valid():
            self._refuse_what_is_done(form.has_changed() and self.is_changed())
        return super().form_invalid(form)  # type: ignore[misc]

    def is_changed(self) -> bool:
        """Whether the form that was sent makes it another version than the one before."""
        self.form.save(commit=False)
        comments = getattr(self.form, "formsets", {}).get("comments")
        return _as_entered(self.obj) != self.before or bool(comments and comments.has_changed())

    def _refuse_what_is_done(self, changed: bool) -> None:
        """A second click of the same button does nothing more, and says so."""
        if changed:
            return
        sent = self.request.POST
        if self.now and (sent.get("action-submit") or sent.get("action-restart-workflow")):
            raise AlreadyDoneError(f"“{self.obj}” was submitted already, and waits for approval.")
        if sent.get("action-cancel-workflow") and not self.obj.current_workflow_state:
            raise nothing_to_take_back(self.obj, self.request.user)

    def _decide(self, changed: bool) -> HttpResponse:
        """Approve, or ask for changes. What was typed on the same screen is saved before, and then nobody may approve
        it who typed it."""
        name = self.request.POST.get("workflow-action-name", "")
        other_text = changed and _as_entered(self.obj)[0] != self.before[0]
        asked = self.obj.current_workflow_task_state
        # Who approved it before, or approves it after, sees other dates.
        needs_two = len(self.obj.approving_roles) > 1 or asked.revision.approvals.filter(voided_at=None).exists()
        if changed:
            answer = self.save_what_was_typed()
            if name == "approve" and (other_text or needs_two) and not self.obj.author_may_approve:
                messages.warning(self.request, NOT_ONES_OWN)
                return answer
        latest = type(self.obj)._default_manager.get(pk=self.obj.pk).get_latest_revision_as_object()
        waiting = latest.current_workflow_task_state
        shown, sent = Shown.by(latest), Shown.sent(self.request.POST)
        if shown and sent and not other_text:  # a date is no part of it, and the files are as shown
            shown = replace(shown, content_hash=sent.content_hash)
        task, comment = waiting.task.specific, _comment(self.request.POST)
        more = {"shown": shown} if isinstance(task, FourEyesTask) else {}  # others give no approval that counts
        task.on_action(waiting, self.request.user, name, comment=comment, **more)
        messages.info(self.request, what_became_of(latest))
        return self.go_on()

    def save_what_was_typed(self) -> HttpResponse:
        raise NotImplementedError

    def go_on(self) -> HttpResponse:
        """To where somebody goes from the screen who is done with it."""
        raise NotImplementedError


def _key(sent: str | None) -> int:
    """A key as it was sent; 0, the key of nothing, for what is none."""
    return int(sent) if sent and sent.isascii() and sent.isdecimal() and len(sent) <= LONGEST_KEY else 0


def _as_entered(version: Any) -> tuple[Any, ...]:
    """All that somebody enters. What is said of files, and which bytes they have, is not entered here."""
    content = version.serializable_data()
    return (content_hash(content, without=("file_facts",)), *(content.get(name) for name in NOT_IN_THE_HASH))


def _comment(sent: Any) -> str:
    """What the window for a decision asked for."""
    try:
        extra = json.loads(sent.get("workflow-action-extra-data", "{}"))
    except ValueError:
        return ""
    return str(extra.get("comment", "")) if isinstance(extra, dict) else ""


def _nothing_to_save(obj: Any) -> JsonResponse:
    return JsonResponse({"success": True, "pk": obj.pk, "revision_id": None, "revision_created_at": None})


def what_became_of(obj: Any) -> str:
    """What the last decision led to, for the person who took it."""
    status = obj.workflow_states.order_by("created_at", "pk").values_list("status", flat=True).last()
    if status == WorkflowState.STATUS_NEEDS_CHANGES:
        return "It goes back to its author, with your reason."
    if status == WorkflowState.STATUS_IN_PROGRESS:
        return "Your approval is given. The next one is asked for now."
    if scheduled := obj.revisions.filter(approved_go_live_at__isnull=False).first():
        return f"It is approved. It will be published on {in_words(scheduled.approved_go_live_at)}."
    if isinstance(obj, ContentPage) and not public(ContentPage.objects.filter(pk=obj.pk), timezone.now()).exists():
        return "It is approved. Readers see it as soon as the pages above it are public, and nothing keeps it private."
    return "It is approved, and readers see it now."


class PageEditView(DecidesOnWhatItShows, EditView):
    partials_template_name = "pages/admin/edit_page_partials.html"

    @property
    def obj(self) -> Any:
        return self.page

    def get_template_names(self) -> list[str]:
        found: list[str] = super().get_template_names()
        return ["pages/admin/edit_page.html" if name == "wagtailadmin/pages/edit.html" else name for name in found]

    @cached_property
    def is_cancelling_workflow(self) -> bool:
        return bool(self.workflow_state and self.workflow_state.is_active and super().is_cancelling_workflow)

    def save_what_was_typed(self) -> HttpResponse:
        self.has_content_changes = True
        return self.save_action()

    def go_on(self) -> HttpResponse:
        return self.redirect_away()


class ShowsAnEarlierVersion:
    """Another version than the latest: to save it is always a change."""

    def is_changed(self) -> bool:
        return True

    def shows_version(self) -> int | None:
        return None  # Wagtail sends on which version is brought back


class PageRevertView(ShowsAnEarlierVersion, PageEditView, RevisionsRevertView):
    pass


class SnippetEditView(DecidesOnWhatItShows, snippets.EditView):
    partials_template_name = "pages/admin/edit_snippet_partials.html"
    action: str

    @property
    def obj(self) -> Any:
        return self.object

    def form_valid(self, form: Any) -> HttpResponse:
        if self.now and self.action in ("submit", "restart-workflow"):
            self.action = "edit"  # it waits already
        return super().form_valid(form)

    def save_what_was_typed(self) -> HttpResponse:
        self.action = "edit"
        return snippets.EditView.form_valid(self, self.form)

    def go_on(self) -> HttpResponse:
        self.action = "workflow-action"
        return redirect(self.get_success_url())


class SnippetCopyView(snippets.CopyView):
    """Wagtail sends the form of a copy to the address for new text, where nobody knows of what it is a copy; what is
    sent to the address of the copy would change the original."""

    def get_initial_form_instance(self) -> Any:
        return self.get_object() if self.request.method == "GET" else self.model()

    def get_add_url(self) -> str:
        path: str = self.request.path
        return path

    def save_instance(self) -> Any:
        """A copy is by those who made its original."""
        copy, original = super().save_instance(), self.get_object()
        note_makers(copy.latest_revision, makers_of_text(original.latest_revision))
        return copy


class SnippetRevertView(ShowsAnEarlierVersion, RevisionsRevertMixin, SnippetEditView):
    view_name = "revisions_revert"


class SendsWhatWasShown(HoldsTheRow):
    """The address for a decision alone. Nothing here leads to it; what is sent to it names what a screen showed."""

    task: Any
    task_state: Any
    object: Any

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)  # type: ignore[misc]
        if not self.object.workflow_states.filter(pk=self.task_state.workflow_state_id).exists():
            raise Http404  # the step is about something else
        if isinstance(self.task, FourEyesTask):  # others give no approval that counts
            decide = partial(self.task.on_action, shown=Shown.sent(request.POST))
            self.task.on_action = decide  # type: ignore[method-assign]


class PageActionView(SendsWhatWasShown, WorkflowActionView):
    pass


class SnippetActionView(SendsWhatWasShown, snippets.WorkflowActionView):
    pass


class ModeratedPageViewSet(PageViewSet):
    model = ContentPage
    parent_models: list[Any] = []  # lists of pages stay as they are
    edit_view_class = PageEditView
    revisions_revert_view_class = PageRevertView
    workflow_action_view_class = PageActionView
