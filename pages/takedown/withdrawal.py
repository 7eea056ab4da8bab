"""Withdraws pages, and takes pages and files down in an emergency.

The screens are in pages/takedown/views.py. A page becomes public again when a new version of it is published
(cms/publication/effects.py).
"""

from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from wagtail.actions.unpublish_page import UnpublishPageAction
from wagtail.log_actions import log

from documents.models import Document, Image, PublicFileRecord
from pages.confidential.permissions import is_of_death_reviews
from pages.content import addresses
from pages.content.choices import WithdrawalKind
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS
from pages.models import (
    ChangeNote,
    ContentPage,
    DeathReviewNoticePage,
    DraftPreview,
    MeetingChange,
    PublicAddress,
    PublicRecord,
    Takedown,
)
from pages.models.approvals import approvals_of, void
from pages.models.base import visibility_changed
from pages.models.public_records import may_take_down
from pages.visibility.rule import Answer, answer, public

WITHDRAWN, TAKEN_DOWN, TAKEDOWN_CONFIRMED = "pages.withdrawn", "pages.taken_down", "pages.takedown_confirmed"
# The same whether a file is not public or does not exist: the person may not know of it.
NOTHING_PUBLIC = "There is no public page or file at this address."

# --- Withdrawing a page ---


def may_withdraw(user: User | AnonymousUser, page: ContentPage) -> bool:
    if page.is_sensitive:
        return user.has_perm(HANDLE_DEATH_REVIEWS) and may_take_down(user)
    return page.permissions_for_user(user).may_moderate()


def withdrawal_problems(
    page: ContentPage, kind: str, explanation: str, alternative: ContentPage | None
) -> dict[str, str]:
    """Why the page cannot be withdrawn in this way: form field → message. Empty if it can."""
    problems = {}
    if not page.withdrawal_kind and answer(page) != Answer.PUBLIC:
        problems["kind"] = "This page is not public, so there is nothing to withdraw."
    if public(DeathReviewNoticePage.objects.descendant_of(page)).exists():
        problems["kind"] = "There are public death-review notices below this page. Withdraw them first."
    problems |= page.withdrawal_problems(kind)
    if kind == WithdrawalKind.WITHDRAWN and not explanation.strip():
        problems["explanation"] = "Tell readers why the page was withdrawn."
    if alternative is not None and (
        alternative.pk == page.pk or not public(ContentPage.objects.filter(pk=alternative.pk)).exists()
    ):
        problems["alternative"] = "Choose another page that is public."
    elif kind == WithdrawalKind.REDIRECT and alternative is None:
        problems["alternative"] = "Choose the page that readers are sent to."
    return problems


@transaction.atomic
def withdraw(
    page: ContentPage, user: User, kind: str, explanation: str = "", alternative: ContentPage | None = None
) -> None:
    """Withdraw a public page, and stop versions that are scheduled or awaiting approval.

    Raises PermissionDenied or ValidationError.
    """
    if not may_withdraw(user, page):
        raise PermissionDenied
    page.hold(page.pk)
    page.refresh_from_db()
    if problems := withdrawal_problems(page, kind, explanation, alternative):
        raise ValidationError(problems)
    page.withdrawal_kind, page.withdrawal_explanation = kind, explanation.strip()
    page.withdrawn_at = timezone.now()
    page.withdrawal_alternative = alternative
    ContentPage.objects.filter(pk=page.pk).update(
        withdrawal_kind=page.withdrawal_kind,
        withdrawal_explanation=page.withdrawal_explanation,
        withdrawn_at=page.withdrawn_at,
        withdrawal_alternative=alternative,
    )
    _stop_pending_versions(page, user)
    log(instance=page, action=WITHDRAWN, user=user, data={"kind": kind})
    visibility_changed.send(type(page), page=page)


def _stop_pending_versions(page: ContentPage, user: User) -> None:
    """Unschedule versions, void their approvals and cancel the workflow, so that none of them is published later."""
    void(page, approvals_of(page), "The page was withdrawn or taken down after the approval.")
    page.revisions.update(approved_go_live_at=None)
    if state := page.current_workflow_state:
        state.cancel(user=user)


# --- Emergency takedown ---


def public_path(page: ContentPage) -> str:
    """The path at which readers last saw the page. A change of its address that is not published does not count."""
    record = PublicRecord.objects.filter(pk=page.uuid).first()
    return record.path if record else addresses.url_path(page)


def at_address(address: str) -> ContentPage | Document | Image | None:
    """The page or file at an address that a user pasted; None if there is none.

    It need not be public: `take_down` checks that.
    """
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    path = unquote(parts.path)
    kind, _, rest = path.strip("/").partition("/")
    key = rest.partition("/")[0]
    if kind == "documents" and (document := Document.objects.filter(file_key=key).first()):
        return document
    if kind == "images" and (image := Image.objects.filter(file_key=key).first()):
        return image
    website = urlsplit(settings.WEBSITE_URL)
    if parts.netloc and parts.netloc == website.netloc:
        path = path.removeprefix(website.path)
    path = f"/{path.strip('/')}/" if path.strip("/") else "/"
    rows = PublicAddress.objects.filter(path=path).select_related("record__page")
    found = rows.order_by("-since", "-pk").first()
    # Only the page that had this address last. If that page is not live, pages that had it earlier are not meant.
    return found.record.page.specific if found and found.record.page and found.record.page.live else None


@transaction.atomic
def take_down(obj: ContentPage | Document | Image, user: User, reason: str) -> Takedown:
    """Take a page or a file offline at once. One person is enough.

    The change notes and the change log of the page do not come back with a later version, which does not contain them.

    Raises PermissionDenied or ValidationError.
    """
    if not may_take_down(user):
        raise PermissionDenied
    if not reason.strip():
        raise ValidationError({"reason": "Give the reason, for the colleague who will check this takedown."})
    takedown = Takedown(reason=reason.strip(), at=timezone.now(), by=user, of_death_reviews=is_of_death_reviews(obj))
    if isinstance(obj, ContentPage):
        obj.hold(obj.pk)
        obj.refresh_from_db()
        record = PublicRecord.objects.filter(pk=obj.uuid).first()
        if record is None or not obj.live:
            raise ValidationError({"address": NOTHING_PUBLIC})
        takedown.record, takedown.address = record, record.path
        takedown.save()
        _stop_pending_versions(obj, user)
        DraftPreview.objects.filter(page=obj.pk).delete()
        ChangeNote.objects.filter(page=obj.pk).update(taken_down=True)
        MeetingChange.objects.filter(page=obj.pk).update(taken_down=True)
        UnpublishPageAction(obj, user=user).execute(skip_permission_checks=True)
    elif not (obj.published_in.exists() or PublicFileRecord.objects.filter(file_key=obj.file_key).exists()):
        raise ValidationError({"address": NOTHING_PUBLIC})
    else:
        takedown.address = obj.url if isinstance(obj, Document) else f"/images/{obj.file_key}/"
        if isinstance(obj, Document):
            takedown.document = obj
        else:
            takedown.image = obj
        takedown.save()
        visibility_changed.send(type(obj), file=obj)
    log(instance=obj, action=TAKEN_DOWN, user=user, data={"takedown": takedown.pk})
    return takedown


@transaction.atomic
def confirm(takedown: Takedown, user: User) -> None:
    """Record that a second person agrees with the takedown. Raises PermissionDenied or ValidationError."""
    if not may_take_down(user):
        raise PermissionDenied
    if takedown.by_id == user.pk:
        raise ValidationError("A colleague has to confirm this, because you took it down.")
    done = Takedown.objects.filter(pk=takedown.pk, confirmed_at=None).update(
        confirmed_at=timezone.now(), confirmed_by=user
    )
    obj = (takedown.record and takedown.record.page) or takedown.document or takedown.image
    if done and obj:
        log(instance=obj, action=TAKEDOWN_CONFIRMED, user=user, data={"takedown": takedown.pk})
