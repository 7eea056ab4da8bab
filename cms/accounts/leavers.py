"""Ends the access of a colleague who leaves, and hands their unfinished work over to somebody else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model, Q
from wagtail.log_actions import log
from wagtail.models import Page, WorkflowState

from cms.accounts.sessions import end_sessions
from pages.confidential.permissions import hides_death_reviews, is_hidden
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS
from pages.models import OutgoingMail
from pages.models.snippets import ModeratedSnippet

AnyModel = TypeVar("AnyModel", bound=Model)

LEFT, HANDED_OVER, UNLOCKED = "cms.left", "cms.handed_over", "cms.unlocked_for_leaver"


@dataclass(frozen=True)
class UnfinishedWork:
    """The unfinished work of one person, and the pages that they have locked."""

    pages: list[Page]  # drafts, and live pages with unpublished changes, that they own
    drafts: list[Page | ModeratedSnippet]  # other pages, and snippets, whose latest version is theirs and unpublished
    workflows: list[WorkflowState]  # their submissions that are still open
    locked: list[Page]  # pages that they have locked

    @property
    def to_hand_over(self) -> list[Page | ModeratedSnippet]:
        """The pages and snippets that need another person, each once."""
        found = {(type(item), item.pk): item for item in (*self.pages, *self.drafts)}
        for state in self.workflows:
            item = _submitted(state)
            found[type(item), item.pk] = item
        return list(found.values())

    def visible(self) -> "UnfinishedWork":
        """The part of it that the current user of the admin may know of."""
        return self._only(lambda item: not is_hidden(item))

    def handed_to(self, colleague: User | None) -> "UnfinishedWork":
        """The part of it that changes hands.

        What is hidden from the current user stays with the leaver if the colleague may not edit it: a refusal, or a
        question who takes it over, would tell that it exists. People who handle death reviews find it all the same.
        """

        def changes_hands(item: Model) -> bool:
            if not is_hidden(item):
                return True
            item = _submitted(item) if isinstance(item, WorkflowState) else item
            return colleague is not None and _may_edit(colleague, item)

        return replace(self._only(changes_hands), locked=self.locked)

    def _only(self, wanted: Callable[[Model], bool]) -> "UnfinishedWork":
        def those(items: list[AnyModel]) -> list[AnyModel]:
            return [item for item in items if wanted(item)]

        return UnfinishedWork(*map(those, (self.pages, self.drafts, self.workflows, self.locked)))


def may_deactivate_user(user: User | AnonymousUser, leaver: User) -> bool:
    """Whether `user` manages accounts. Nobody deactivates themselves, and only superusers deactivate superusers."""
    return (
        user.has_perm("auth.change_user")
        and user.pk != leaver.pk
        and (user.is_superuser or not leaver.is_superuser)
        and leaver.is_active
    )


def unfinished_work(leaver: User) -> UnfinishedWork:
    """All of it, hidden pages included."""
    unpublished = Q(live=False) | Q(has_unpublished_changes=True)
    theirs = unpublished & Q(latest_revision__user=leaver)
    open_states = (WorkflowState.STATUS_IN_PROGRESS, WorkflowState.STATUS_NEEDS_CHANGES)
    return UnfinishedWork(
        pages=list(Page.objects.filter(unpublished, owner=leaver).specific()),
        drafts=[
            *Page.objects.filter(theirs).exclude(owner=leaver).specific(),
            *(snippet for model in ModeratedSnippet.__subclasses__() for snippet in model.objects.filter(theirs)),
        ],
        workflows=list(WorkflowState.objects.filter(requested_by=leaver, status__in=open_states)),
        locked=list(Page.objects.filter(locked_by=leaver).specific()),
    )


def handover_problems(work: UnfinishedWork, colleague: User | None) -> str:
    """Why the colleague cannot take over the work; empty if they can. It names the work: pass what is visible."""
    items = work.to_hand_over
    if not items:
        return ""
    if colleague is None:
        return "Choose who takes over the unfinished work."
    refused = [item for item in items if not _may_edit(colleague, item)]
    if refused:
        return f"{colleague.get_username()} may not edit {', '.join(map(str, refused))}. Choose somebody who may."
    return ""


def _death_review_problem(leaver: User, colleague: User | None) -> str:
    """Why the colleague cannot take over the death reviews; empty if they can.

    The current user may not know whether there are unfinished notices, so the answer does not depend on that.
    """
    if not hides_death_reviews() or not leaver.has_perm(HANDLE_DEATH_REVIEWS):
        return ""
    if colleague is not None and colleague.has_perm(HANDLE_DEATH_REVIEWS):
        return ""
    return (
        f"{leaver.get_username()} may handle death reviews. Choose a colleague who may, too: there may be unfinished "
        "work that you cannot see."
    )


def _submitted(state: WorkflowState) -> Any:
    """The page, as its own type, or snippet that was submitted."""
    return state.content_object.specific if isinstance(state.content_object, Page) else state.content_object


def _may_edit(user: User, item: Page | ModeratedSnippet) -> bool:
    if isinstance(item, Page):
        item.owner = user  # not saved: some people may edit only their own pages, and this will be one
        return item.permissions_for_user(user).can_edit()
    return user.has_perm(f"{item._meta.app_label}.change_{item._meta.model_name}")


@transaction.atomic
def deactivate_user(leaver: User, by: User | AnonymousUser, colleague: User | None = None) -> UnfinishedWork:
    """Deactivate the account, end its sessions and hand its work over. Returns what changed hands.

    Mail to the leaver that is not sent yet is deleted.

    The account is kept, because the log refers to it. Its password, second factors and single sign-on are removed: if
    the person comes back, they set them up again.

    Raises PermissionDenied if `by` may not do this, and ValidationError if the colleague cannot take over the work.
    """
    leaver = User.objects.select_for_update().get(pk=leaver.pk)
    if not may_deactivate_user(by, leaver):
        raise PermissionDenied
    if colleague is not None and (colleague.pk == leaver.pk or not colleague.is_active):
        raise ValidationError({"colleague": "Choose somebody else whose account is active."})
    work = unfinished_work(leaver)
    if problem := _death_review_problem(leaver, colleague) or handover_problems(work.visible(), colleague):
        raise ValidationError({"colleague": problem})
    work = work.handed_to(colleague)
    leaver.is_active = False
    leaver.set_unusable_password()  # makes every session invalid, whichever backend stores it
    leaver.save(update_fields=["is_active", "password"])
    Authenticator.objects.filter(user=leaver).delete()
    SocialAccount.objects.filter(user=leaver).delete()
    _remove_mail(leaver)
    for item in work.to_hand_over:
        log(instance=item, action=HANDED_OVER, user=by, data=_between(leaver, colleague))
    Page.objects.filter(pk__in=[page.pk for page in work.pages]).update(owner=colleague)
    WorkflowState.objects.filter(pk__in=[state.pk for state in work.workflows]).update(requested_by=colleague)
    for page in work.locked:
        Page.objects.filter(pk=page.pk).update(locked=False, locked_by=None, locked_at=None)
        log(instance=page, action=UNLOCKED, user=by)
    log(instance=leaver, action=LEFT, user=by, data={"sessions": end_sessions(leaver), **_between(leaver, colleague)})
    return work


def _remove_mail(leaver: User) -> None:
    """Delete mail to the leaver that is not sent yet, unless a colleague has the same address."""
    if leaver.email and not User.objects.filter(email__iexact=leaver.email, is_active=True).exists():
        OutgoingMail.objects.filter(to__iexact=leaver.email).delete()


def _between(leaver: User, colleague: User | None) -> dict[str, str]:
    return {"from": leaver.get_username(), "to": colleague.get_username() if colleague else ""}
