"""What the admin shows of the parts that see pages and files together: the report of broken links."""

from django.urls import path, reverse
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.permissions import policy_registry

from pages.broken_links import BrokenLinksReport
from pages.models import ContentPage


class BrokenLinksMenuItem(MenuItem):
    def is_shown(self, request) -> bool:
        policy = policy_registry.get_by_type(ContentPage)
        return policy.user_has_any_permission(request.user, BrokenLinksReport.any_permission_required)


@hooks.register("register_reports_menu_item")
def register_broken_links() -> MenuItem:
    return BrokenLinksMenuItem("Broken links", reverse("broken_links"), icon_name="link", order=800)


@hooks.register("register_admin_urls")
def register_report_urls() -> list:
    return [
        path("reports/broken-links/", BrokenLinksReport.as_view(), name="broken_links"),
        path(
            "reports/broken-links/results/", BrokenLinksReport.as_view(results_only=True), name="broken_links_results"
        ),
    ]
