"""The admin's screen to end the access of a colleague who leaves, and the button that leads to it."""

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
from django.views.generic import FormView
from wagtail.admin.utils import get_user_display_name
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets import Button
from wagtail.users.views.users import EditView as WagtailEditView
from wagtail.users.views.users import UserViewSet as WagtailUserViewSet

from cms.accounts import leavers


class ColleagueField(forms.ModelChoiceField):
    def label_from_instance(self, user: User) -> str:
        return f"{get_user_display_name(user)} ({user.get_username()})"


class LeaverForm(forms.Form):
    colleague = ColleagueField(
        label="Colleague who takes over",
        required=False,
        queryset=User.objects.none(),
        empty_label="Choose a colleague",
        help_text="They become the owner of the drafts, and get the e-mails about open submissions.",
    )

    def __init__(self, *args: Any, leaver: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = User.objects.filter(is_active=True).exclude(pk=leaver.pk).order_by("first_name", "username")
        self.fields["colleague"].queryset = colleagues  # type: ignore[attr-defined]


class LeaverView(WagtailAdminTemplateMixin, FormView):
    """Asks who takes over the unfinished work, and then ends the access of one person."""

    form_class = LeaverForm
    template_name = "cms/admin/leaver.html"
    header_icon = "user"

    @cached_property
    def leaver(self) -> User:
        return get_object_or_404(User, pk=self.kwargs["user_id"])

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not leavers.may_deactivate_user(request.user, self.leaver):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_page_title(self) -> str:
        return f"End the access of {get_user_display_name(self.leaver)}"

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        users = {"url": reverse("wagtailusers_users:index"), "label": "Users"}
        edit = reverse("wagtailusers_users:edit", args=[self.leaver.pk])
        account = {"url": edit, "label": get_user_display_name(self.leaver)}
        return [*super().get_breadcrumbs_items(), users, account, {"label": "End access"}]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "leaver": self.leaver}

    def get_context_data(self, **kwargs: object) -> dict[str, Any]:
        work = leavers.unfinished_work(self.leaver).visible()
        return super().get_context_data(leaver=self.leaver, work=work, **kwargs)

    def form_valid(self, form: LeaverForm) -> HttpResponse:
        try:
            leavers.deactivate_user(self.leaver, self.request.user, form.cleaned_data["colleague"])
        except ValidationError as error:
            form.add_error(None, error)
            return self.form_invalid(form)
        name = get_user_display_name(self.leaver)
        messages.success(self.request, f"{name} is signed out everywhere and can no longer sign in.")
        return redirect("wagtailusers_users:index")


class EditView(WagtailEditView):
    @cached_property
    def header_more_buttons(self) -> list[Button]:
        return [*super().header_more_buttons, *leaver_buttons(self.object, self.request.user)]


class UserViewSet(WagtailUserViewSet):
    edit_view_class = EditView


def leaver_buttons(leaver: User, user: User | AnonymousUser) -> list[Button]:
    """The button to the screen; none if `user` may not end the access of this account."""
    if not leavers.may_deactivate_user(user, leaver):
        return []
    url = reverse("deactivate_user", args=[leaver.pk])
    return [Button("End access of a leaver", url, icon_name="logout", priority=25)]


admin_urls = [path("users/<int:user_id>/leaver/", LeaverView.as_view(), name="deactivate_user")]
