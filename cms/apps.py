from django.apps import AppConfig
from django.db.models.signals import m2m_changed, post_migrate, pre_migrate
from wagtail.users.apps import WagtailUsersAppConfig


class CmsConfig(AppConfig):
    name = "cms"
    verbose_name = "CMS"
    default = True  # this module has two configurations

    def ready(self) -> None:
        # Models can be imported only after Django has loaded all apps.
        from allauth.mfa.signals import authenticator_added
        from django.contrib.auth.models import User

        from cms import database_fit
        from cms.accounts import permission_log, roles, second_factor
        from cms.admin import threads
        from cms.admin import widgets as admin_widgets
        from cms.graphql.types import checks  # noqa: F401 - registers the checks
        from cms.publication import effects as publication
        from cms.publication import removal
        from cms.triggers import install

        publication.connect()
        permission_log.connect()
        removal.connect()
        threads.isolate_threads()
        admin_widgets.start_without_scripts()
        pre_migrate.connect(install.before_migrations, sender=self, dispatch_uid="cms.remove_triggers")
        post_migrate.connect(database_fit.after_migrations, sender=self, dispatch_uid="cms.after_migrations")
        m2m_changed.connect(roles.on_roles_changed, sender=User.groups.through, dispatch_uid="cms.roles_changed")
        authenticator_added.connect(second_factor.end_other_sessions, dispatch_uid="cms.end_other_sessions")


class UsersConfig(WagtailUsersAppConfig):
    """Wagtail's screens for users and groups, with our views in place of some of its own."""

    group_viewset = "cms.accounts.group_views.GroupViewSet"
    user_viewset = "cms.accounts.leaver_views.UserViewSet"
