"""Marking a page as reviewed in one click, and the reminders of reviews that are due."""

from datetime import date, timedelta
from io import StringIO
from smtplib import SMTPRecipientsRefused

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend as LocmemBackend
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from wagtail.models import PageLogEntry, Revision

from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.editing.reminders import reminders
from pages.models import ContentPage
from tests import factories
from tests.admin_forms import decide
from tests.factories import london
from tests.test_moderation import form
from tests.test_query_counts import queries

PAGE = """query ($path: String!) { page(urlPath: $path) {
  id title summary url seoTitle lastReviewedOn nextReviewDueOn publishedAt publicUpdatedAt
  changeHistory { at note } ... on NewsPage { body { id blockType } }
} }"""


@pytest.fixture
def people(home):
    found = {}
    for group in ("Editors", "Moderators", "Safeguarding leads"):
        user = User.objects.create_user(group.replace(" ", "-").lower(), f"{group[0]}@example.org".lower(), "x")
        user.groups.add(Group.objects.get(name=group))
        found[group] = user
    found["admin"] = User.objects.create_superuser("admin", "a@example.org", "x")
    return found


@pytest.fixture
def news(home):
    with time_machine.travel(london(2026, 2, 11, 9), tick=False):
        index = factories.page(models.NewsIndexPage, home, slug="news")
        return factories.page(models.NewsPage, index, slug="n", title="News", next_review_due_on=date(2026, 8, 11))


@time_machine.travel(london(2026, 5, 4, 9), tick=False)
def test_a_superuser_in_no_group_does_not_mark_as_reviewed(news, people, client):
    client.force_login(people["admin"])
    edit = client.get(reverse("wagtailadmin_pages:edit", args=[news.pk])).content.decode()
    assert "Mark as reviewed today" not in edit
    client.post(reverse("mark_as_reviewed", args=[news.pk]))
    news.refresh_from_db()
    assert news.last_reviewed_on == date(2026, 2, 11)


def mark(client, page):
    return client.post(reverse("mark_as_reviewed", args=[page.pk]))


@time_machine.travel(london(2026, 5, 4, 9), tick=False)
def test_story_e6_marking_as_reviewed_moves_only_last_reviewed_on(news, people, client, ask):
    before = ask(PAGE, path="/news/n/")["page"]
    feeds = {kind: client.get(f"/feeds/news.{kind}").content for kind in ("rss", "atom")}
    revisions = news.revisions.count()
    client.force_login(people["Moderators"])
    edit = client.get(reverse("wagtailadmin_pages:edit", args=[news.pk])).content.decode()
    assert "Mark as reviewed today" in edit
    assert f'data-w-action-url-value="{reverse("mark_as_reviewed", args=[news.pk])}"' in edit
    response = client.post(reverse("mark_as_reviewed", args=[news.pk]), follow=True)
    assert "“News” is marked as reviewed today. The next review is due on 11 August 2026." in response.content.decode()
    assert before["lastReviewedOn"] == "2026-02-11"
    assert ask(PAGE, path="/news/n/")["page"] == {**before, "lastReviewedOn": "2026-05-04"}
    assert {kind: client.get(f"/feeds/news.{kind}").content for kind in feeds} == feeds
    assert news.revisions.count() == revisions
    entry = PageLogEntry.objects.get(action="pages.reviewed")
    assert (entry.page_id, entry.user, entry.data) == (news.pk, people["Moderators"], {"before": "2026-02-11"})


@time_machine.travel(london(2026, 5, 4, 9), tick=False)
def test_no_draft_is_published_and_none_undoes_it(news, people, client, ask):
    """The draft is neither published nor changed: it takes the new date over when it is opened, and when published."""
    news.title = "Draft title"
    draft = news.save_revision(user=people["Editors"])
    content = draft.content
    client.force_login(people["Moderators"])
    mark(client, news)
    assert ask(PAGE, path="/news/n/")["page"]["title"] == "News"
    draft.refresh_from_db()
    assert draft.content["last_reviewed_on"] == "2026-02-11"
    assert draft.content["title"] == content["title"] == "Draft title"
    screen = client.get(reverse("wagtailadmin_pages:edit", args=[news.pk]))
    assert screen.context["form"]["last_reviewed_on"].value() == date(2026, 5, 4)
    factories.approved(draft).publish()
    page = ask(PAGE, path="/news/n/")["page"]
    assert (page["title"], page["lastReviewedOn"], page["nextReviewDueOn"]) == (
        "Draft title",
        "2026-05-04",
        "2026-08-11",
    )


@time_machine.travel(london(2026, 5, 4, 9), tick=False)
def test_an_approval_given_before_still_publishes_with_the_new_date(news, people, client, ask):
    news.title = "Submitted"
    news.save_revision(user=people["Editors"])
    news.get_workflow().start(news, people["Editors"])
    client.force_login(people["Moderators"])
    mark(client, news)
    news.refresh_from_db()
    assert news.workflow_in_progress is True
    decide(client, news, "approve")
    page = ask(PAGE, path="/news/n/")["page"]
    assert (page["title"], page["lastReviewedOn"]) == ("Submitted", "2026-05-04")


def test_a_date_can_still_be_corrected_afterwards(news, people, client, ask):
    client.force_login(people["Moderators"])
    with time_machine.travel(london(2026, 5, 4, 9), tick=False):
        mark(client, news)
    edit = reverse("wagtailadmin_pages:edit", args=[news.pk])
    with time_machine.travel(london(2026, 5, 5, 9), tick=False):
        news.refresh_from_db()
        client.force_login(people["Moderators"])
        corrected = form(news, last_reviewed_on="2026-03-01", next_review_due_on="2026-09-01")
        response = client.post(edit, corrected)
        assert response.status_code == 302, response.context["form"].errors
        news.refresh_from_db()
        assert ask(PAGE, path="/news/n/")["page"]["lastReviewedOn"] == "2026-05-04"
        factories.approved(Revision.objects.get(pk=news.latest_revision_id)).publish()
    page = ask(PAGE, path="/news/n/")["page"]
    assert (page["lastReviewedOn"], page["nextReviewDueOn"]) == ("2026-03-01", "2026-09-01")
    with time_machine.travel(london(2026, 5, 6, 9), tick=False):
        client.force_login(people["Moderators"])
        mark(client, news)
    assert ask(PAGE, path="/news/n/")["page"]["lastReviewedOn"] == "2026-05-06"


def test_news_may_lose_its_date_again(news, people, client, ask):
    """Where no review date is needed, the latest publication may be without one, and an old version may come back."""
    news.last_reviewed_on = news.next_review_due_on = None
    old = news.save_revision()
    client.force_login(people["Moderators"])
    mark(client, news)
    news.refresh_from_db()
    news.last_reviewed_on = news.next_review_due_on = None
    factories.publish(news)
    assert ask(PAGE, path="/news/n/")["page"]["lastReviewedOn"] is None
    factories.approved(old).publish()
    assert ask(PAGE, path="/news/n/")["page"]["lastReviewedOn"] is None


@pytest.mark.parametrize(
    ("last", "due", "following"),
    [
        (date(2026, 2, 11), date(2026, 8, 11), date(2026, 8, 11)),  # ahead: it stays
        (date(2025, 11, 4), date(2026, 5, 4), date(2026, 11, 1)),  # today: 181 days further
        (date(2025, 1, 1), date(2026, 1, 1), date(2027, 5, 4)),  # overdue: a year from today
        (date(2026, 2, 11), None, None),
        (None, date(2026, 1, 1), None),
    ],
)
@time_machine.travel(london(2026, 5, 4, 9), tick=False)
def test_a_review_that_was_due_moves_on_by_its_interval(news, people, client, last, due, following):
    ContentPage.objects.filter(pk=news.pk).update(last_reviewed_on=last, next_review_due_on=due)
    client.force_login(people["Moderators"])
    mark(client, news)
    news.refresh_from_db()
    assert (news.last_reviewed_on, news.next_review_due_on) == (date(2026, 5, 4), following)


@time_machine.travel(london(2026, 5, 4, 0, 30), tick=False)
def test_today_is_the_day_in_london(news, people, client):
    client.force_login(people["Moderators"])
    mark(client, news)
    news.refresh_from_db()
    assert news.last_reviewed_on == date(2026, 5, 4)


def test_editors_may_not(news, people, client):
    client.force_login(people["Editors"])
    assert "Mark as reviewed" not in client.get(reverse("wagtailadmin_pages:edit", args=[news.pk])).content.decode()
    response = mark(client, news)
    assert (response.status_code, response.url) == (302, reverse("wagtailadmin_home"))
    client.logout()
    assert mark(client, news).status_code == 302
    client.force_login(people["Moderators"])
    assert client.get(reverse("mark_as_reviewed", args=[news.pk])).status_code == 405
    news.refresh_from_db()
    assert (news.last_reviewed_on, news.marked_reviewed_at) == (date(2026, 2, 11), None)
    assert not PageLogEntry.objects.filter(action="pages.reviewed").exists()


def test_only_what_readers_can_see_can_be_marked(news, home, people, client):
    draft = factories.draft(models.StandardPage, home)
    ContentPage.objects.filter(pk=news.pk).update(withdrawal_kind="gone")
    client.force_login(people["Moderators"])
    for page in (draft, news):
        edit = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
        assert "Mark as reviewed" not in edit
        answer = client.post(reverse("mark_as_reviewed", args=[page.pk]), follow=True).content.decode()
        assert "Only a page that readers can see can be marked as reviewed." in answer
        page.refresh_from_db()
        assert (page.last_reviewed_on, page.marked_reviewed_at) == (date(2026, 2, 11), None)


@pytest.mark.parametrize("who", ["Editors", "Moderators", "Safeguarding leads", "admin"])
def test_a_notice_changes_only_with_both_approvals(home, people, client, who):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    notice = factories.page(models.DeathReviewNoticePage, index)
    client.force_login(people[who])
    mark(client, notice)
    notice.refresh_from_db()
    assert (notice.last_reviewed_on, notice.marked_reviewed_at) == (date(2026, 2, 11), None)


def test_a_copy_was_never_marked(news, people, client):
    client.force_login(people["Moderators"])
    mark(client, news)
    news.refresh_from_db()
    copy = news.copy(update_attrs={"slug": "copy"}, keep_live=False)
    copy.refresh_from_db()
    assert (news.marked_reviewed_at is None, copy.marked_reviewed_at) == (False, None)


# --- Reminders ---


@pytest.fixture
def due(home, people):
    """Pages by the day on which their review is due, seen from 1 August 2026."""

    def make(on, owner=None, **fields):
        return factories.page(
            models.StandardPage, home, title=f"Due {on}", next_review_due_on=on, owner=owner, **fields
        )

    return make


def send():
    mail.outbox.clear()
    out, err = StringIO(), StringIO()
    call_command("send_reminders", stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def sent():
    return sorted((message.to, message.subject) for message in mail.outbox)


TODAY = london(2026, 8, 1, 6)


@time_machine.travel(TODAY, tick=False)
def test_one_mail_a_person_lists_what_is_near_and_overdue(home, people, due):
    late = due(date(2026, 7, 31), people["Editors"])
    last = due(date(2026, 8, 15), people["Editors"])
    due(date(2026, 8, 16), people["Editors"])
    factories.draft(
        models.StandardPage, home, title="Draft", next_review_due_on=date(2026, 7, 1), owner=people["Editors"]
    )
    out, err = send()
    assert (out, err) == ("1 person was reminded.\n", "")
    [message] = mail.outbox
    assert message.to == ["e@example.org"]
    assert message.subject == "2 pages are due for review"
    assert message.extra_headers == {"Auto-Submitted": "auto-generated"}
    assert message.body == "\n".join(
        [
            "Please check that these pages are still right:",
            "",
            "Due 2026-07-31, due on 31 July 2026 (overdue)",
            f"http://testserver/admin/pages/{late.pk}/edit/",
            "",
            "Due 2026-08-15, due on 15 August 2026",
            f"http://testserver/admin/pages/{last.pk}/edit/",
            "",
            'If a page is right as it is, choose "Mark as reviewed today" in the menu of its edit screen, or ask',
            "a moderator to do so. If it is not, edit it and submit it for moderation.",
        ]
    )


def test_once_a_day_for_each_page(people, due):
    due(date(2026, 8, 2), people["Editors"])
    with time_machine.travel(TODAY, tick=False):
        send()
        assert sent() == [(["e@example.org"], "1 page is due for review")]
        assert send() == ("0 people were reminded.\n", "")
        assert mail.outbox == []
        due(date(2026, 8, 3), people["Editors"])
        send()
        [message] = mail.outbox
        assert "Due 2026-08-03" in message.body
        assert "Due 2026-08-02" not in message.body
    with time_machine.travel(TODAY + timedelta(days=1), tick=False):
        send()
        assert sent() == [(["e@example.org"], "2 pages are due for review")]
        assert set(models.ReviewReminder.objects.values_list("sent_on", flat=True)) == {date(2026, 8, 2)}


@pytest.mark.parametrize("why", ["none", "closed", "no address", "no rights"])
@time_machine.travel(TODAY, tick=False)
def test_without_an_owner_the_moderators_are_reminded(people, due, why):
    owner = people["Editors"]
    due(date(2026, 8, 2), None if why == "none" else owner)
    if why == "closed":
        owner.is_active = False
    elif why == "no address":
        owner.email = ""
    elif why == "no rights":
        owner.groups.clear()
    owner.save()
    send()
    assert sent() == [(["m@example.org"], "1 page is due for review")]


@time_machine.travel(TODAY, tick=False)
def test_notices_are_named_by_reference_to_those_who_handle_them(home, people):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    notice = factories.page(
        models.DeathReviewNoticePage,
        index,
        pseudonym="Robin",
        next_review_due_on=date(2026, 8, 2),
        owner=people["Editors"],
    )
    send()
    assert sent() == [(["m@example.org"], "1 page is due for review")]
    assert f"Death review {notice.reference}, due on 2 August 2026\n" in mail.outbox[0].body
    assert "Robin" not in mail.outbox[0].body
    Group.objects.get(name="Moderators").permissions.remove(Permission.objects.get(codename="handle_death_reviews"))
    models.ReviewReminder.objects.all().delete()
    out, err = send()
    assert (out, mail.outbox) == ("0 people were reminded.\n", [])
    assert err == (
        "Nobody can be reminded of 1 page(s): their owners and moderators have no open account with an e-mail "
        f"address. Page numbers: {notice.pk}\n"
    )


class RefusingBackend(LocmemBackend):
    def send_messages(self, messages):
        if messages[0].to == ["e@example.org"]:
            raise SMTPRecipientsRefused({})
        return super().send_messages(messages)


@time_machine.travel(TODAY, tick=False)
def test_a_mail_that_fails_keeps_no_other_from_being_sent(people, due, settings):
    due(date(2026, 8, 2), people["Editors"])
    due(date(2026, 8, 3), people["Moderators"])
    settings.EMAIL_BACKEND = "tests.test_reviews.RefusingBackend"
    with pytest.raises(CommandError, match="No mail could be sent to: editors"):
        send()
    assert sent() == [(["m@example.org"], "1 page is due for review")]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    send()
    assert sent() == [(["e@example.org"], "1 page is due for review")]


@time_machine.travel(TODAY, tick=False)
def test_as_many_queries_for_twenty_pages_as_for_two(home, people):
    def fill(rows):
        for _ in range(rows):
            factories.page(models.StandardPage, home, next_review_due_on=date(2026, 8, 2), owner=people["Editors"])
            factories.page(models.StandardPage, home, next_review_due_on=date(2026, 8, 2))

    fill(2)
    few = queries(lambda: reminders(TODAY))
    fill(18)
    many = queries(lambda: reminders(TODAY))
    assert {person.username: len(rows) for person, rows in reminders(TODAY).by_recipient.items()} == {
        "editors": 20,
        "moderators": 20,
    }
    assert len(many) == len(few)
