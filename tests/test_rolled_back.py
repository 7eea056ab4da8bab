"""What fails is undone as a whole: no cache, file or mail tells of rows that were rolled back.

The approval of a page with files is repeated, and each time another of its writes to the database fails.
"""

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.cache import caches
from django.core.files.storage import default_storage
from django.db import connection
from django.urls import reverse
from wagtail.models import Site

from documents.models import RENDITIONS, Rendition
from pages import models
from tests import factories
from tests.admin_forms import shown_on

WRITES = ("INSERT", "UPDATE", "DELETE")
MOST = 400  # writes of an approval, with room
ROOTS = "wagtail_site_root_paths"


class BrokenError(Exception):
    pass


class FailsAt:
    """Lets so many writes pass and fails at the next."""

    def __init__(self, writes):
        self.left = writes

    def __call__(self, execute, sql, params, many, context):
        if sql.lstrip().startswith(WRITES):
            self.left -= 1
            if self.left < 0:
                raise BrokenError(sql[:80])
        return execute(sql, params, many, context)


def person(name, group):
    user = User.objects.create_user(name, email=f"{name}@example.org", password="x")
    user.groups.add(Group.objects.get(name=group))
    return user


def stored(folder=""):
    folders, files = default_storage.listdir(folder)
    found = {f"{folder}/{file}" for file in files}
    return found.union(*(stored(f"{folder}/{each}".lstrip("/")) for each in folders))


def kept_in_caches():
    names = set()
    for alias in ("default", "renditions"):
        names |= set(getattr(caches[alias], "_cache", {}))
    return {name for name in names if "rendition" in name}


def a_story_with_files(home):
    page = factories.draft(models.NewsPage, factories.page(models.NewsIndexPage, home), image=factories.image())
    page.body = [("document", factories.document()), ("image", {"image": factories.image(), "caption": ""})]
    return page


def a_home_page_with_another_address(home):
    home.slug = "another"
    return home


@pytest.mark.parametrize("make", [a_story_with_files, a_home_page_with_another_address])
def test_an_approval_that_fails_at_any_write_leaves_nothing_behind(home, client, make):
    page = make(home)
    before = type(page).objects.get(pk=page.pk)
    author, moderator = person("author", "Editors"), person("moderator", "Moderators")
    page.save_revision(user=author)
    page.get_workflow().start(page, author)
    page = type(page).objects.get(pk=page.pk)
    client.force_login(moderator)
    client.raise_request_exception = False
    approve = reverse(
        "wagtailadmin_pages:workflow_action", args=[page.pk, "approve", page.current_workflow_task_state.pk]
    )
    edit = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content
    files, renditions = stored(), set(Rendition.objects.values_list("pk", flat=True))
    mail.outbox.clear()
    failed = 0
    for writes in range(MOST):
        with connection.execute_wrapper(fails := FailsAt(writes)):
            client.post(approve, {"shown": shown_on(edit)})
        if fails.left >= 0:
            break
        now = type(page).objects.get(pk=page.pk)
        if now.current_workflow_task_state is None:
            continue  # the approval was done, and what comes after it failed
        failed += 1
        assert (now.live, now.slug, now.live_revision_id) == (before.live, before.slug, before.live_revision_id)
        assert stored() == files
        assert set(Rendition.objects.values_list("pk", flat=True)) == renditions
        assert kept_in_caches() == set()
        assert mail.outbox == []
        assert Site.get_site_root_paths()[0].root_path == "/home/"
    assert failed >= 20, failed
    now = type(page).objects.get(pk=page.pk)
    assert (now.live, now.live_revision_id) == (True, now.latest_revision_id)
    Site.clear_site_root_paths_cache()
    for row in now.published_files.filter(image__isnull=False):
        for spec in RENDITIONS.values():
            assert client.get(row.image.get_rendition(spec).url).status_code == 200


def test_renditions_are_kept_in_no_cache(home):
    picture = factories.image()
    picture.get_rendition(RENDITIONS["CARD"])
    picture.get_renditions(*RENDITIONS.values())
    assert kept_in_caches() == set()
    assert not caches["renditions"].get_many(row.get_cache_key() for row in picture.renditions.all())


def test_a_file_that_is_replaced_goes_when_the_row_has_the_new_one(home, client, django_capture_on_commit_callbacks):
    """Wagtail deletes the old file first. A failure after that left a row whose file is missing."""
    client.force_login(person("editor", "Editors"))
    client.raise_request_exception = False
    editor = User.objects.get(username="editor")
    for kind, file, other in (
        ("wagtaildocs", factories.document(uploaded_by_user=editor), factories.document().file),
        ("wagtailimages", factories.image(uploaded_by_user=editor), factories.image().file),
    ):
        old = file.file.name
        values = {"title": "New", "collection": file.collection_id, "tags": "", "description": "New"}
        values |= {"kind": "other", "language": "en", "accessible": "yes"}
        url = reverse(f"{kind}:edit", args=[file.pk])
        with connection.execute_wrapper(fails := FailsAt(0)):
            client.post(url, {**values, "file": other.open()})
        assert fails.left < 0
        file.refresh_from_db()
        assert (file.file.name, default_storage.exists(old)) == (old, True)
        with django_capture_on_commit_callbacks(execute=True):
            assert client.post(url, {**values, "file": other.open()}).status_code == 302
        file.refresh_from_db()
        assert default_storage.exists(file.file.name)
        assert not default_storage.exists(old)
