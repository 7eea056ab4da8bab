"""Decides where a redirect may lead and whether it has an effect now, and shows that in the admin.

Redirects need no approval: a moderator creates one, and the log records it (cms/accounts/permission_log.py). So they
may only lead to addresses of this site. pages/reading/at_path.py checks that again when a redirect is followed.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Field, QuerySet
from django.urls import path
from django.utils import timezone
from wagtail.admin.ui.tables import Column
from wagtail.contrib.redirects import views
from wagtail.contrib.redirects.models import Redirect

from pages.confidential.choosable import may_choose_pages
from pages.confidential.hidden_objects import NOT_SHOWN
from pages.confidential.permissions import in_sight
from pages.content import addresses
from pages.content.rich_text import absolute
from pages.models import ContentPage
from pages.reading.at_path import Withdrawn, page_at, redirect_at, target_of, with_slashes


def validate_own_address(address: str) -> None:
    """A validator of `Redirect.redirect_link`, for the form, the import and `full_clean`. Raises ValidationError."""
    if not addresses.is_our_own(address):
        names = " or ".join(filter(None, (settings.WEBSITE_URL, settings.CMS_URL)))
        raise ValidationError(
            "Redirects can only lead to addresses of this site. Choose a page, or enter an address that begins with "
            f"{names}. To send readers to another site, publish a page with a link."
        )


def no_effect(redirect: Redirect) -> str:
    """Why a redirect has no effect now, as a message for moderators; empty if it has one."""
    old_path, as_of = with_slashes(redirect.old_path), timezone.now()
    effective = redirect_at(old_path, as_of)
    if overridden := _overridden_by(redirect, effective, page_at(old_path, as_of)):
        return overridden
    if target_of(effective, old_path, as_of):
        return ""
    if redirect.redirect_page_id:
        return "It has no effect while the page it leads to is not public."
    target = absolute(redirect.redirect_link) or ""
    if not addresses.is_our_own(target):
        return "It has no effect, because it leads to another site."
    if target.rstrip("/") == addresses.website(old_path).rstrip("/"):
        return "It has no effect, because it leads to itself."
    return "It has no effect while there is nothing public at the address it leads to."


def _overridden_by(redirect: Redirect, effective: Redirect | None, found: ContentPage | Withdrawn | None) -> str:
    """What takes precedence at the address of the redirect, as a message; empty if nothing does."""
    if isinstance(found, Withdrawn):
        return "It has no effect while this address explains that a page was withdrawn."
    if found:
        return "It has no effect while there is a public page at this address."
    if effective is None:
        return "It has no effect, because it is for another site."
    return "" if effective.pk == redirect.pk else "It has no effect: another redirect for this address comes first."


class TargetColumn(views.RedirectTargetColumn):
    """Wagtail's column, which names and links the page also to users without rights on pages."""

    def get_cell_context_data(self, instance: Redirect, parent_context: Mapping[str, Any]) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        hidden = instance.redirect_page_id and not may_choose_pages(parent_context["request"].user)
        return {**context, "value": NOT_SHOWN, "url": None} if hidden else context


class RedirectsView(views.IndexView):
    def get_base_queryset(self) -> QuerySet[Redirect]:
        return in_sight(super().get_base_queryset())

    @property
    def search_fields(self) -> list[str]:
        """Without the address of the page for users without rights on pages."""
        names: list[str] = views.IndexView.search_fields
        pages = may_choose_pages(self.request.user)
        return [name for name in names if pages or not name.startswith("redirect_page")]

    def to_row_dict(self, item: Redirect) -> dict[str, Any]:
        """A row of the export. It is written after the middleware has forgotten the current user."""
        row: dict[str, Any] = super().to_row_dict(item)
        hidden = item.redirect_page_id and not may_choose_pages(self.request.user)
        return {**row, "link": NOT_SHOWN} if hidden else row

    columns = [
        *(
            TargetColumn(column.name, label=column.label, width=column.width)
            if isinstance(column, views.RedirectTargetColumn)
            else column
            for column in views.IndexView.columns
        ),
        Column("no_effect", label="For readers", accessor=no_effect),
    ]


class AddRedirectView(views.CreateView):
    def get_success_message(self, instance: Redirect) -> str:
        return f"{super().get_success_message(instance)} {no_effect(instance)}".strip()


class EditRedirectView(views.EditView):
    def get_success_message(self) -> str:
        return f"{super().get_success_message()} {no_effect(self.object)}".strip()


def refuse_other_sites() -> None:
    """Add the validator to Wagtail's field. Calling it again changes nothing."""
    field: Field[str, str] = Redirect._meta.get_field("redirect_link")
    if validate_own_address not in field.validators:
        field.validators.append(validate_own_address)


admin_urls = [  # before Wagtail's URLs, whose names still resolve
    path("redirects/", RedirectsView.as_view()),
    path("redirects/results/", RedirectsView.as_view(results_only=True)),
    path("redirects/add/", AddRedirectView.as_view()),
    path("redirects/<int:redirect_id>/", EditRedirectView.as_view()),
]
