"""Public text outside pages has drafts of its own, or is a label whose every change is in the log."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.urls import reverse
from wagtail.models import ModelLogEntry, Orderable
from wagtail.snippets.models import get_snippet_models

from pages import models
from pages.models.snippets import ModeratedSnippet
from tests import factories

LABELS = {models.Topic, models.LegalBasis}
WRITTEN_BY_THE_SYSTEM = {models.ChangeNote, models.MeetingChange}


def test_every_public_model_has_drafts_or_is_a_label():
    public = {model for model in apps.get_models() if hasattr(model, "graphql_fields")}
    others = {
        model
        for model in public
        if not issubclass(model, models.ContentPage | ModeratedSnippet | Orderable)  # rows belong to their page
    }
    assert others == LABELS | WRITTEN_BY_THE_SYSTEM
    assert set(get_snippet_models()) == LABELS | set(ModeratedSnippet.__subclasses__())


@pytest.mark.parametrize("group", ["Editors", "Safeguarding leads"])
def test_only_a_moderator_changes_a_label_and_the_log_shows_it(home, client, group):
    topic = factories.topic(name="Cycling", slug="cycling")
    edit = reverse(topic.snippet_viewset.get_url_name("edit"), args=[topic.pk])
    for name in (group, "Moderators"):
        user = User.objects.create_user(name.split()[0].lower(), password="x")
        user.groups.add(Group.objects.get(name=name))
        client.force_login(user)
        client.post(edit, {"name": f"By {name}", "slug": "cycling"})
        topic.refresh_from_db()
        if name == group:
            edits = ModelLogEntry.objects.filter(action="wagtail.edit").count()
            assert (topic.name, edits) == ("Cycling", 0)
    assert topic.name == "By Moderators"
    [entry] = ModelLogEntry.objects.filter(action="wagtail.edit")
    assert (entry.user.username, entry.object_id) == ("moderators", str(topic.pk))


def test_an_editors_change_of_shared_text_is_only_a_draft(home, client, ask):
    agency = factories.agency(name="Council")
    home.memberships = [models.Membership(agency=agency)]
    factories.publish(home)
    user = User.objects.create_user("editor", password="x")
    user.groups.add(Group.objects.get(name="Editors"))
    client.force_login(user)
    edit = reverse(agency.snippet_viewset.get_url_name("edit"), args=[agency.pk])
    client.post(edit, {"name": "Past moderation", "sector": "council", "url": "", "action-publish": "1"})
    agency.refresh_from_db()
    assert agency.latest_revision.content["name"] == "Past moderation"
    query = "{ partnership { memberships { agency { name } } } }"
    assert ask(query)["partnership"]["memberships"] == [{"agency": {"name": "Council"}}]
