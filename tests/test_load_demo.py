"""`load_demo` fills an empty site once, keeps what editors did since, and saves nothing of a faulty file."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from wagtail.models import ModelLogEntry, Page, PageLogEntry, Site, WorkflowPage

from pages.approval.workflow import publish_by_command, set_up_moderation
from pages.management.commands.load_demo import BUNDLED_FILE, rich_text
from pages.models import (
    Action,
    Agency,
    Contact,
    ContentPage,
    DeathReviewIndexPage,
    InsightPage,
    MeetingIndexPage,
    MeetingPage,
    PartnershipPage,
    PriorityPage,
    PriorityPeriodPage,
    RoleGroup,
    Venue,
)

TREE = [
    ("/home/", "PartnershipPage", "Cambridge Community Safety Partnership"),
    ("/home/2023-to-2025/", "PriorityPeriodPage", "2023 to 2025"),
    (
        "/home/2023-to-2025/reducing-violence-in-the-city-centre/",
        "PriorityPage",
        "Reducing violence in the city centre",
    ),
    ("/home/2025-to-2027/", "PriorityPeriodPage", "2025 to 2027"),
    (
        "/home/2025-to-2027/preventing-violence-and-exploitation/",
        "PriorityPage",
        "Preventing violence and exploitation",
    ),
    ("/home/2025-to-2027/a-neighbourhood-approach/", "PriorityPage", "A neighbourhood approach"),
    ("/home/2025-to-2027/tackling-acquisitive-crime/", "PriorityPage", "Tackling acquisitive crime"),
    ("/home/business-as-usual/", "BusinessAsUsualPage", "Business as usual"),
    ("/home/news/", "NewsIndexPage", "News"),
    ("/home/meetings/", "MeetingIndexPage", "Meetings"),
    ("/home/meetings/24-february-2026/", "MeetingPage", "Partnership meeting, 24 February 2026"),
    ("/home/plans/", "PublicationIndexPage", "Community safety plans"),
    ("/home/plans/community-safety-plan/", "CommunitySafetyPlanPage", "Community Safety Plan"),
    ("/home/insights/", "PublicationIndexPage", "Insights"),
    ("/home/insights/strategic-assessment-2024-25/", "InsightPage", "Strategic assessment 2024/25"),
    ("/home/annual-reviews/", "PublicationIndexPage", "Annual reviews"),
    ("/home/death-reviews/", "DeathReviewIndexPage", "Domestic Abuse Related Death Reviews"),
]


def run(*args: Any, **options: Any) -> str:
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


def every_row() -> dict[str, list[dict[str, Any]]]:
    """Everything in the database, table by table."""
    models = apps.get_models(include_auto_created=True)
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in models}


@pytest.fixture
def groups(db) -> None:
    set_up_moderation()


def test_the_tree_the_menu_and_the_workflow(demo):
    pages = Page.objects.filter(depth__gt=1).order_by("path").specific()
    assert [(page.url_path, type(page).__name__, page.title) for page in pages] == TREE
    assert Page.find_problems() == ([], [], [], [], [])
    assert all(0 < len(page.summary) <= 160 for page in pages)
    site = Site.objects.get()
    assert (site.root_page.title, site.is_default_site) == ("Cambridge Community Safety Partnership", True)
    menu = site.root_page.get_children().in_menu().values_list("slug", flat=True)
    assert list(menu) == [
        "2025-to-2027",
        "business-as-usual",
        "news",
        "meetings",
        "plans",
        "insights",
        "annual-reviews",
        "death-reviews",
    ]
    rule = WorkflowPage.objects.get(page=DeathReviewIndexPage.objects.get().pk)
    assert rule.workflow.name == "Death reviews"
    assert demo.splitlines()[-1] == "33 pages and pieces of shared text added."
    assert len(demo.splitlines()) == 34


def test_each_page_and_snippet_has_a_revision_and_log_entries(demo):
    for page in ContentPage.objects.all():
        assert page.revisions.count() == 1
        assert (page.live, page.has_unpublished_changes) == (True, False)
        assert page.live_revision_id == page.latest_revision_id
        entries = PageLogEntry.objects.filter(page=page.pk).order_by("pk")
        assert [(entry.action, entry.data) for entry in entries] == [
            ("wagtail.create", {}),
            ("wagtail.publish", {}),
            ("pages.published_by_command", {"command": "load_demo"}),
        ]
    assert (Agency.objects.count(), Venue.objects.count(), Contact.objects.count()) == (14, 1, 1)
    for snippet in [*Agency.objects.all(), *Venue.objects.all(), *Contact.objects.all()]:
        assert (snippet.live, snippet.revisions.count()) == (True, 1)
        actions = ModelLogEntry.objects.for_instance(snippet).order_by("pk").values_list("action", flat=True)
        assert list(actions) == ["wagtail.publish", "pages.published_by_command"]


def test_rows_and_references_are_in_the_order_of_the_file(demo):
    priority = PriorityPage.objects.get(slug="preventing-violence-and-exploitation")
    assert list(priority.actions.values_list("sort_order", "horizon")) == [
        (0, "in-year"),
        (1, "in-year"),
        (2, "in-year"),
        (3, "strategy-life"),
        (4, "strategy-life"),
        (5, "strategy-life"),
    ]
    assert Action.objects.count() == 5 + 15
    members = PartnershipPage.objects.get().memberships.all()
    assert [member.sort_order for member in members] == list(range(14))
    assert PriorityPeriodPage.objects.get(slug="2025-to-2027").evidence == InsightPage.objects.get()
    insight = InsightPage.objects.get()
    assert insight.subjects.splitlines()[-1] == "Behaviour adversely affecting the environment"


def test_a_second_run_changes_nothing(demo):
    before = every_row()
    assert run("load_demo") == "Everything is already there. Nothing was changed.\n"
    assert every_row() == before


def test_what_an_editor_changed_stays(demo):
    home = PartnershipPage.objects.get()
    home.strapline = "Safer together"
    publish_by_command(home, "a test")
    index = MeetingIndexPage.objects.get()
    index.slug = "our-meetings"
    publish_by_command(index, "a test")
    venue = Venue.objects.get()
    venue.name, venue.step_free = "Parkside Place", "yes"
    publish_by_command(venue, "a test")
    PriorityPage.objects.get(slug="a-neighbourhood-approach").unpublish()
    before = every_row()
    assert run("load_demo") == "Everything is already there. Nothing was changed.\n"
    assert every_row() == before
    assert PartnershipPage.objects.get().strapline == "Safer together"
    assert MeetingPage.objects.get().url_path == "/home/our-meetings/24-february-2026/"


def test_a_deleted_page_comes_back_and_nothing_else_changes(demo):
    PriorityPage.objects.get(slug="a-neighbourhood-approach").delete()
    uuids = set(ContentPage.objects.values_list("uuid", flat=True))
    lines = run("load_demo").splitlines()
    assert lines == ["Added priority: A neighbourhood approach", "1 pages and pieces of shared text added."]
    new = ContentPage.objects.exclude(uuid__in=uuids).get()
    assert new.url_path == "/home/2025-to-2027/a-neighbourhood-approach/"


def test_a_home_page_that_is_there_is_used(groups):
    site = Site.objects.get()
    root = Page.objects.get(depth=1)
    home = root.add_child(instance=PartnershipPage(title="Ours", slug="ours", summary="Ours.", live=False))
    site.root_page = home
    site.save()
    run("load_demo")
    assert PartnershipPage.objects.get().title == "Ours"
    assert MeetingPage.objects.get().url_path == "/ours/meetings/24-february-2026/"
    assert Page.objects.filter(slug="home", depth=2).exists()  # Wagtail's page is not in the way, so it stays
    assert Site.objects.get().root_page_id == home.pk


def test_wagtails_welcome_page_stays_once_somebody_worked_on_it(groups):
    Page.objects.get(depth=2).save_revision()
    before = every_row()
    with pytest.raises(CommandError, match="the site has a home page already, 'Welcome to your new Wagtail"):
        run("load_demo")
    assert every_row() == before


def _set(content: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a place such as "home/children/0/title" of the file's content."""
    *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    place: Any = content
    for step in way:
        place = place[step]
    place[last] = value


PERIOD, PRIORITY = "home/children/1", "home/children/1/children/0"
IN_PERIOD = "page '2025-to-2027'"
IN_PRIORITY = "page '2025-to-2027/preventing-violence-and-exploitation'"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("home", ["a list"], "home: give names with values, not ['a list']"),
        ("pages", [], "the file: unknown: pages; known: agencies, contacts, home, venues"),
        ("agencies", "none", "agencies: give a list, not 'none'"),
        (
            "agencies/1/name",
            "Cambridge City Council",
            "agencies, entry 2: 'Cambridge City Council' is there twice",
        ),
        ("agencies/1/colour", "red", "agencies, entry 2, colour: there is no such field"),
        (
            "agencies/0/sector",
            "army",
            "agencies, 'Cambridge City Council': sector: Value 'army' is not a valid",
        ),
        ("home/type", "HomePage", "page 'home': 'HomePage' is no type of page"),
        ("home/type", "StandardPage", "page 'home': a standard page cannot be under 'Root'"),
        ("home/title", "word " * 60, "page 'home': title: Ensure this value has at most 255 characters"),
        ("home/path", "0001", "page 'home', path: there is no such field"),
        (
            "home/memberships/0/agency",
            "Us",
            "page 'home', memberships, entry 1, agency: 'Us' is not among the",
        ),
        ("home/memberships/0/role", "boss", "page 'home', memberships, entry 1: role: Value 'boss' is not a"),
        ("home/children/2/slug", "news", "page 'news': the slug 'news' is there twice"),
        (f"{PERIOD}/starts_on", "last year", f"{IN_PERIOD}, starts_on: Give a year, a month or a day"),
        (f"{PERIOD}/evidence", "insights/none", f"{IN_PERIOD}, evidence: there is no page 'insights/none'"),
        (f"{PERIOD}/evidence", "news", f"{IN_PERIOD}, evidence: the page 'news' is not of the type needed"),
        (f"{PERIOD}/last_reviewed_on", True, f"{IN_PERIOD}, last_reviewed_on: True does not belong here"),
        (
            f"{PRIORITY}/actions",
            [],
            f"{IN_PRIORITY}: actions: Add at least one action",
        ),
        (f"{PRIORITY}/number", "one", f"{IN_PRIORITY}, number: “one” value must be an integer."),
        (
            f"{PRIORITY}/number",
            2,
            f"{IN_PRIORITY}: number: Another priority of this period has the number 2.",
        ),
        (f"{PRIORITY}/rationale", None, f"{IN_PRIORITY}, rationale: give a text, not None"),
        (
            "home/children/4/children/0/venue",
            "Town Hall",
            "page 'meetings/24-february-2026', venue: 'Town Hall'",
        ),
        (
            "home/children/5/children/0/body/0",
            {"video": "x"},
            "body, block 1: unknown: video; known: heading",
        ),
    ],
)
def test_a_mistake_in_the_file_names_the_entry_and_saves_nothing(
    groups, tmp_path: Path, path: str, value: Any, message: str
):
    content = yaml.safe_load(BUNDLED_FILE.read_text(encoding="utf-8"))
    if "children" in path:
        content["home"]["memberships"] = []  # the mistake is not in them, and to publish each agency takes long
    _set(content, path, value)
    file = tmp_path / "content.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    before = every_row()
    with pytest.raises(CommandError) as error:
        run("load_demo", file=file)
    assert str(error.value).startswith("content.yaml: ")
    assert message in str(error.value)
    assert str(error.value).endswith("Nothing was saved.")
    assert every_row() == before
    assert Site.get_site_root_paths()[0].root_path == "/home/"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("home: [", "content.yaml: this is not valid YAML: while parsing"),
        ("when: 2026-02-31", "content.yaml: this is not valid YAML: day is out of range for month"),
        ("", "content.yaml: the file: give names with values, not None"),
        ("agencies: []", 'content.yaml: "home" is missing'),
    ],
)
def test_a_file_that_is_no_demo_content(groups, tmp_path: Path, text: str, message: str):
    file = tmp_path / "content.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CommandError) as error:
        run("load_demo", file=file)
    assert message in str(error.value)


def test_a_file_that_is_not_there(groups, tmp_path: Path):
    with pytest.raises(CommandError, match=r"none\.yaml: the file cannot be read"):
        run("load_demo", file=tmp_path / "none.yaml")


def test_it_asks_for_the_groups(db):
    RoleGroup.objects.all().delete()
    before = every_row()
    with pytest.raises(CommandError, match=r"run `manage\.py set_up_moderation` first"):
        run("load_demo")
    assert every_row() == before


def test_plain_text_becomes_paragraphs_and_lists():
    text = "One line\ngoes on.\n\nTwo < three & more.\n\n- first\n- second\n"
    assert rich_text(text, "here") == (
        "<p>One line goes on.</p><p>Two &lt; three &amp; more.</p><ul><li>first</li><li>second</li></ul>"
    )


def test_demo_accounts(groups):
    out = run("make_demo_accounts")
    users = User.objects.order_by("pk")
    assert [(user.username, user.email, user.is_superuser) for user in users] == [
        ("admin", "admin@example.org", True),
        ("editor", "editor@example.org", False),
        ("moderator", "moderator@example.org", False),
        ("safeguarding", "safeguarding@example.org", False),
    ]
    assert [list(user.groups.values_list("name", flat=True)) for user in users] == [
        [],
        ["Editors"],
        ["Moderators"],
        ["Safeguarding leads"],
    ]
    assert all(user.check_password("community-safety-demo") for user in users)
    assert out.splitlines()[-1] == "Password of admin, editor, moderator, safeguarding: community-safety-demo"


def test_existing_accounts_are_left_alone(groups):
    User.objects.create_user("editor", "somebody@example.org", "their own password")
    out = run("make_demo_accounts", password="another-long-password")
    editor = User.objects.get(username="editor")
    assert (editor.email, editor.groups.count()) == ("somebody@example.org", 0)
    assert editor.check_password("their own password")
    assert out.splitlines()[-1] == "Password of admin, moderator, safeguarding: another-long-password"
    before = every_row()
    assert "Password" not in run("make_demo_accounts")
    assert every_row() == before


def test_no_demo_accounts_on_a_public_server(groups, settings):
    settings.CMS_URL = "https://cms.example.org"
    with pytest.raises(CommandError, match="looks like a public server"):
        run("make_demo_accounts")
    assert User.objects.count() == 0
    run("make_demo_accounts", "--yes-on-a-public-server", "--password", "not-a-published-one")
    assert User.objects.count() == 4


def test_a_weak_password_is_refused(groups):
    with pytest.raises(CommandError, match="--password: This password is too short"):
        run("make_demo_accounts", password="short")
    assert User.objects.count() == 0


def test_demo_accounts_need_the_groups(db):
    RoleGroup.objects.filter(group__name="Safeguarding leads").delete()
    Group.objects.filter(name="Safeguarding leads").delete()
    with pytest.raises(CommandError, match="These groups are missing: Safeguarding leads"):
        run("make_demo_accounts")
