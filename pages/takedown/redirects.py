"""Where a redirect may lead, and whether it leads anywhere now; and the admin's screens that say so.

Redirects need no approval: a moderator makes one, and the log shows it (cms/accounts/powers.py). So they lead to
addresses of
our own and nowhere else. pages/visibility/at_path.py asks again when one is followed, and is asked here too.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import path
from django.utils import timezone
from wagtail.admin.ui.tables import Column
from wagtail.contrib.redirects import views
from wagtail.contrib.redirects.models import Redirect

from pages.confidential.permissions import in_sight
from pages.content import addresses
from pages.content.rich_text import absolute
from pages.visibility.at_path import Withdrawn, page_at, redirect_at, target_of, with_slashes


def only_our_own(address: str) -> None:
    """A validator of `Redirect.redirect_link`, so that the form, the import and code that validates ask it."""
    if not addresses.is_our_own(address):
        names = " or ".join(filter(None, (settings.WEBSITE_URL, settings.CMS_URL)))
        raise ValidationError(
            f"Redirects lead to our own addresses alone: choose a page, or give an address that begins with {names}. "
            "To send readers to another site, publish a page with a link."
        )


def no_effect(redirect: Redirect) -> str:
    """Why a redirect leads nobody anywhere now, in words for moderators; empty when it does."""
    old_path, as_of = with_slashes(redirect.old_path), timezone.now()
    counts = redirect_at(old_path, as_of)
    if before := _what_comes_first(redirect, counts, page_at(old_path, as_of)):
        return before
    if target_of(counts, old_path):
        return ""
    if redirect.redirect_page_id:
        return "It has no effect while the page that it leads to is not public."
    to_itself = addresses.is_our_own(absolute(redirect.redirect_link) or "")
    return f"It has no effect, because it leads to {'itself' if to_itself else 'another site'}."


def _what_comes_first(redirect: Redirect, counts: Redirect | None, here: Any) -> str:
    if isinstance(here, Withdrawn):
        return "It has no effect while readers are told at this address what became of a page."
    if here:
        return "It has no effect while there is a public page at this address."
    if counts is None:
        return "It has no effect, because it is for another site."
    return "" if counts.pk == redirect.pk else "It has no effect: another redirect for this address comes first."


class RedirectsView(views.IndexView):
    def get_base_queryset(self) -> Any:
        return in_sight(super().get_base_queryset())

    columns = [*views.IndexView.columns, Column("no_effect", label="For readers", accessor=no_effect)]


class AddRedirectView(views.CreateView):
    def get_success_message(self, instance: Redirect) -> str:
        return f"{super().get_success_message(instance)} {no_effect(instance)}".strip()


class EditRedirectView(views.EditView):
    def get_success_message(self) -> str:
        return f"{super().get_success_message()} {no_effect(self.object)}".strip()


def refuse_other_sites() -> None:
    field: Any = Redirect._meta.get_field("redirect_link")
    if only_our_own not in field.validators:
        field.validators.append(only_our_own)


admin_urls = [  # in place of Wagtail's own, under its names
    path("redirects/", RedirectsView.as_view()),
    path("redirects/results/", RedirectsView.as_view(results_only=True)),
    path("redirects/add/", AddRedirectView.as_view()),
    path("redirects/<int:redirect_id>/", EditRedirectView.as_view()),
]
