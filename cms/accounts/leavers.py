"""What happens when a colleague leaves: no more access, no session, and their unfinished work goes to somebody else."""

from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from wagtail.log_actions import log
from wagtail.models import Page, WorkflowState

from cms.accounts.sessions import end_sessions
from pages.confidential.permissions import hides_death_reviews, is_hidden
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS
from pages.models.snippets import ModeratedSnippet

LEFT, HANDED_OVER, UNLOCKED = "cms.left", "cms.handed_over", "cms.unlocked_for_leaver"


@dataclass(frozen=True)
class UnfinishedWork:
    """What somebody has begun and not finished, and what they keep from others."""

    pages: list[Any]  # drafts, and live pages with unpublished changes, that they own
    drafts: list[Any]  # pages of others, and snippets, whose latest version they wrote and nobody published
    workflows: list[WorkflowState]  # submitted by them and still open
    locked: list[Any]  # pages, which are unlocked

    @property
    def to_hand_over(self) -> list[Any]:
        """The pages and snippets that need another person, each once."""
        found = {(type(item), item.pk): item for item in (*self.pages, *self.drafts)}
        for state in self.workflows:
            item = state.content_object.specific if isinstance(state.content_object, Page) else state.content_object
            found[type(item), item.pk] = item
        return list(found.values())

    def in_sight(self) -> "UnfinishedWork":
        """For the screen: what the person who asks may know of."""

        def seen(items: list[Any]) -> list[Any]:
            return [item for item in items if not is_hidden(item)]

        workflows = [state for state in self.workflows if not is_hidden(state)]
        return UnfinishedWork(seen(self.pages), seen(self.drafts), workflows, seen(self.locked))


def may_deactivate_user(user: Any, leaver: User) -> bool:
    """People who manage accounts; nobody lets themselves go, and administrators are for administrators."""
    return (
        user.has_perm("auth.change_user")
        and user.pk != leaver.pk
        and (user.is_superuser or not leaver.is_superuser)
        and leaver.is_active
    )


def unfinished_work(leaver: User) -> UnfinishedWork:
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
    """Why the colleague cannot take over; empty when they can."""
    items = work.to_hand_over
    if not items:
        return ""
    if colleague is None:
        return "Choose who takes over the unfinished work."
    refused = [item for item in items if not _may_edit(colleague, item)]
    if refused:
        return f"{colleague.get_username()} may not edit {', '.join(map(str, refused))}. Choose somebody who may."
    return ""


def _needs_a_colleague_for_death_reviews(leaver: User, colleague: User | None) -> str:
    """For somebody who may not know whether the leaver has unfinished notices: the same words whether or not."""
    if not hides_death_reviews() or not leaver.has_perm(HANDLE_DEATH_REVIEWS):
        return ""
    if colleague is not None and colleague.has_perm(HANDLE_DEATH_REVIEWS):
        return ""
    return (
        f"{leaver.get_username()} may handle death reviews. Choose a colleague who may, too: there may be unfinished "
        "work that you cannot see."
    )


def _may_edit(user: User, item: Any) -> bool:
    if isinstance(item, Page):
        item.owner = user  # some may edit their own pages only
        return item.permissions_for_user(user).can_edit()
    return user.has_perm(f"{item._meta.app_label}.change_{item._meta.model_name}")


@transaction.atomic
def deactivate_user(leaver: User, by: Any, colleague: User | None = None) -> UnfinishedWork:
    """Deactivate the account, end its sessions, hand its work over. Raises PermissionDenied or ValidationError.

    The account stays, so that the log goes on saying who did what. Password, second factors and single sign-on go:
    should the person come back, they are set up again.
    """
    leaver = User.objects.select_for_update().get(pk=leaver.pk)
    if not may_deactivate_user(by, leaver):
        raise PermissionDenied
    if colleague is not None and (colleague.pk == leaver.pk or not colleague.is_active):
        raise ValidationError({"colleague": "Choose somebody else whose account is active."})
    work = unfinished_work(leaver)
    if problem := _needs_a_colleague_for_death_reviews(leaver, colleague) or handover_problems(work, colleague):
        raise ValidationError({"colleague": problem})
    leaver.is_active = False
    leaver.set_unusable_password()  # ends sessions wherever they are kept
    leaver.save(update_fields=["is_active", "password"])
    Authenticator.objects.filter(user=leaver).delete()
    SocialAccount.objects.filter(user=leaver).delete()
    for item in work.to_hand_over:
        log(instance=item, action=HANDED_OVER, user=by, data=_between(leaver, colleague))
    Page.objects.filter(pk__in=[page.pk for page in work.pages]).update(owner=colleague)
    WorkflowState.objects.filter(pk__in=[state.pk for state in work.workflows]).update(requested_by=colleague)
    for page in work.locked:
        Page.objects.filter(pk=page.pk).update(locked=False, locked_by=None, locked_at=None)
        log(instance=page, action=UNLOCKED, user=by)
    log(instance=leaver, action=LEFT, user=by, data={"sessions": end_sessions(leaver), **_between(leaver, colleague)})
    return work


def _between(leaver: User, colleague: User | None) -> dict[str, str]:
    return {"from": leaver.get_username(), "to": colleague.get_username() if colleague else ""}
