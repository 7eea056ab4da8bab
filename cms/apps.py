from django.apps import AppConfig
from wagtail.users.apps import WagtailUsersAppConfig


class CmsConfig(AppConfig):
    name = "cms"
    verbose_name = "CMS"
    default = True  # Django asks, where a module has several

    def ready(self) -> None:
        from cms import publication  # noqa: PLC0415 - signals can be connected only once the models are there

        publication.connect()


class UsersConfig(WagtailUsersAppConfig):
    """Wagtail's screens for accounts, with the one for leavers."""

    user_viewset = "cms.leaver_views.UserViewSet"
