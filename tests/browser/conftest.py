"""Fixtures of the tests that drive Chromium: the visit, the people, and what is on the site."""

import os
import re
import shutil
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone
from wagtail.models import Site

from pages import models
from pages.approval.workflow import set_up_moderation
from tests import factories

OF_THE_DATABASE = ("test_one_request.py",)
PASSWORD = "correct horse battery"
PEOPLE = {
    "editor": ("Editors", "Edith", "Editor"),
    "moderator": ("Moderators", "Morgan", "Moderator"),
    "colleague": ("Moderators", "Col", "League"),
    "lead": ("Safeguarding leads", "Lee", "Lead"),
}


def pytest_collection_modifyitems(items):
    """Without Chromium the tests are skipped; where CI is set they fail, because there somebody relies on them.

    What a browser does with an answer does not depend on the database: that is looked at once, on SQLite. Who presses
    what at the same moment does.
    """
    missing = not (shutil.which("chromium") or shutil.which("chromium-browser") or os.environ.get("CI"))
    for item in items:
        if "tests/browser" not in str(item.path):
            continue
        if missing:
            item.add_marker(pytest.mark.skip(reason="Chromium is not installed (on Debian: apt install chromium)"))
        elif connection.vendor != "sqlite" and item.path.name not in OF_THE_DATABASE:
            item.add_marker(pytest.mark.skip(reason="The browser's part is looked at on SQLite."))


@pytest.fixture(scope="session")
def _chromium():
    from tests.browser import chromium  # noqa: PLC0415 - not needed where Chromium is missing

    if chromium.CHROMIUM is None:
        pytest.fail("Chromium is not installed (on Debian: apt install chromium), and CI is set.")
    browser = chromium.Chromium()
    yield browser
    browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.stash.setdefault(_REPORTS, {})[call.when] = report
    return report


_REPORTS = pytest.StashKey()


@pytest.fixture
def visit(_chromium, db, request, settings):
    """The site in a browser; a test that fails leaves a picture of its last screen in .artifacts/."""
    from tests.browser.chromium import ARTIFACTS, Visit  # noqa: PLC0415 - as above

    visit = Visit(_chromium)
    settings.CMS_URL = settings.WAGTAILADMIN_BASE_URL = visit.url
    yield visit
    if request.node.stash[_REPORTS]["call"].failed and visit.page is not None:
        ARTIFACTS.mkdir(exist_ok=True)
        name = re.sub(r"\W+", "-", request.node.name).strip("-")
        visit(lambda page: page.screenshot(path=ARTIFACTS / f"failed-{name}.png", full_page=True))
    visit.close()


@pytest.fixture
def people(db):
    """An account for each kind of person, by its user name."""
    set_up_moderation()
    found = {}
    for name, (group, first, last) in PEOPLE.items():
        found[name] = User.objects.create_user(name, f"{name}@example.org", PASSWORD, first_name=first, last_name=last)
        found[name].groups.add(Group.objects.get(name=group))
    return found


@pytest.fixture
def demo(people, recorded_demo):
    """The demo content."""
    recorded_demo.write()
    Site.clear_site_root_paths_cache()


@pytest.fixture
def news(demo):
    return models.NewsIndexPage.objects.get()


@pytest.fixture
def meeting(demo):
    """A meeting that is still to come, so that it can be called off."""
    return factories.page(
        models.MeetingPage,
        models.MeetingIndexPage.objects.get(),
        title="Partnership meeting in spring",
        slug="spring",
        summary="Priorities for the year, and the plan.",
        starts_at=timezone.now().replace(second=0, microsecond=0) + timedelta(days=30),
        venue=models.Venue.objects.get(),
        agenda_items=[models.AgendaItem(number="1", title="Welcome")],
    )
