"""The fast lane in the admin: a view that cancels or postpones a meeting at once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.views.generic import FormView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets import Button
from wagtail.models import Page

from pages.content.choices import MeetingStatus
from pages.content.rich_text import plain_text
from pages.editing.meeting_changes import FAST_LANE_STATUSES, call_off, may_call_off
from pages.models import ContentPage, MeetingPage


class CallOffForm(forms.Form):
    status = forms.ChoiceField(
        label="The meeting is",
        choices=[(value, MeetingStatus(value).label) for value in FAST_LANE_STATUSES],
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether it is cancelled or postponed."},
    )
    notice = forms.CharField(
        label="Notice for readers",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What changed and why, in plain words. It is added to the notices that readers have already seen.",
        error_messages={"required": "Say what changed and why: readers see this."},
    )


class CallOffView(WagtailAdminTemplateMixin, FormView):
    """Cancel or postpone one meeting."""

    form_class = CallOffForm
    template_name = "pages/admin/call_off.html"
    header_icon = "date"

    @cached_property
    def meeting(self) -> MeetingPage:
        return get_object_or_404(MeetingPage, pk=self.kwargs["page_id"])

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not may_call_off(request.user, self.meeting):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_page_title(self) -> str:
        return f"Cancel or postpone “{self.meeting.title}”"

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        edit = reverse("wagtailadmin_pages:edit", args=[self.meeting.pk])
        last = {"label": "Cancel or postpone"}
        return [*super().get_breadcrumbs_items(), {"url": edit, "label": self.meeting.title}, last]

    def get_context_data(self, **kwargs: object) -> dict[str, Any]:
        earlier = plain_text(self.meeting.status_notice)
        return super().get_context_data(meeting=self.meeting, earlier_notice=earlier, **kwargs)

    def form_valid(self, form: CallOffForm) -> HttpResponse:
        try:
            call_off(self.meeting, self.request.user, **form.cleaned_data)
        except ValidationError as problem:
            form.add_error(None, problem.messages)
            return self.form_invalid(form)
        messages.success(self.request, f"Readers now see that “{self.meeting.title}” does not take place as announced.")
        return redirect("wagtailadmin_pages:edit", self.meeting.pk)


admin_urls = [path("pages/<int:page_id>/call-off/", CallOffView.as_view(), name="call_off_meeting")]


def page_buttons(page: Page, user: User | AnonymousUser) -> list[Button]:
    if isinstance(page, ContentPage) and page.has_fast_lane and may_call_off(user, page):
        address = reverse("call_off_meeting", args=[page.pk])
        return [Button("Cancel or postpone", address, icon_name="date", priority=60)]
    return []
