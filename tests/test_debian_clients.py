"""The feeds and calendars in the programs that Debian has for them: rss2email, newsboat and khal.

Without such a program its tests are skipped, but not where `CI` is set.
"""
# ruff: noqa: F811 - tests take the fixtures that are imported

from contextlib import closing
from datetime import timedelta

import pytest

from pages.takedown.withdrawal import take_down
from tests.factories import london
from tests.feed_clients import FollowsWithNewsboat, FollowsWithRss2email, by_khal
from tests.hidden_content import administrator
from tests.loopback import passed_on
from tests.test_feed_stories import changed
from tests.test_follower_stories import PLACE, announced, clock, meetings, news, stories  # noqa: F401 - fixtures

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_rss2email_sends_each_entry_once_and_names_the_publisher(client, meetings, clock, tmp_path, kind):
    forum = announced(meetings, ends_at=london(2026, 3, 24, 12))
    with closing(FollowsWithRss2email(passed_on(client), tmp_path)) as mail:
        mail.add(f"/feeds/meetings.{kind}")
        [(sender, subject, text)] = mail.poll()
        assert (sender, subject) == (
            '"Testing Partnership: meetings: Testing Partnership" <feeds@example.org>',
            "Forum",
        )
        assert "Tuesday 24 March 2026, 10am to midday" in text
        clock.shift(timedelta(hours=1))
        changed(forum, summary="Come along.")
        assert mail.poll() == []
        changed(forum, status="cancelled", status_notice="<p>The hall is flooded.</p>")
        [(_, subject, text)] = mail.poll()
        assert subject == "Meeting cancelled: Forum"
        assert f"Tuesday 24 March 2026, 10am, {PLACE} has been cancelled: The hall is flooded." in " ".join(
            text.split()
        )
        take_down(forum, administrator(), "It names somebody.")
        assert mail.poll() == []


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_newsboat_shows_each_entry_once(client, news, clock, tmp_path, kind):
    first, second = stories(news, clock, 2)
    with closing(FollowsWithNewsboat(passed_on(client), tmp_path)) as newsboat:
        before = newsboat.poll(f"/feeds/news.{kind}")
        assert {guid: title for guid, (title, _) in before.items()} == {
            first.uuid.urn: "Story 0",
            second.uuid.urn: "Story 1",
        }
        clock.shift(timedelta(hours=1))
        changed(first, title="Another title", slug="another")
        after = newsboat.poll(f"/feeds/news.{kind}")
        assert {guid: title for guid, (title, _) in after.items()} == {
            first.uuid.urn: "Another title",
            second.uuid.urn: "Story 1",
        }


@pytest.mark.parametrize(("end", "status"), [("", "CANCELLED"), ("-with-cancelled", "")])
def test_khal_shows_when_and_where(client, meetings, clock, tmp_path, end, status):
    forum = announced(meetings, ends_at=london(2026, 3, 24, 12))
    announced(meetings, title="In summer", slug="summer", starts_at=london(2026, 7, 1, 18), venue=forum.venue)
    changed(forum, status="cancelled", status_notice="<p>The hall is flooded.</p>")
    listed = by_khal(tmp_path, client.get(f"/feeds/meetings{end}.ics").content)
    assert [line.replace(" |", "|") for line in listed] == [
        f"2026-03-24|10:00|12:00|CANCELLED: Forum|{status}|{PLACE}",
        f"2026-07-01|18:00|19:00|In summer|CONFIRMED|{PLACE}",  # khal makes up an hour
    ]
