"""Redirects need no approval, so they only lead to addresses of this site, and each change of one is in the log."""

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import ModelLogEntry, Site

from cms.accounts.permission_log import PERMISSIONS_CHANGED
from pages import models
from pages.approval.workflow import group_of
from pages.confidential.permissions import hidden_rows
from pages.content import addresses
from pages.content.choices import Role, WithdrawalKind
from pages.reading.at_path import Redirection, at_path
from pages.takedown import redirects
from pages.takedown.withdrawal import withdraw
from tests import factories
from tests.admin_forms import posted

ADD = "wagtailredirects:add"


@pytest.fixture
def moderator(home, client):
    user = User.objects.create_user("moderator")
    user.groups.add(group_of(Role.MODERATOR))
    client.force_login(user)
    return user


@pytest.fixture
def website(settings):
    settings.WEBSITE_URL = "https://www.example.org/safety"


def add(client, old_path="/old", page="", link=""):
    form = {"old_path": old_path, "site": "", "is_permanent": "on", "redirect_page": page, "redirect_link": link}
    return client.post(reverse(ADD), form, follow=True)


def told():
    entries = ModelLogEntry.objects.filter(action=PERMISSIONS_CHANGED, content_type__model="redirect").order_by("pk")
    return [(entry.message, entry.user and entry.user.username) for entry in entries]


def line(old, page="none", link="none"):
    return (
        f"redirect: redirect from “{old}”; site “none”; permanent “yes”; redirect to a page “{page}”; "
        f"redirect to any URL “{link}”"
    )


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("https://www.example.org/safety/news/", True),
        ("https://www.example.org/safety", True),
        ("https://WWW.example.org/safety/?a=1#b", True),
        ("http://testserver/news/", True),
        ("https://www.example.org/safetynet/", False),
        ("https://www.example.org/", False),
        ("http://www.example.org/safety/", False),
        ("https://www.example.org.evil.example/safety/", False),
        ("https://www.example.org@evil.example/safety/", False),
        ("https://evil.example\\@www.example.org/safety/", False),
        ("https://www.example.org:8443/safety/", False),
        ("//evil.example/safety/", False),
        ("javascript:alert(1)", False),
        ("https://[/safety/", False),
        ("", False),
    ],
)
def test_which_addresses_are_our_own(website, address, ours):
    assert addresses.is_our_own(address) is ours


def test_a_redirect_to_another_site_is_refused_in_the_form_and_in_the_import(moderator, client, website):
    words = "Redirects can only lead to addresses of this site"
    assert words in add(client, link="https://evil.example/").content.decode()
    assert not Redirect.objects.exists()
    add(client, link="https://www.example.org/safety/news/")
    redirect = Redirect.objects.get()
    url = reverse("wagtailredirects:edit", args=[redirect.pk])
    form = {"old_path": "/old", "site": "", "is_permanent": "on", "redirect_page": ""}
    assert words in client.post(url, {**form, "redirect_link": "https://evil.example/"}).content.decode()
    upload = SimpleUploadedFile(
        "list.csv",
        b"from,to\n/a,https://evil.example/\n/b,https://www.example.org/safety/b/\n",
        content_type="text/csv",
    )
    confirm = client.post(reverse("wagtailredirects:start_import"), {"import_file": upload})
    fields = posted(confirm.content, form_id=None)
    answer = client.post(
        reverse("wagtailredirects:process_import"), {**fields, "from_index": 0, "to_index": 1, "permanent": "on"}
    )
    assert words in answer.content.decode()
    assert list(Redirect.objects.order_by("old_path").values_list("old_path", "redirect_link")) == [
        ("/b", "https://www.example.org/safety/b/"),
        ("/old", "https://www.example.org/safety/news/"),
    ]
    assert told() == [
        (f"Added: {line('/old', link='https://www.example.org/safety/news/')}", "moderator"),
        (f"Added: {line('/b', link='https://www.example.org/safety/b/')}", "moderator"),
    ]


def test_every_change_of_a_redirect_is_logged_with_from_and_to(moderator, home, client):
    page = factories.page(models.StandardPage, home, title="Advice", slug="advice")
    add(client, page=page.pk)
    redirect = Redirect.objects.get()
    form = {"old_path": "/older", "site": "", "is_permanent": "on", "redirect_page": page.pk, "redirect_link": ""}
    client.post(reverse("wagtailredirects:edit", args=[redirect.pk]), form)
    client.post(reverse("wagtailredirects:delete", args=[redirect.pk]))
    old, new = line("/old", f"page {page.pk}"), line("/older", f"page {page.pk}")
    assert told() == [
        (f"Added: {old}", "moderator"),
        (f"Changed: {new}. Before: {old.removeprefix('redirect: ')}", "moderator"),
        (f"Removed: {new}", "moderator"),
    ]


def test_a_redirect_that_leads_nobody_anywhere_says_so(moderator, home, client):
    page = factories.page(models.StandardPage, home, title="Advice", slug="advice")
    hidden = factories.draft(models.StandardPage, home, title="Hidden", slug="hidden")
    live = "It has no effect while there is a public page at this address."
    assert live in add(client, old_path="/advice/", page=page.pk).content.decode()
    assert live in client.get(reverse("wagtailredirects:index")).content.decode()
    answer = add(client, old_path="/old", page=hidden.pk).content.decode()
    assert "It has no effect while the page it leads to is not public." in answer
    Redirect.objects.create(old_path="/far", redirect_link="https://example.org/")
    assert "because it leads to another site" in client.get(reverse("wagtailredirects:index")).content.decode()
    assert "no effect" not in add(client, old_path="/works", page=page.pk).content.decode().split("<table")[0]


def test_a_redirect_after_something_else_says_so(moderator, home, client, settings):
    """What the list says is what readers find at the address."""
    page = factories.page(models.StandardPage, home, title="Advice", slug="advice")
    gone = factories.page(models.StandardPage, home, title="Gone", slug="gone")
    withdraw(gone, moderator, WithdrawalKind.WITHDRAWN, "Out of date.")
    other = Site.objects.create(hostname="other.example", root_page=home)
    rows = {
        Redirect.objects.create(old_path="/gone", redirect_page=page): "explains that a page was withdrawn",
        Redirect.objects.create(old_path="/self", redirect_link=f"{settings.CMS_URL}/self/"): "it leads to itself",
        Redirect.objects.create(old_path="/two", redirect_page=page): "another redirect for this address comes first",
        Redirect.objects.create(old_path="/two", redirect_page=gone, site=Site.objects.get(is_default_site=True)): (
            "the page it leads to is not public"
        ),
        Redirect.objects.create(old_path="/other", redirect_page=page, site=other): "it is for another site",
        Redirect.objects.create(old_path="/works", redirect_page=page): "",
    }
    for redirect, words in rows.items():
        said = redirects.no_effect(redirect)
        assert words in said
        assert bool(said) is not isinstance(at_path(redirect.old_path, timezone.now()), Redirection), redirect.old_path


def test_a_redirect_to_another_site_that_came_another_way_is_not_followed(home, client, ask):
    Redirect.objects.create(old_path="/old", redirect_link="https://evil.example/")
    assert client.get("/old/").status_code == 404
    assert ask('{ redirect(path: "/old/") { target } }') == {"redirect": None}


@pytest.mark.parametrize("role", [None, Role.EDITOR, Role.MODERATOR])
def test_only_moderators_make_redirects(home, client, role):
    user = User.objects.create_superuser("someone") if role is None else User.objects.create_user("someone")
    if role:
        user.groups.add(group_of(role))
    client.force_login(user)
    page = factories.page(models.StandardPage, home)
    add(client, page=page.pk)
    assert Redirect.objects.exists() is (role == Role.MODERATOR)
    upload = SimpleUploadedFile("a.csv", b"from,to\n/a,/b\n")
    imported = client.post(reverse("wagtailredirects:start_import"), {"import_file": upload})
    assert imported.status_code == (200 if role == Role.MODERATOR else 302)


@pytest.mark.parametrize("path", ["", "/", "/x/"])
def test_an_address_shorter_than_that_of_the_home_page_hides_no_redirect(home, path):
    """After a change of the home page, for which PostgreSQL was asked for a negative number of characters."""
    notice = factories.page(models.DeathReviewNoticePage, factories.page(models.DeathReviewIndexPage, home))
    Redirect.objects.create(old_path="/other", redirect_link="/x/")
    models.DeathReviewNoticePage.objects.filter(pk=notice.pk).update(url_path=path)
    models.PublicAddress.objects.filter(record=notice.uuid).update(path="")
    assert not Redirect.objects.filter(hidden_rows(Redirect)).exists()
