"""The documentation on the site: its pages, the links between them, and the pictures of docs/editors.md."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def shown():
    return re.findall(r"\(screenshots/([\w-]+)\.png\)", (ROOT / "docs/editors.md").read_text())


def test_the_browser_tests_take_the_pictures_that_editors_see():
    taken = [
        name
        for path in (ROOT / "tests/browser").glob("test_*.py")
        for name in re.findall(r'\bshot\(page, "([\w-]+)"', path.read_text())
    ]
    assert sorted(taken) == sorted(shown())


def test_every_picture_says_what_it_shows():
    assert len(re.findall(r"!\[[^\]]{20,}\]\(screenshots/", (ROOT / "docs/editors.md").read_text())) == len(shown())


@pytest.fixture
def screenshots(monkeypatch, tmp_path):
    monkeypatch.setattr("cms.front_page.SCREENSHOTS", tmp_path)
    return tmp_path


def test_a_picture_is_shown_where_it_was_made(client, db, screenshots):
    html = client.get("/docs/editors/").content.decode()
    assert 'src="/docs/screenshots/sign-in.png"' in html
    missing = client.get("/docs/screenshots/sign-in.png")
    assert (missing.status_code, missing.content) == (
        404,
        b"This picture was not made here. `make screenshots` takes them, with Chromium.\n",
    )
    (screenshots / "sign-in.png").write_bytes(b"a picture")
    made = client.get("/docs/screenshots/sign-in.png")
    assert (made.status_code, made["Content-Type"], made.content) == (200, "image/png", b"a picture")


@pytest.mark.parametrize("name", ["failed-test", "..%2Fsecret", "SIGN-IN"])
def test_no_other_file_is_shown(client, db, screenshots, name):
    (screenshots / "failed-test.png").write_bytes(b"a picture")
    assert client.get(f"/docs/screenshots/{name}.png").status_code == 404


@pytest.mark.parametrize("name", ["readme", *(path.stem for path in ROOT.glob("docs/*.md"))])
def test_links_between_the_pages_work_on_the_site(client, db, name):
    html = client.get(f"/docs/{name}/").content.decode()
    article = html.split("<article>")[1]
    assert '.md"' not in article
    for address in re.findall(r'href="(/docs/[^"#]*)', article):
        assert client.get(address).status_code == 200, address
