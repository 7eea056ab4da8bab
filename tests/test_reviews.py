"""Marking a page as reviewed in one click, and the reminders of reviews that are due."""

from datetime import date

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.urls import reverse
from wagtail.models import PageLogEntry

from pages import models
from pages.models import ContentPage
from pages.workflow import set_up_death_reviews
from tests import factories
from tests.factories import london
from tests.test_moderation import form

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
    draft.publish()
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
    state = news.current_workflow_task_state
    client.post(reverse("wagtailadmin_pages:workflow_action", args=[news.pk, "approve", state.pk]))
    page = ask(PAGE, path="/news/n/")["page"]
    assert (page["title"], page["lastReviewedOn"]) == ("Submitted", "2026-05-04")


def test_a_date_can_still_be_corrected_afterwards(news, people, client, ask):
    client.force_login(people["Moderators"])
    with time_machine.travel(london(2026, 5, 4, 9), tick=False):
        mark(client, news)
    edit = reverse("wagtailadmin_pages:edit", args=[news.pk])
    with time_machine.travel(london(2026, 5, 5, 9), tick=False):
        news.refresh_from_db()
        corrected = form(news, last_reviewed_on="2026-03-01", next_review_due_on="2026-09-01")
        response = client.post(edit, {**corrected, "action-publish": "1"})
        assert response.status_code == 302, response.context["form"].errors
    page = ask(PAGE, path="/news/n/")["page"]
    assert (page["lastReviewedOn"], page["nextReviewDueOn"]) == ("2026-03-01", "2026-09-01")
    with time_machine.travel(london(2026, 5, 6, 9), tick=False):
        mark(client, news)
    assert ask(PAGE, path="/news/n/")["page"]["lastReviewedOn"] == "2026-05-06"


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
