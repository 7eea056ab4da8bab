"""Small rules on their own: partial dates, agenda dates, rich text, references of death reviews, settings."""

import os
import random
import re
import subprocess
import sys
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from pages.content import rich_text
from pages.content.rich_text import LinkTargets, has_text, linked_ids, paragraphs, render
from pages.models import MeetingPage
from pages.models.death_reviews import name_hash, new_reference
from pages.partial_dates import PartialDate, Precision, read_partial_date

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize(
    ("typed", "value", "words", "precision", "first", "last"),
    [
        ("2023", "2023", "2023", Precision.YEAR, date(2023, 1, 1), date(2023, 12, 31)),
        ("September 2023", "2023-09", "September 2023", Precision.MONTH, date(2023, 9, 1), date(2023, 9, 30)),
        ("sep 2023", "2023-09", "September 2023", Precision.MONTH, date(2023, 9, 1), date(2023, 9, 30)),
        (
            "1 September 2023",
            "2023-09-01",
            "1 September 2023",
            Precision.DAY,
            date(2023, 9, 1),
            date(2023, 9, 1),
        ),
        ("01/09/2023", "2023-09-01", "1 September 2023", Precision.DAY, date(2023, 9, 1), date(2023, 9, 1)),
        ("2024-02", "2024-02", "February 2024", Precision.MONTH, date(2024, 2, 1), date(2024, 2, 29)),
    ],
)
def test_partial_dates_keep_their_precision(typed, value, words, precision, first, last):
    read = read_partial_date(typed)
    assert (read, str(read)) == (PartialDate(value), words)
    assert (read.precision, read.first_day, read.last_day) == (precision, first, last)


@pytest.mark.parametrize("typed", ["", "soon", "2023-13", "30 February 2024", "202", "13 2024", "2023-9", "May"])
def test_what_is_no_date_is_refused_with_what_to_write(typed):
    with pytest.raises(ValueError, match='such as "2023", "September 2023" or "1 September 2023"'):
        read_partial_date(typed)


TARGETS = LinkTargets(pages={3: "https://example.org/a/?b=1&c=2"}, documents={5: "https://cms.example.org/f"})


@pytest.mark.parametrize(
    ("source", "html", "text"),
    [
        (
            '<p>See <a linktype="page" id="3">the <b>plan</b></a>.</p>',
            '<p>See <a href="https://example.org/a/?b=1&amp;c=2">the <b>plan</b></a>.</p>',
            "See the plan.",
        ),
        ('<p><a linktype="page" id="4">Draft</a> page</p>', "<p>Draft page</p>", "Draft page"),
        ('<p><a id="5" linktype="document">File</a></p>', '<p><a href="https://cms.example.org/f">File</a></p>', "File"),
        ('<p><a linktype="document" id="6">Hidden</a></p>', "<p>Hidden</p>", "Hidden"),
        ('<p><a linktype="user" id="3">Odd</a></p>', "<p>Odd</p>", "Odd"),
        ('<p onclick="x()">Hi<script>alert(1)</script></p>', "<p>Hialert(1)</p>", "Hialert(1)"),
        ('<a href="javascript:alert(1)">x</a>', "x", "x"),
        ('<a href="//evil.example/">x</a>', "x", "x"),
        ('<p><a href="/meetings/">x</a><br/>y</p>', '<p><a href="http://testserver/meetings/">x</a><br>y</p>', "x\ny"),
        ('<p>a &lt;b&gt; &amp; c</p><ul><li>one</li><li>two</li></ul>', "<p>a &lt;b&gt; &amp; c</p><ul><li>one</li><li>two</li></ul>", "a <b> & c\none\ntwo"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_rich_text_is_safe_and_links_only_to_what_is_public(source, html, text):
    rendered = render(source, TARGETS)
    assert (rendered.html, rendered.text) == (html, text)


@pytest.mark.parametrize("source", ["", " ", '<p data-block-key="a1b2c"></p>', "<p>&nbsp;</p>", "<ul><li> </li></ul>"])
def test_an_empty_box_of_an_editor_has_no_text(source):
    assert has_text(source) is False
    assert has_text(source + "<p>x</p>") is True


def test_linked_ids():
    sources = ['<a linktype="page" id="3">x</a>', '<a id="9" linktype="document">x</a>', '<a href="/x">x</a>']
    assert linked_ids(sources) == ({3}, {9})


@pytest.mark.parametrize(
    ("source", "same", "other"),
    [
        ("<p>A <b>hall</b></p>", '<p data-block-key="x1">A <strong>hall</strong></p>', "<p>A hall</p>"),
        ("<p>é &amp; <i>x</i></p>", "<p>&eacute; &#38; <em>x</em></p>", "<p>é &amp; x</p>"),
        ('<p><a linktype="page" id="3">m</a></p>', '<p><a id="3" linktype="page">m</a></p>', "<p>m</p>"),
        (
            '<p><a id="3" linktype="page">m</a></p>',
            '<p><a id="3" linktype="page" class="x">m</a></p>',
            '<p><a id="3" linktype="document">m</a></p>',
        ),
        ('<p><a href="https://a.org">m</a></p>', '<p><a href="https://a.org">m</a></p>', '<p><a href="/a">m</a></p>'),
        ("<ul><li>a</li></ul>", "<ul><li>a</li></ul>\n", "<ul><li>a</li><li>b</li></ul>"),
    ],
)
def test_paragraphs_are_compared_by_what_they_say_and_where_they_lead(source, same, other):
    more = "<p>Further.</p>"
    assert paragraphs(same) == paragraphs(source)
    assert paragraphs(other) != paragraphs(source)
    assert paragraphs(source + more) == [*paragraphs(source), "<p>Further.</p>"]
    assert paragraphs("") == []


def test_references_say_nothing_and_names_cannot_be_read_back():
    references = {new_reference() for _ in range(200)}
    assert len(references) > 190
    assert all(re.fullmatch(r"DR-[2-9BCDFGHJKMNPQRTVWXYZ]{4}", reference) for reference in references)
    assert name_hash("  Zoë   EXAMPLE ") == name_hash("zoe example")
    assert name_hash("Zoe Example") != name_hash("Zoe Sample")
    assert re.fullmatch(r"[0-9a-f]{64}", name_hash("x"))


def start(*command, **environment):
    clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")}
    return subprocess.run(
        [sys.executable, "manage.py", *(command or ["check"])],
        cwd=settings.BASE_DIR,
        env={**clean, "DJANGO_SETTINGS_MODULE": "cms.settings", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "99999"),
        ("DEBUG", "perhaps"),
        ("CMS_URL", "cms.example.org"),
        ("WEBSITE_URL", "https://"),
        ("DATABASE_URL", "nonsense://x"),
        ("DATABASE_URL", "mysql://x/y"),
        ("EMAIL_URL", "foo"),
        ("CMS_URL", "https://example.org/cms"),
        ("STORAGE", "tape"),
        ("AGENDA_POLICY", "someday"),
        ("DEATH_REVIEW_MINIMUM_MONTHS", "0"),
        ("GRAPHQL_MAX_ROOT_FIELDS", "101"),
        ("GRAPHQL_MAX_ROOT_FIELDS", "5"),
        ("GRAPHQL_MAX_ALIASES_PER_FIELD", "0"),
    ],
)
def test_a_wrong_environment_variable_stops_the_start_and_is_named(name, value, tmp_path):
    result = start(**{"DATA_DIR": str(tmp_path), name: value})
    assert result.returncode == 1
    assert result.stderr.startswith("The settings are invalid. Correct these and start again:\n")
    assert f"Environment variable {name}: " in result.stderr
    assert "Traceback" not in result.stderr


def test_files_go_to_s3_when_the_environment_says_so(tmp_path):
    code = (
        "from django.core.files.storage import default_storage as s; s._setup(); s = s._wrapped;"
        "print(type(s).__module__, s.bucket_name, s.endpoint_url, s.default_acl, s.querystring_auth)"
    )
    result = start(
        "shell",
        "-v0",
        "-c",
        code,
        DATA_DIR=str(tmp_path),
        STORAGE="s3",
        S3_BUCKET="papers",
        S3_ENDPOINT_URL="https://s3.example.org",
    )
    assert result.stdout == "storages.backends.s3 papers https://s3.example.org private True\n"


def test_s3_without_a_bucket_is_named(tmp_path):
    result = start(DATA_DIR=str(tmp_path), STORAGE="s3")
    assert result.returncode == 1
    assert "Environment variable S3_BUCKET: is needed when STORAGE is s3" in result.stderr


def test_the_secret_key_is_made_once_and_readable_only_by_its_owner(tmp_path):
    assert start(DATA_DIR=str(tmp_path)).returncode == 0
    key = tmp_path / "secret-key"
    first = key.read_text()
    assert len(first) == 100
    assert key.stat().st_mode & 0o777 == 0o600
    assert start(DATA_DIR=str(tmp_path)).returncode == 0
    assert key.read_text() == first


def test_a_period_label_is_a_year_at_most():
    from pages.models import DeathReviewNoticePage  # noqa: PLC0415

    field = DeathReviewNoticePage._meta.get_field("period_label")
    for label in ("2021", "2021/22"):
        field.run_validators(label)
    with pytest.raises(ValidationError):
        field.run_validators("May 2021")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "moment", "message"),
    [
        ("ends_at", (1, 30, 0), "The end must be after the start."),
        ("ends_at", (0, 30, 0), "The end must be after the start."),
        ("ends_at", (1, 30, 1), None),
        ("questions_deadline", (1, 30, 1), "The deadline must not be after the start of the meeting."),
        ("questions_deadline", (1, 30, 0), None),
    ],
)
def test_times_of_a_meeting_follow_each_other_by_the_instant(field, moment, message):
    """A meeting at 1:30am in the night in which the clocks go back at 2am; `fold` 1 is the second 1:30am."""
    hour, minute, fold = moment
    zone = ZoneInfo("Europe/London")
    starts = datetime(2026, 10, 25, 1, 30, tzinfo=zone)
    page = MeetingPage(title="M", starts_at=starts, **{field: starts.replace(hour=hour, minute=minute, fold=fold)})
    if message is None:
        page.clean()
        return
    with pytest.raises(ValidationError) as refused:
        page.clean()
    assert refused.value.message_dict == {field: [message]}


PIECES = [
    "<p>", "</p>", '<p data-block-key="k1">', "<h2>", "</h2>", "<ul>", "</ul>", "<li>", "</li>", "<b>", "</b>", "<i>",
    "</i>", "<em>", "</em>", "<br/>", "<br>", "x", "é", "\t", "\n", "&amp;", "&lt;", "&quot;", "&nbsp;", '"', "'", "  ", "&",
    "<a href='/x'>", "</a>", '<a id="3" linktype="page">y</a>', '<a linktype="document" id="5">y</a>',
    '<a linktype="page" id="4">&amp;</a>', '<a href="/news/?a=b#c">y</a>', '<a href="https://example.org/%20x">y</a>',
    '<a href="//evil.example/">y</a>', "\x85", "\xa0", "\u2028", "\ufeff", "\x0b", "-", ' data-block-key="x"',
]  # fmt: skip


def test_simple_rich_text_is_rendered_as_the_parser_would():
    """Seeded: pieces of rich text in any order, within the tags in which they are simple."""
    draw, simple, links = random.Random(20261130), 0, 0
    for _ in range(20_000):
        middle = "".join(draw.choices(PIECES, k=draw.randint(0, 6)))
        source = (
            draw.choice(["%s", "<p>%s</p>", "<ul><li>%s</li></ul>", '<h3 data-block-key="a">%s</h3><p>y</p>']) % middle
        )
        if rich_text._SIMPLE.fullmatch(source):
            simple += 1
            assert render(source, TARGETS) == rich_text._parsed(source, TARGETS), source
            parser = rich_text._Parser(None)
            parser.feed(source)
            assert linked_ids([source]) == (parser.page_ids, parser.document_ids)
            links += bool(parser.page_ids)
    assert simple > 2_000
    assert links > 50
