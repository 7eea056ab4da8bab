"""Decides where a redirect may lead and whether it has an effect now, and shows that in the admin.

Redirects need no approval: a moderator creates one, and the log records it (cms/accounts/permission_log.py). So they
may only lead to addresses of this site. pages/reading/at_path.py checks that again when a redirect is followed.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Field, QuerySet
from django.urls import path
from django.utils import timezone
from wagtail.admin.ui.tables import Column
from wagtail.contrib.redirects import views
from wagtail.contrib.redirects.forms import RedirectForm
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Site

from pages.confidential.choosable import may_choose_pages
from pages.confidential.hidden_objects import NOT_SHOWN, Original, replace
from pages.confidential.permissions import hidden_rows, hides_death_reviews, in_sight
from pages.content import addresses
from pages.content.rich_text import absolute
from pages.models import DeathReviewIndexPage, PublicAddress
from pages.reading.at_path import Withdrawn, first_redirect, page_at, redirects_at, target_of, with_slashes

DEATH_REVIEW = (
    "Only people who may handle death reviews can redirect to an address below the list of death reviews. Redirect to "
    "the list itself, or ask one of them."
)


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
    here = redirects_at(old_path, as_of)
    if overridden := _overridden_by(redirect, here, old_path, as_of):
        return overridden
    if any(row.pk == redirect.pk and target_of(row, old_path, as_of) for row in here):
        return ""
    if redirect.redirect_page_id:
        return "It has no effect while the page it leads to is not public."
    target = absolute(redirect.redirect_link) or ""
    if not addresses.is_our_own(target):
        return "It has no effect, because it leads to another site."
    if target.rstrip("/") == addresses.website(old_path).rstrip("/"):
        return "It has no effect, because it leads to itself."
    return "It has no effect while there is nothing public at the address it leads to."


def _overridden_by(redirect: Redirect, here: list[Redirect], old_path: str, as_of: datetime) -> str:
    """What takes precedence at the address of the redirect, as a message; empty if nothing does."""
    found, keys = page_at(old_path, as_of), [row.pk for row in here]
    if isinstance(found, Withdrawn):
        return "It has no effect while this address explains that a page was withdrawn."
    if found:
        return "It has no effect while there is a public page at this address."
    if redirect.pk not in keys:
        return "It has no effect, because it is for another site."
    first = first_redirect(here, old_path, as_of)
    later = first is not None and keys.index(first.pk) < keys.index(redirect.pk)
    return "It has no effect: another redirect for this address comes first." if later else ""


# --- Redirects of which the person at the form may not know ---


def clean(original: Original, form: RedirectForm) -> dict[str, Any] | None:
    """Wagtail's check, except that the path of a hidden redirect counts as free.

    A redirect to a death review is only for people who may handle them: it would be hidden from others at once, so an
    address that somebody guessed would be confirmed.
    """
    if not hides_death_reviews():
        return original(form)
    if _may_lead_to_a_death_review(form.cleaned_data.get("redirect_link") or ""):
        form.add_error("redirect_link", DEATH_REVIEW)
    if form.cleaned_data.get("site") is None and _hidden_twins(form.cleaned_data.get("old_path"), None).exists():
        old_path = Redirect.normalise_path(form.cleaned_data["old_path"])
        others = in_sight(Redirect.objects.filter(old_path=old_path, site=None)).exclude(pk=form.instance.pk)
        if others.exists():
            raise ValidationError("A redirect with this path already exists.")
        return super(RedirectForm, form).clean()
    return original(form)


def validate_unique(original: Original, form: RedirectForm) -> None:
    if not _hidden_twins(form.instance.old_path, form.instance.site).exists():
        original(form)


@transaction.atomic
def save(original: Original, form: RedirectForm, commit: bool = True) -> Redirect:
    """Make way for the new redirect. The hidden one still comes first (`redirects_at`)."""
    if form.instance.site:
        for twin in _hidden_twins(form.instance.old_path, form.instance.site):
            twin.site = None
            twin.save()
    return original(form, commit=commit)


def _hidden_twins(old_path: str | None, site: Site | None) -> QuerySet[Redirect]:
    """The redirects for the same path and site that are hidden from the current user."""
    if old_path is None or not hides_death_reviews():
        return Redirect.objects.none()
    return Redirect.objects.filter(hidden_rows(Redirect), old_path=Redirect.normalise_path(old_path), site=site)


def _may_lead_to_a_death_review(link: str) -> bool:
    """Whether the link has an address below an index of death reviews, where there may be a notice or not."""
    indexes = DeathReviewIndexPage.objects.all()
    paths = {addresses.url_path(index) for index in indexes}
    paths |= set(PublicAddress.objects.filter(record__page__in=indexes.values("pk")).values_list("path", flat=True))
    return any(re.search(rf"{re.escape(path)}[^?#]", unquote(link), re.IGNORECASE) for path in paths)


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


def replace_wagtail_parts() -> None:
    """Add the validator to Wagtail's field, and replace parts of the form, which the import uses, too.

    Called once, when the apps are loaded.
    """
    field: Field[str, str] = Redirect._meta.get_field("redirect_link")
    field.validators.append(validate_own_address)
    replace(RedirectForm, "clean")(clean)
    replace(RedirectForm, "validate_unique")(validate_unique)
    replace(RedirectForm, "save")(save)


admin_urls = [  # before Wagtail's URLs, whose names still resolve
    path("redirects/", RedirectsView.as_view()),
    path("redirects/results/", RedirectsView.as_view(results_only=True)),
    path("redirects/add/", AddRedirectView.as_view()),
    path("redirects/<int:redirect_id>/", EditRedirectView.as_view()),
]
