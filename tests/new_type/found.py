"""Makes a site with the new page type, and tells as JSON where it is found. tests/test_new_page_type.py starts it.

A process of its own, as the settings have one more app.
"""

import json
import sys
from io import StringIO

import django

django.setup()

from tests.new_type.mounted import mount

mount()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, RequestFactory

from cms.leakcheck.canaries import CANARY
from cms.leakcheck.check import LeakCheck
from pages import models
from pages.content import addresses
from tests import factories
from tests.loopback import over_client
from tests.new_type.models import VolunteerStoryPage

QUERY = """
{
  volunteerStories(first: 1) {
    totalCount
    nodes { title since topics { name } body { blockType ... on QuoteBlock { text saidBy } } }
  }
  page(urlPath: "/anna/") { __typename ... on VolunteerStoryPage { since } }
  search(query: "allotments") { nodes { title __typename } }
}
"""
QUOTE = {"text": "I like the allotments.", "said_by": "Anna"}


def _told() -> dict:
    call_command("migrate", verbosity=0)
    call_command("set_up_moderation", stdout=StringIO())
    home = factories.home()
    for model, slug in ((models.NewsIndexPage, "news"), (models.MeetingIndexPage, "meetings")):
        factories.page(model, home, slug=slug)
    document = factories.document("A map")
    body = [("paragraph", "<p>Anna walks.</p>"), ("quote", QUOTE), ("document", document)]
    page = factories.page(VolunteerStoryPage, home, title="Anna", slug="anna", since=2021, body=body)
    client = Client()
    answer = client.post("/graphql/", json.dumps({"query": QUERY}), content_type="application/json").json()
    entries = client.get("/feeds/news.json").json()["items"]
    return {
        "graphql": answer,
        "feed": [{"title": each["title"], "html": each["content_html"]} for each in entries],
        "also in": [name for name in ("all", "publications") if b"Anna" in client.get(f"/feeds/{name}.atom").content],
        "html": client.get("/anna/").content.decode(),
        "file": client.get(document.address.removeprefix("http://testserver")).status_code,
        "previews": _previews(page),
        **_crawl(client),
    }


def _previews(page: VolunteerStoryPage) -> dict[str, list[str]]:
    """By mode: what of the page it shows."""
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("looks")
    wanted = ("Anna", "I like the allotments.", "Summary")
    return {
        mode: [word for word in wanted if word in page.serve_preview(request, mode).content.decode()]
        for mode, _label in page.preview_modes
    }


def _crawl(client: Client) -> dict:
    call_command("plant_canaries", stdout=StringIO())
    planted = VolunteerStoryPage.objects.get(title__startswith=CANARY)
    check = LeakCheck(over_client(client), "http://testserver")
    report = check.run()
    asked = {step.field for path in check.walk.known for step in path}
    return {
        "planted": {
            "live": planted.live,
            "blocks": sorted({block.block_type for block in planted.body}),
            "path": addresses.url_path(planted),
        },
        "leaks": [[each.place, each.where] for each in report.findings],
        "asked for": sorted(asked & {"volunteerStories", "meetings"}),
        "control was seen": report.control_seen,
    }


print(json.dumps(_told(), ensure_ascii=False), file=sys.stdout)
