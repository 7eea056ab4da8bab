"""The admin's report of mail that could not be sent. It does not show the text of any message.

Mail about a death review is listed only for people who may handle them: that there is mail to the safeguarding leads
tells that a notice awaits their approval.
"""

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from wagtail.admin.ui.tables import Column, DateColumn
from wagtail.admin.views.reports import ReportView

from pages.content.death_reviews import HANDLE_DEATH_REVIEWS
from pages.content.mail import may_know_of_mail
from pages.editing.outbox import subjects
from pages.models import OutgoingMail


def may_see_mail(user: User | AnonymousUser) -> bool:
    """Whether the user manages accounts."""
    return bool(user.has_perm("auth.change_user"))


def _status(mail: OutgoingMail) -> str:
    return "Given up" if mail.given_up_at else "Will be sent again"


class MailReport(ReportView):
    model = OutgoingMail
    page_title = "Mail not sent"
    header_icon = "mail"
    index_url_name = "mail_not_sent"
    index_results_url_name = "mail_not_sent_results"
    no_results_message = "All mail was sent."
    list_export = ("to", "written_at", "tries", "error", "given_up_at")
    columns = (
        Column("to", label="To"),
        DateColumn("written_at", label="Written"),
        Column("tries", label="Tries"),
        Column("error", label="Error"),
        Column("then", label="Status", accessor=_status),
    )

    def user_has_permission(self, permission: str) -> bool:
        return may_see_mail(self.request.user)

    def user_has_any_permission(self, permissions: Iterable[str]) -> bool:
        return may_see_mail(self.request.user)

    permission_required = "view"

    def get_queryset(self) -> QuerySet[OutgoingMail]:
        rows = OutgoingMail.objects.exclude(error="").order_by("-written_at")
        if self.request.user.has_perm(HANDLE_DEATH_REVIEWS):
            return rows
        about = {row.pk: subjects(row) for row in rows}
        hidden = [
            key for key, found in about.items() if found is None or not may_know_of_mail(self.request.user, found)
        ]
        return rows.exclude(pk__in=hidden)
