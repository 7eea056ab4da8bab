"""Taking pages and files away: who may, what readers are told, and the emergency takedown.

The screens for it are in pages/withdrawal_views.py. Coming back is a publication like any other (cms/publication.py).
"""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from wagtail.actions.unpublish_page import UnpublishPageAction
from wagtail.log_actions import log

from documents.models import Document, Image
from pages import addresses
from pages.choices import WithdrawalKind
from pages.models import ContentPage, DeathReviewNoticePage, PublicRecord, Takedown
from pages.models.base import visibility_changed
from pages.models.death_reviews import HANDLE_DEATH_REVIEWS
from pages.models.public_records import TAKE_DOWN
from pages.visibility import Answer, answer, public

WITHDRAWN, TAKEN_DOWN, TAKEDOWN_CONFIRMED = "pages.withdrawn", "pages.taken_down", "pages.takedown_confirmed"

# --- Withdrawing a page ---


def may_withdraw(user: Any, page: ContentPage) -> bool:
    if isinstance(page, DeathReviewNoticePage):
        return user.has_perm(HANDLE_DEATH_REVIEWS) and user.has_perm(TAKE_DOWN)
    return page.permissions_for_user(user).can_publish()


def withdrawal_problems(page: ContentPage, kind: str, explanation: str, alternative: Any) -> dict[str, str]:
    """What keeps a page from being withdrawn in this way: field name → what to do."""
    problems = {}
    if answer(page) not in (Answer.PUBLIC, Answer.WITHDRAWN):
        problems["kind"] = "This page is not public, so there is nothing to withdraw."
    if isinstance(page, DeathReviewNoticePage):
        until = page.minimum_online_until
        if until and until > timezone.localdate():
            problems["kind"] = (
                f"This notice stays online until {until:%d %B %Y} at least. Withdrawing it before takes a second "
                "approver, which is not built yet. In an emergency, take it down."
            )
        elif kind != WithdrawalKind.WITHDRAWN:
            problems["kind"] = "Readers of a death-review notice are always told why it went: give an explanation."
    if kind == WithdrawalKind.WITHDRAWN and not explanation.strip():
        problems["explanation"] = "Tell readers why the page was withdrawn."
    if alternative is not None and (
        alternative.pk == page.pk or not public(ContentPage.objects.filter(pk=alternative.pk)).exists()
    ):
        problems["alternative"] = "Choose another page, one that readers can open."
    elif kind == WithdrawalKind.REDIRECT and alternative is None:
        problems["alternative"] = "Choose the page that readers are sent to."
    return problems


@transaction.atomic
def withdraw(page: ContentPage, user: Any, kind: str, explanation: str = "", alternative: Any = None) -> None:
    """Take a public page away, and scheduled versions of it with it. Raises PermissionDenied or ValidationError."""
    if not may_withdraw(user, page):
        raise PermissionDenied
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
    _stop_what_is_on_its_way(page, user)
    log(instance=page, action=WITHDRAWN, user=user, data={"kind": kind})
    visibility_changed.send(type(page), page=page)


def _stop_what_is_on_its_way(page: ContentPage, user: Any) -> None:
    """Versions that were scheduled or submitted before the page went are not those that bring it back."""
    page.revisions.update(approved_go_live_at=None)
    if state := page.current_workflow_state:
        state.cancel(user=user)


# --- Emergency takedown ---


def public_path(page: ContentPage) -> str:
    """Where readers know a page: an unpublished change of its address is not that."""
    record = PublicRecord.objects.filter(pk=page.uuid).first()
    return record.path if record else addresses.url_path(page)


def at_address(address: str) -> ContentPage | Document | Image | None:
    """The public page or file at an address that somebody pasted. Looks at its path alone."""
    try:
        path = unquote(urlsplit(address.strip()).path)
    except ValueError:
        return None
    parts = path.strip("/").split("/")
    if parts[0] == "documents" and len(parts) == 3:
        return Document.objects.filter(file_key=parts[1]).first()
    if parts[0] == "images" and len(parts) == 3:
        return Image.objects.filter(file_key=parts[1]).first()
    here = PublicRecord.objects.filter(path=f"/{path.strip('/')}/" if path.strip("/") else "/", page__live=True)
    record = here.order_by(F("ended_at").desc(nulls_first=True)).first()
    return record.page.specific if record and record.page else None


@transaction.atomic
def take_down(thing: ContentPage | Document | Image, user: Any, reason: str) -> Takedown:
    """Take a page or a file offline at once, on one person's word. Raises PermissionDenied or ValidationError."""
    if not user.has_perm(TAKE_DOWN):
        raise PermissionDenied
    if not reason.strip():
        raise ValidationError({"reason": "Say why, for the colleague who will check this."})
    takedown = Takedown(reason=reason.strip(), at=timezone.now(), by=user)
    if isinstance(thing, ContentPage):
        record = PublicRecord.objects.filter(pk=thing.uuid).first()
        if record is None or not thing.live:
            raise ValidationError({"address": "This page is not public."})
        takedown.record, takedown.address = record, record.path
        takedown.save()
        _stop_what_is_on_its_way(thing, user)
        UnpublishPageAction(thing, user=user).execute(skip_permission_checks=True)
    else:
        takedown.address = thing.url if isinstance(thing, Document) else f"/images/{thing.file_key}/"
        if isinstance(thing, Document):
            takedown.document = thing
        else:
            takedown.image = thing
        takedown.save()
        visibility_changed.send(type(thing), file=thing)
    log(instance=thing, action=TAKEN_DOWN, user=user, data={"takedown": takedown.pk})
    return takedown


@transaction.atomic
def confirm(takedown: Takedown, user: Any) -> None:
    """A second person agrees that it had to go. Raises PermissionDenied, ValidationError."""
    if not user.has_perm(TAKE_DOWN):
        raise PermissionDenied
    if takedown.by_id == user.pk:
        raise ValidationError("Another person than the one who took it down has to confirm this.")
    done = Takedown.objects.filter(pk=takedown.pk, confirmed_at=None).update(
        confirmed_at=timezone.now(), confirmed_by=user
    )
    thing = (takedown.record and takedown.record.page) or takedown.document or takedown.image
    if done and thing:
        log(instance=thing, action=TAKEDOWN_CONFIRMED, user=user, data={"takedown": takedown.pk})
