"""Admin screens to withdraw a page, to take a page or file down in an emergency, and to confirm a takedown."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST
from django.views.generic import FormView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets import AdminPageChooser, Button
from wagtail.models import Page

from pages.confidential.choosable import refuse
from pages.confidential.permissions import in_sight
from pages.content.choices import WithdrawalKind
from pages.models import ContentPage, Takedown
from pages.models.public_records import may_take_down
from pages.reading.at_path import NEUTRAL_LINE
from pages.takedown import withdrawal

TAKEDOWNS_SHOWN = 50


class StaffRequest(HttpRequest):
    """A request of a user who is signed in. The admin answers no others."""

    user: User


class WithdrawForm(forms.Form):
    kind = forms.ChoiceField(label="How", choices=WithdrawalKind.choices, widget=forms.RadioSelect)
    explanation = forms.CharField(
        label="Explanation for readers",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Why the page is withdrawn, in plain English. Readers see it with the title and today's date.",
    )
    alternative = forms.ModelChoiceField(
        label="What to read instead",
        required=False,
        queryset=ContentPage.objects.all(),
        widget=AdminPageChooser(),
        help_text="Required for a redirect. With an explanation, it is shown as a link.",
    )

    def clean(self) -> None:
        refuse(self)


class TakeDownForm(forms.Form):
    address = forms.CharField(
        label="Address",
        max_length=2600,
        help_text="Paste the public address of the page, document or picture to take down.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=Takedown._meta.get_field("reason").help_text,
    )


class WithdrawView(WagtailAdminTemplateMixin, FormView):
    """Withdraws one page."""

    request: StaffRequest
    form_class = WithdrawForm
    template_name = "pages/admin/withdraw.html"
    header_icon = "no-view"

    @cached_property
    def page(self) -> ContentPage:
        return get_object_or_404(ContentPage, pk=self.kwargs["page_id"]).specific

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not withdrawal.may_withdraw(request.user, self.page):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_page_title(self) -> str:
        return f"Withdraw “{self.page.get_admin_display_title()}”"

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        edit = reverse("wagtailadmin_pages:edit", args=[self.page.pk])
        return [*super().get_breadcrumbs_items(), {"url": edit, "label": self.page.title}, {"label": "Withdraw"}]

    def get_initial(self) -> dict[str, Any]:
        return {
            "kind": self.page.withdrawal_kind or WithdrawalKind.WITHDRAWN,
            "explanation": self.page.withdrawal_explanation,
            "alternative": self.page.withdrawal_alternative_id,
        }

    def get_context_data(self, **kwargs: object) -> dict[str, Any]:
        context = super().get_context_data(page=self.page, **kwargs)
        return {**context, "media": context["form"].media}  # the page chooser needs its scripts

    def form_valid(self, form: WithdrawForm) -> HttpResponse:
        try:
            withdrawal.withdraw(self.page, self.request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
            return self.form_invalid(form)
        messages.success(self.request, f"“{self.page.title}” is withdrawn.")
        return redirect("wagtailadmin_explore", self.page.get_parent().pk)


class TakedownsView(WagtailAdminTemplateMixin, FormView):
    """Takes a page or file down, and lists the latest takedowns with their confirmations."""

    request: StaffRequest
    form_class = TakeDownForm
    template_name = "pages/admin/takedowns.html"
    page_title = "Emergency takedown"
    header_icon = "warning"

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not may_take_down(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*super().get_breadcrumbs_items(), {"label": self.page_title}]

    def get_initial(self) -> dict[str, Any]:
        return {"address": self.request.GET.get("address", "")}

    def get_context_data(self, **kwargs: object) -> dict[str, Any]:
        takedowns = in_sight(Takedown.objects.select_related("by", "confirmed_by"))[:TAKEDOWNS_SHOWN]
        return super().get_context_data(takedowns=takedowns, neutral_line=NEUTRAL_LINE, **kwargs)

    def form_valid(self, form: TakeDownForm) -> HttpResponse:
        obj = withdrawal.at_address(form.cleaned_data["address"])
        try:
            if obj is None:
                raise ValidationError({"address": withdrawal.NOTHING_PUBLIC})
            takedown = withdrawal.take_down(obj, self.request.user, form.cleaned_data["reason"])
        except ValidationError as error:
            form.add_error(None, error)
            return self.form_invalid(form)
        messages.success(self.request, f"{takedown.address} is offline. Ask a colleague to confirm it below.")
        return redirect("takedowns")


@require_POST
def confirm(request: StaffRequest, takedown_id: int) -> HttpResponse:
    takedown = get_object_or_404(Takedown, pk=takedown_id)
    try:
        withdrawal.confirm(takedown, request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"You confirmed the takedown of {takedown.address}.")
    return redirect("takedowns")


admin_urls = [
    path("pages/<int:page_id>/withdraw/", WithdrawView.as_view(), name="withdraw_page"),
    path("takedowns/", TakedownsView.as_view(), name="takedowns"),
    path("takedowns/<int:takedown_id>/confirm/", confirm, name="confirm_takedown"),
]


def page_buttons(page: Page, user: User | AnonymousUser) -> list[Button]:
    """The entries of a page's menu that withdraw it or take it down, as far as the user may."""
    buttons = []
    if isinstance(page, ContentPage) and page.live:
        if withdrawal.may_withdraw(user, page):
            buttons.append(
                Button("Withdraw", reverse("withdraw_page", args=[page.pk]), icon_name="no-view", priority=61)
            )
        if may_take_down(user):
            address = reverse("takedowns") + "?address=" + withdrawal.public_path(page)
            buttons.append(Button("Take down in an emergency", address, icon_name="warning", priority=62))
    return buttons
