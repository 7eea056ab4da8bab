"""The admin's form for groups."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from wagtail.users.forms import GroupForm as WagtailGroupForm
from wagtail.users.views.groups import GroupViewSet as WagtailGroupViewSet


class GroupForm(WagtailGroupForm):
    """Keeps the permissions that the form does not show: Wagtail's takes them away and puts them back, and the log
    would tell both."""

    def clean_permissions(self) -> QuerySet[Any]:
        chosen: QuerySet[Any] = self.cleaned_data["permissions"]
        if self.instance.pk is None:
            return chosen
        kept = self.instance.permissions.exclude(pk__in=self.registered_permissions)
        return Permission.objects.filter(Q(pk__in=chosen) | Q(pk__in=kept.values("pk")))


class GroupViewSet(WagtailGroupViewSet):
    def get_form_class(self, for_update: bool = False) -> type[GroupForm]:
        return GroupForm
