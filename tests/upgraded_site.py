"""Makes a site, or tells what a site answers, with the code in the current folder. tests/test_upgrade.py starts it.

    python upgraded_site.py made before.json       an empty database, filled by this code
    python upgraded_site.py upgraded after.json    a database that other code filled, brought up to date by this code

It uses only what all versions since the first have, and runs outside the tests' own database.
"""

import io
import json
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import django
import time_machine

sys.path[0] = os.getcwd()
django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from wagtail.models import Page

from documents.models import RENDITIONS, Document, Image
from pages import models
from tests import factories

NOON = datetime(2026, 2, 10, 12, tzinfo=UTC)  # the clock of both, so that what is due is the same
ROLES = ("admin", "editor", "moderator", "safeguarding")
ARGUMENTS = {"Search": {"query": "safety"}, "Site": {"path": "/"}, "Meeting": {"urlPath": "/meetings/"}}


def make():
    """The demo, a sample, and a page in each state that a page can be in."""
    call_command("migrate", verbosity=0)
    silent = io.StringIO()
    for command in (["set_up_moderation"], ["load_demo"], ["make_demo_accounts"]):
        call_command(*command, stdout=silent)
    call_command("load_sample", news=4, meetings=3, stdout=silent, stderr=silent)

    index, editor = models.NewsIndexPage.objects.first(), User.objects.get(username="editor")
    document = factories.document("A table")
    body = [("paragraph", "<p>Words about safety.</p>"), ("document", document)]
    for state in ("published", "edited", "draft", "submitted", "scheduled", "unpublished", "deleted", "expiring"):
        page = factories.draft(models.NewsPage, index, title=f"News {state}", slug=f"news-{state}", body=body)
        page.image = factories.image(f"Picture {state}")
        page.save_revision(user=editor)
        if state == "scheduled":
            page.go_live_at = NOON + timedelta(days=30)
        if state == "expiring":
            page.expire_at = NOON + timedelta(days=30)
        if state in ("scheduled", "published", "edited", "unpublished", "deleted", "expiring"):
            page = factories.publish(page)
        if state == "edited":
            page.title = "Other words"
            page.save_revision(user=editor)
        elif state == "submitted":
            page.get_workflow().start(page, editor)
        elif state == "unpublished":
            page.unpublish()
        elif state == "deleted":
            page.delete()
    factories.snippet(models.Venue, live=False, name="Draft hall", address="Cambridge", postcode="CB1 1JF")


def answers():
    """What readers and colleagues get, by what they ask for."""
    found = {}
    for path in sorted(Path("cms/graphql/contract").glob("*.graphql")):
        name = path.stem.capitalize()
        if name != "Page":
            found[f"query {name}"] = asked(path.read_text(), ARGUMENTS.get(name, {}))
    one_page = Path("cms/graphql/contract/page.graphql").read_text()
    pages = Page.objects.filter(depth__gt=1).order_by("path")
    for page in pages:
        address = page.get_url_parts()[2] if page.get_url_parts() else f"/{page.slug}/"
        found[f"query Page {address}"] = asked(one_page, {"urlPath": address})
        found[f"page {address}"] = reader().get(address).status_code
    feeds = {each["url"] for each in found["query Site"]["data"]["feeds"]}
    for address in sorted(re.sub(r"^https?://[^/]+", "", url) for url in feeds):
        found[f"feed {address}"] = told(address)
    for each in Document.objects.all():
        found[f"document {each.title}"] = received(each.url)
    for each in Image.objects.all():
        public = each.renditions.filter(filter_spec__in=RENDITIONS.values()).order_by("filter_spec")
        found[f"picture {each.title}"] = [received(rendition.url) for rendition in public]
    of_each_type = list({page.specific_class: page for page in pages}.values())
    in_each_state = [page for page in pages if "/news-" in page.url_path]
    for role in ROLES:
        client = reader()
        client.force_login(User.objects.get(username=role))
        for page in of_each_type if role == "admin" else in_each_state:
            address = reverse("wagtailadmin_pages:edit", args=[page.pk])
            found[f"{role} edits {page.title}"] = client.get(address).status_code
        found[f"{role} begins"] = client.get(reverse("wagtailadmin_home")).status_code
        for name in ("agency", "venue", "topic"):
            found[f"{role} lists {name}"] = client.get(reverse(f"wagtailsnippets_pages_{name}:list")).status_code
    return found


def reader():
    return Client(headers={"host": "localhost"}, raise_request_exception=False)


def asked(query, variables):
    response = reader().post("/graphql/", {"query": query, "variables": variables}, content_type="application/json")
    return json.loads(response.content)


def told(address):
    """Status, and what followers notice of each entry."""
    response = reader().get(address)
    text = response.content.decode()
    if address.endswith(".json"):
        names = ("id", "title", "url", "date_published", "date_modified")
        return response.status_code, [{name: item.get(name) for name in names} for item in json.loads(text)["items"]]
    return response.status_code, re.findall(
        r"^(?:UID|SUMMARY|DTSTART|DTEND|SEQUENCE|STATUS)[:;].*$|<(?:id|guid)[^<]*", text, re.M
    )


def received(address):
    response = reader().get(address)
    return response.status_code, sha256(b"".join(response)).hexdigest()


def proven():
    """What commands and the health check say of the database that this code brought up to date."""
    from cms.database_fit import why_not_to_start  # noqa: PLC0415 - the other code may not have it

    call_command("migrate", verbosity=0)
    for image in Image.lacking_sizes():  # as publish_scheduled does
        image.draw_missing_sizes()
    call_command("check")
    call_command("verify_log", stdout=(log := io.StringIO()))
    return {"unfit": why_not_to_start(), "health": reader().get("/healthz").status_code, "log": log.getvalue()}


if __name__ == "__main__":
    what, target = sys.argv[1:]
    with time_machine.travel(NOON, tick=True):
        result = {"proven": proven()} if what == "upgraded" else {"made": make()}
        result["answers"] = answers()
    Path(target).write_text(json.dumps(result, default=str))
