"""The project's Wagtail hooks: the screens for accounts, the reports, and the labels of log entries."""

from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.views.bulk_action import BulkAction
from wagtail.admin.widgets import Button
from wagtail.log_actions import LogActionRegistry, LogFormatter
from wagtail.models import BaseLogEntry
from wagtail.permissions import policy_registry

from cms.accounts.leaver_views import admin_urls, leaver_buttons
from cms.accounts.leavers import HANDED_OVER, LEFT, UNLOCKED
from cms.accounts.permission_log import PERMISSIONS_CHANGED, PermissionsFormatter
from cms.accounts.roles import ROLES_CHANGED, RolesFormatter
from cms.accounts.second_factor import SECOND_FACTOR_RESET
from cms.admin.mail_report import MailReport, may_see_mail
from cms.publication import effects as publication
from documents.models import Document, PublishedFile
from pages.editing.broken_links import BrokenLinksReport
from pages.models import ContentPage


@hooks.register("insert_global_admin_js")
def start_widgets() -> SafeString:
    return format_html('<script src="{}"></script>', versioned_static("cms/widgets.js"))


@hooks.register("register_admin_urls")
def register_leaver_urls() -> list[URLPattern]:
    return admin_urls


@hooks.register("register_user_listing_buttons")
def register_leaver_buttons(user: User, request_user: User) -> list[Button]:
    return leaver_buttons(user, request_user)


@hooks.register("register_account_menu_item")
def register_second_factor(request: HttpRequest) -> dict[str, str]:
    return {
        "url": reverse("mfa_index"),
        "label": "Second factor",
        "help_text": "Set up an authenticator app or a passkey, and get recovery codes.",
    }


@hooks.register("register_account_menu_item")
def register_password(request: HttpRequest) -> dict[str, str] | None:
    if not (request.user.is_authenticated and request.user.has_usable_password()):
        return None  # the account signs in with single sign-on only
    return {
        "url": reverse("account_change_password"),
        "label": "Change password",
        "help_text": "Your other sessions end, and you get an e-mail about it.",
    }


class HandedOverFormatter(LogFormatter):
    label = "Hand over a leaver's work"

    def format_message(self, log_entry: BaseLogEntry) -> str:
        return "Handed over from {from} to {to}, because {from} has left".format(**log_entry.data)


@hooks.register("after_bulk_action")
def after_bulk_action(request: HttpRequest, action_type: str, files: list[Model], action: BulkAction) -> None:
    """Update what is public after files were put into another collection. The bulk action sends no signal."""
    if action_type == "add_to_collection":
        kind = "document" if action.get_default_model() is Document else "image"
        publication.on_files_moved(PublishedFile.objects.filter(**{f"{kind}__in": files}))


@hooks.register("register_log_actions")
def register_log_actions(actions: LogActionRegistry) -> None:
    actions.register_action(HANDED_OVER)(HandedOverFormatter)
    actions.register_action(ROLES_CHANGED)(RolesFormatter)
    actions.register_action(PERMISSIONS_CHANGED)(PermissionsFormatter)
    actions.register_action(LEFT, "End the access of a leaver", "Access ended: the person has left")
    actions.register_action(UNLOCKED, "Unlock a page that a leaver locked", "Unlocked, because the person has left")
    actions.register_action(SECOND_FACTOR_RESET, "Reset a second factor", "Second factor removed by a command")


class BrokenLinksMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        policy = policy_registry.get_by_type(ContentPage)
        return policy.user_has_any_permission(request.user, BrokenLinksReport.any_permission_required)


@hooks.register("register_reports_menu_item")
def register_broken_links() -> MenuItem:
    return BrokenLinksMenuItem("Broken links", reverse("broken_links"), icon_name="link", order=800)


class MailMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return may_see_mail(request.user)


@hooks.register("register_reports_menu_item")
def register_mail_not_sent() -> MenuItem:
    return MailMenuItem("Mail not sent", reverse("mail_not_sent"), icon_name="mail", order=900)


@hooks.register("register_admin_urls")
def register_report_urls() -> list[URLPattern]:
    return [
        path("reports/mail/", MailReport.as_view(), name="mail_not_sent"),
        path("reports/mail/results/", MailReport.as_view(results_only=True), name="mail_not_sent_results"),
        path("reports/broken-links/", BrokenLinksReport.as_view(), name="broken_links"),
        path(
            "reports/broken-links/results/", BrokenLinksReport.as_view(results_only=True), name="broken_links_results"
        ),
    ]
