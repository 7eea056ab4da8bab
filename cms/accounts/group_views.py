"""The admin's form for groups."""

from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from wagtail.users.forms import GroupForm as WagtailGroupForm
from wagtail.users.views.groups import GroupViewSet as WagtailGroupViewSet


class GroupForm(WagtailGroupForm):
    """Leaves alone the permissions that the form does not show.

    Wagtail's form removes them and adds them again, and the log would have an entry for each.
    """

    def clean_permissions(self) -> QuerySet[Permission]:
        chosen: QuerySet[Permission] = self.cleaned_data["permissions"]
        if self.instance.pk is None:
            return chosen
        kept = self.instance.permissions.exclude(pk__in=self.registered_permissions)
        return Permission.objects.filter(Q(pk__in=chosen) | Q(pk__in=kept.values("pk")))


class GroupViewSet(WagtailGroupViewSet):
    def get_form_class(self, for_update: bool = False) -> type[GroupForm]:
        return GroupForm
